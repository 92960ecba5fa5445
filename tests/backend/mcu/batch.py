# SPDX-License-Identifier: MIT
"""Several compiled models in one program or firmware, each run over samples of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from milliwatt.backend.mcu.compile import Compiled
from milliwatt.run.build import build_firmware
from milliwatt.run.compile import LANGUAGE_FLAGS, WARNING_FLAGS
from milliwatt.run.cores import find_core
from milliwatt.run.samples import Sample
from milliwatt.run.unicorn_runner import run_unicorn
from milliwatt.run.verify import abi_of
from tests.sanitized import Program, build_and_run

Outputs = list[list[bytes]]
"""For each sample the bytes of each output."""


def write_projects(batch: Sequence[Compiled], folder: Path) -> list[Path]:
    """The files of every model in one folder; the C sources' paths."""
    sources: list[Path] = []
    for compiled in batch:
        for name, text in compiled.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        name = compiled.plan.name
        sources += [folder / f"{name}.c", folder / f"{name}_weights.c"]
    return sources


def run_on_host(
    batch: Sequence[Compiled],
    samples: Sequence[Sequence[Sample]],
    folder: Path,
    *,
    compiler: str = "gcc",
    plain: Sequence[str] = (),
) -> list[Outputs]:
    """Build one program for this machine and run it; each model's calls are consecutive.

    Under sanitizers, or with the `plain` flags.
    """
    sources = [*write_projects(batch, folder), folder / "batch_main.c"]
    sources[-1].write_text(_main(batch, [len(s) for s in samples]), encoding="utf-8")
    flags = (*LANGUAGE_FLAGS, *WARNING_FLAGS, "-pedantic")
    program = Program(compiler, flags, sources, (), folder / "batch", plain)
    data = b"".join(array.tobytes() for some in samples for sample in some for array in sample)
    done = build_and_run(program, data=data)
    if done.returncode != 0:
        pytest.fail(f"{[c.plan.name for c in batch]}: {done.stderr.decode()[-6000:]}")
    return _split(batch, [len(s) for s in samples], done.stdout)


def run_on_core(
    batch: Sequence[Compiled], samples: Sequence[Sequence[Sample]], folder: Path
) -> list[Outputs]:
    """Link one firmware for the models' core and run each of them on Unicorn."""
    abis = [abi_of(compiled) for compiled in batch]
    firmware = build_firmware(
        write_projects(batch, folder),
        abis[0],
        find_core(batch[0].target.core),
        include_folders=[folder],
        other_models=abis[1:],
    )
    return [
        [list(row) for row in run_unicorn(firmware, abi, some, reset_each=False).outputs]
        for abi, some in zip(abis, samples, strict=True)
    ]


def _main(batch: Sequence[Compiled], counts: Sequence[int]) -> str:
    includes = "".join(f'#include "{c.plan.name}.h"\n' for c in batch)
    calls = "".join(_calls(c, count) for c, count in zip(batch, counts, strict=True))
    return f"#include <stdio.h>\n{includes}\nint main(void)\n{{\n{calls}    return 0;\n}}\n"


def _calls(compiled: Compiled, count: int) -> str:
    name, graph = compiled.plan.name, compiled.plan.graph
    lines = [f"for (int i = 0; i < {count}; i++) {{"]
    if compiled.plan.fed:
        lines += _pushes(name)
    else:
        for i in range(len(graph.inputs)):
            size = f"{name.upper()}_INPUT_{i}_BYTES"
            address = f"{name}_input_{i}()"
            lines.append(f"    if (fread({address}, 1, {size}, stdin) != {size}) return 1;")
        lines.append(f"    {name}_run();")
    for i in range(len(graph.outputs)):
        size = f"{name.upper()}_OUTPUT_{i}_BYTES"
        lines.append(f"    if (fwrite({name}_output_{i}(), 1, {size}, stdout) != {size}) return 1;")
    return "".join(f"    {line}\n" for line in [*lines, "}"])


def _pushes(name: str) -> list[str]:
    """Rows from a file, 1, 2, 3, ... at a time in the first call, 2, 3, ... in the second."""
    port = f"{name.upper()}_INPUT_0"
    return [
        f"    static int64_t rows[{port}_BYTES / 8 + 1];",
        f"    if (fread(rows, 1, {port}_BYTES, stdin) != {port}_BYTES) return 1;",
        f"    {name}_begin();",
        f"    for (int32_t at = 0, some = i + 1; at < {port}_ROWS; at += some++) {{",
        f"        const int32_t rest = {port}_ROWS - at;",
        "        some = some < rest ? some : rest;",
        f"        if ({name}_push_rows((void *)((char *)rows + at * {port}_ROW_BYTES), some) != "
        "rest - some) return 1;",
        "    }",
    ]


def _split(batch: Sequence[Compiled], counts: Sequence[int], stream: bytes) -> list[Outputs]:
    results: list[Outputs] = []
    at = 0
    for compiled, count in zip(batch, counts, strict=True):
        rows: Outputs = []
        for _ in range(count):
            row: list[bytes] = []
            for size in abi_of(compiled).output_bytes:
                row.append(stream[at : at + size])
                at += size
            rows.append(row)
        results.append(rows)
    if at != len(stream):
        raise ValueError(f"{len(stream)} bytes came out, {at} were expected")
    return results
