# SPDX-License-Identifier: MIT
"""int4, int2 and coded weights on cores without packed multiplication.

Layers with random weights of fixed seeds, every output compared with the reference. Writes
bench/kernels/stored_without_dsp.csv and the table of docs/without-dsp.md.
Usage: python -m bench.kernels.stored_without_dsp
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.kernels.alternatives import LAYERS, PORTABLE
from bench.kernels.alternatives_page import filled
from bench.kernels.entries import bell, first_job, job_macs, table_bytes
from bench.markdown import count, table
from bench.rows import format_rows, read_rows
from bench.suite import BENCH
from milliwatt.backend.mcu.kernel import Core, Kernel
from milliwatt.backend.mcu.lowering.swar import (
    conv as swar_conv,
)
from milliwatt.backend.mcu.lowering.swar import (
    dense as swar_dense,
)
from milliwatt.backend.mcu.lowering.swar import (
    depthwise as swar_depthwise,
)
from milliwatt.backend.mcu.lowering.swar.stored import CODED, SUBBYTE
from milliwatt.ir.types import DType
from milliwatt.output import write_file
from tests.cases.build import Case
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job

TABLE = Path(__file__).with_name("stored_without_dsp.csv")
PAGE = BENCH.parent / "docs" / "without-dsp.md"
GROUP = "stored"
_CORES = {"cortex-m0plus": "gcc", "rv32imc": "zig"}
_SWAR = Core(swar=True)
_INT8 = (*swar_dense.KERNELS, *swar_conv.KERNELS, *swar_depthwise.KERNELS)
_LAYERS = (
    "1×1, 25×5, 64 → 64",
    "3×3, 8×8, 64 → 64",
    "depthwise 3×3, 25×5, 64",
    "fully connected, 640 → 128",
)
_SPREAD = 8.0


@dataclass(frozen=True)
class Stored:
    """One kernel on one layer, on both cores."""

    layer: str
    weights: str
    kernel: str
    macs: int
    m0_instructions: int
    rv32_instructions: int
    flash_bytes: int
    """Weights, biases and constants; not code."""
    scratch_bytes: int


def _entries(layer: str) -> list[tuple[str, Job]]:
    make = LAYERS[layer]
    coded = bell(make(DType.INT8), _SPREAD)
    found = [("int8", _first(_INT8, make(DType.INT8)))]
    for dtype in (DType.INT4, DType.INT2):
        found.append((dtype.value, _first(SUBBYTE, make(dtype))))
        found.append((dtype.value, _first(PORTABLE, make(dtype))))
    found.append(("int8, 5.4 bits in code", _first(CODED, coded)))
    return found


def _first(kernels: Sequence[Kernel], case: Case) -> Job:
    return first_job(kernels, case, _SWAR)


def measure() -> list[Stored]:
    """Every row, on the emulated cores."""
    return [_row(layer, weights, job) for layer in _LAYERS for weights, job in _entries(layer)]


def _row(layer: str, weights: str, job: Job) -> Stored:
    counts = [check_emulated([job], core, cc).instructions[0] for core, cc in _CORES.items()]
    return Stored(
        layer,
        weights,
        job.kernel.name,
        job_macs(job),
        *counts,
        flash_bytes=table_bytes(job),
        scratch_bytes=job.kernel.lower(job.site).scratch_bytes,
    )


def render(rows: Sequence[Stored]) -> str:
    """The rows in Markdown."""
    lines = [
        [
            r.layer,
            r.weights,
            f"`{r.kernel}`",
            f"{r.m0_instructions / r.macs:.2f}",
            f"{r.rv32_instructions / r.macs:.2f}",
            count(r.flash_bytes),
            count(r.scratch_bytes),
        ]
        for r in rows
    ]
    heads = ["layer", "weights", "kernel", "M0+, per MAC", "RV32IMC, per MAC"]
    return table([*heads, "flash, B", "scratch, B"], lines)


def load() -> list[Stored]:
    """The committed rows."""
    return read_rows(TABLE, Stored)


def main() -> None:
    """Measure, and write the table and the page."""
    rows = measure()
    write_file(TABLE, format_rows(rows, Stored))
    write_file(PAGE, filled(PAGE.read_text(encoding="utf-8"), {GROUP: render(rows)}))
    print(f"{len(rows)} rows: {TABLE.name}, {PAGE.name}")


if __name__ == "__main__":
    main()
