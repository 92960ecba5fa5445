# SPDX-License-Identifier: MIT
"""Kernels beside the usual ones on a Cortex-M4: sub-byte, coded and sparse weights, Winograd.

Layers with random weights of fixed seeds, every output compared with the reference. Writes
bench/kernels/alternatives.csv, where the published networks are at hand the networks' tables
beside it, and the tables of docs/kernels.md.
Usage: python -m bench.kernels.alternatives
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.kernels.alternatives_page import PAGE, Row, filled, render
from bench.kernels.coded_networks import TABLE as CODED
from bench.kernels.coded_networks import CodedNetwork, load_networks, measure_networks
from bench.kernels.entries import Entry, bell, first_job, measure_entries
from bench.kernels.subbyte_networks import TABLE as NARROWED
from bench.kernels.subbyte_networks import SubbyteNetwork, load_subbyte, measure_subbyte
from bench.kernels.tuned_ic import TABLE as TUNED
from bench.kernels.tuned_ic import TunedFigure, load_tuned, measure_tuned
from bench.rows import format_rows, read_rows
from milliwatt.backend.mcu.kernel import Core, Kernel
from milliwatt.backend.mcu.lowering.dsp import (
    coded,
    sparse_conv,
    sparse_dense,
    subbyte_conv,
    subbyte_dense,
    subbyte_depthwise,
    winograd,
)
from milliwatt.backend.mcu.lowering.dsp import (
    conv as dsp_conv,
)
from milliwatt.backend.mcu.lowering.dsp import (
    dense as dsp_dense,
)
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise as dsp_depthwise,
)
from milliwatt.backend.mcu.lowering.portable import (
    conv,
    dense,
)
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation
from milliwatt.output import write_file
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.harness import Job
from tests.kernels.pruned import blocks, nm, pruned, unstructured
from tests.kernels.symmetric import symmetric
from tests.support import find_shared

TABLE = Path(__file__).with_name("alternatives.csv")
CORE = Core(dsp=True)
DENSE = (*dsp_conv.KERNELS, *dsp_depthwise.KERNELS, *dsp_dense.KERNELS)
SUBBYTE = (*subbyte_conv.KERNELS, *subbyte_depthwise.KERNELS, *subbyte_dense.KERNELS)
PORTABLE = (*conv.KERNELS, *dense.KERNELS)
RELU = Activation.RELU


def _convolution(window: Window, dtype: DType = DType.INT8) -> Case:
    return symmetric(linear.convolution(window, DType.INT8, Numbers(weights=dtype), 1))


def _depthwise(window: Window, dtype: DType = DType.INT8) -> Case:
    return symmetric(linear.depthwise(window, DType.INT8, Numbers(weights=dtype), 1))


def _dense(size: tuple[int, int, int], dtype: DType = DType.INT8) -> Case:
    return symmetric(linear.dense(size, DType.INT8, Numbers(weights=dtype), 1))


def _pointwise(height: int, width: int, depth: int, out: int) -> Window:
    return Window((1, height, width, depth), out, activation=RELU)


def _square(side: int, depth: int, out: int) -> Window:
    return Window((1, side, side, depth), out, (3, 3), padding="same", activation=RELU)


_POINTWISE = {
    "1×1, 25×5, 64 → 64": _pointwise(25, 5, 64, 64),
    "1×1, 6×6, 128 → 128": _pointwise(6, 6, 128, 128),
}
_SQUARE = {
    "3×3, 32×32, 16 → 16": _square(32, 16, 16),
    "3×3, 16×16, 32 → 32": _square(16, 32, 32),
    "3×3, 8×8, 64 → 64": _square(8, 64, 64),
    "3×3, 8×8, 8 → 8": _square(8, 8, 8),
    "3×3, 7×7, 32 → 32": _square(7, 32, 32),
}
_PLANES = {"depthwise 3×3, 25×5, 64": replace(_square(5, 64, 64), x=(1, 25, 5, 64))}
_FULL = {"fully connected, 640 → 128": (1, 640, 128)}
LAYERS: dict[str, Callable[[DType], Case]] = {
    **{name: lambda dtype, w=w: _convolution(w, dtype) for name, w in _POINTWISE.items()},
    **{name: lambda dtype, w=w: _convolution(w, dtype) for name, w in _SQUARE.items()},
    **{name: lambda dtype, w=w: _depthwise(w, dtype) for name, w in _PLANES.items()},
    **{name: lambda dtype, s=s: _dense(s, dtype) for name, s in _FULL.items()},
}
_COMPARED = ("1×1, 25×5, 64 → 64", "1×1, 6×6, 128 → 128", "3×3, 16×16, 32 → 32")
_OTHERS = (*_PLANES, *_FULL)


def _subbyte() -> list[Entry]:
    found: list[Entry] = []
    for layer in (*_COMPARED, *_OTHERS):
        for dtype, kernels in (
            (DType.INT8, DENSE),
            (DType.INT4, SUBBYTE),
            (DType.INT2, SUBBYTE),
            (DType.INT4, PORTABLE),
        ):
            job = _first(kernels, LAYERS[layer](dtype))
            found.append(Entry("subbyte", layer, dtype.value, job))
    return found


def _first(kernels: Sequence[Kernel], case: Case) -> Job:
    return first_job(kernels, case, CORE)


def _entropy_bits(values: Array) -> float:
    counts = np.unique(values, return_counts=True)[1] / values.size
    return float(-(counts * np.log2(counts)).sum())


def _coded() -> list[Entry]:
    found: list[Entry] = []
    for layer in ("1×1, 6×6, 128 → 128", "3×3, 8×8, 64 → 64", *_OTHERS):
        for spread in (3.0, 8.0, 20.0):
            case = bell(LAYERS[layer](DType.INT8), spread)
            weights = f"{_entropy_bits(case[1][1]):.1f} bits"
            found.append(Entry("coded", layer, weights, _first(DENSE, case)))
            found.append(Entry("coded", layer, weights, _first(coded.KERNELS, case)))
    return found


def _winograd() -> list[Entry]:
    cases = {layer: LAYERS[layer](DType.INT8) for layer in _SQUARE}
    return [
        Entry("winograd", layer, "int8", _first(kernels, case))
        for layer, case in cases.items()
        for kernels in (DENSE, winograd.KERNELS[:1], winograd.KERNELS[1:])
    ]


_PRUNED = {
    **{f"{density:.0%} of weights": unstructured(density) for density in (0.5, 0.4, 0.3, 0.2)},
    **{f"{density:.0%} of weights": unstructured(density) for density in (0.1, 0.05)},
    "2 of 4": nm(2, 4),
    "1 of 4": nm(1, 4),
    "50% of blocks 1×4": blocks(0.5, 1, 4),
    "50% of blocks 4×4": blocks(0.5, 4, 4),
}


def _sparse() -> list[Entry]:
    found: list[Entry] = []
    for layer, family in (
        ("1×1, 6×6, 128 → 128", sparse_conv.KERNELS[:1]),
        ("3×3, 16×16, 32 → 32", sparse_conv.KERNELS[1:]),
        ("fully connected, 640 → 128", sparse_dense.KERNELS),
    ):
        case = LAYERS[layer](DType.INT8)
        found.append(Entry("sparse", layer, "all", _first(DENSE, case)))
        for name, prune in _PRUNED.items():
            site, inputs = pruned(case, prune, 1)
            able = [k for k in family if k.supports(site, CORE)] or family[-1:]
            found.append(Entry("sparse", layer, name, Job(able[0], site, inputs)))
    return found


def measure() -> list[Row]:
    """Every row, on the emulated Cortex-M4."""
    return measure_entries([*_subbyte(), *_coded(), *_winograd(), *_sparse()], "cortex-m4")


def load() -> list[Row]:
    """The committed rows."""
    return read_rows(TABLE, Row)


def main() -> None:
    """Measure, and write the table and the page."""
    rows = measure()
    write_file(TABLE, format_rows(rows, Row))
    shared = find_shared()
    if shared is not None:
        models = shared / "models"
        write_file(CODED, format_rows(measure_networks(models), CodedNetwork))
        write_file(NARROWED, format_rows(measure_subbyte(models), SubbyteNetwork))
        write_file(TUNED, format_rows(measure_tuned(models), TunedFigure))
    tables = render(rows, load_networks(), load_subbyte(), load_tuned())
    page = filled(PAGE.read_text(encoding="utf-8"), tables)
    write_file(PAGE, page)
    print(f"{len(rows)} rows: {TABLE.name}, {PAGE.name}")


if __name__ == "__main__":
    main()
