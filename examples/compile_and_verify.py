# SPDX-License-Identifier: MIT
"""Compile a model file for a board and prove the result on an emulated core.

    python examples/compile_and_verify.py MODEL [BOARD] [FOLDER]

Without arguments: the digits network beside this file, an STM32L4R5, `out/example`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import milliwatt as mw

HERE = Path(__file__).parent


def main(model: str, board: str, folder: str) -> None:
    """Compile `model`, run it on the emulated core of `board`, write the C to `folder`."""
    graph = mw.load_model(model)
    print(f"{graph.name}: {len(graph.nodes)} operators, {graph.macs():,} multiply-accumulates")

    target = mw.load_target(board)
    compiled = mw.compile_graph(graph, target)
    plan = compiled.plan
    print(f"arena {plan.arena_bytes:,} B, proven lower bound {plan.arena_bound_bytes:,} B")

    # Eight random inputs, as consecutive calls; your own come from mw.load_samples(path, ports).
    samples = mw.random_samples(mw.ports_of(graph), 8, seed=0)
    firmware = mw.build_compiled(compiled)
    emulator = mw.choose_emulator(target.core)
    # A VerifyError where any output byte differs, with the first layer that does.
    done = mw.verify_compiled(compiled, firmware, samples, emulator=emulator)
    report = mw.compile_report(compiled, done, samples)

    memory = report.memory
    print(f"verified on {report.emulator}: {done.samples} inputs, every output byte equal")
    print(f"flash {memory.flash_bytes:,} B, SRAM {memory.sram_bytes:,} B with the stack")
    print(f"{report.instructions:,} instructions per inference")
    if report.latency is not None:
        latency = report.latency
        print(
            f"estimated {latency.seconds * 1e3:.2f} ms "
            f"({latency.seconds_low * 1e3:.2f} to {latency.seconds_high * 1e3:.2f}) "
            f"on {target.title}"
        )

    mw.write_folder(folder, compiled.files, marker="milliwatt.json")
    print(f"{folder}: {', '.join(sorted(name for name in compiled.files if name[:3] != 'mw_'))}")


if __name__ == "__main__":
    try:
        given, defaults = sys.argv[1:4], [str(HERE / "digits.mw"), "nucleo-l4r5zi", "out/example"]
        main(*given, *defaults[len(given) :])
    except mw.MilliwattError as error:
        sys.exit(f"error: {error}")
