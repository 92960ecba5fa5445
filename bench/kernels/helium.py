# SPDX-License-Identifier: MIT
"""Kernels beside the usual ones on a Cortex-M55 with Helium: sub-byte, sparse and coded weights,
Winograd.

Layers with random weights of fixed seeds, every output compared with the reference. Writes
bench/kernels/helium.csv, where the published networks are at hand helium_networks.csv beside it,
and the tables of docs/kernels.md on Helium.
Usage: python -m bench.kernels.helium
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.kernels.alternatives_page import PAGE, Row, filled
from bench.kernels.entries import Entry, bell, first_job, measure_entries
from bench.kernels.helium_page import render
from bench.kernels.subbyte_networks import SubbyteNetwork, measure_subbyte
from bench.rows import format_rows, read_rows
from milliwatt.backend.mcu.kernel import Core, Kernel
from milliwatt.backend.mcu.lowering.dsp import (
    coded,
    sparse_conv,
    subbyte_conv,
    subbyte_dense,
    subbyte_depthwise,
)
from milliwatt.backend.mcu.lowering.mve import (
    coded as mve_coded,
)
from milliwatt.backend.mcu.lowering.mve import (
    conv as mve_conv,
)
from milliwatt.backend.mcu.lowering.mve import (
    dense as mve_dense,
)
from milliwatt.backend.mcu.lowering.mve import (
    depthwise as mve_depthwise,
)
from milliwatt.backend.mcu.lowering.mve import (
    sparse as mve_sparse,
)
from milliwatt.backend.mcu.lowering.mve import (
    sparse_dense as mve_sparse_dense,
)
from milliwatt.backend.mcu.lowering.mve import (
    subbyte as mve_subbyte,
)
from milliwatt.backend.mcu.lowering.mve import (
    subbyte_depthwise as mve_subbyte_depthwise,
)
from milliwatt.backend.mcu.lowering.mve import (
    winograd as mve_winograd,
)
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from milliwatt.output import write_file
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.harness import Job
from tests.kernels.pruned import Prune, blocks, nm, pruned, unstructured
from tests.support import find_shared

TABLE = Path(__file__).with_name("helium.csv")
NETWORKS_TABLE = Path(__file__).with_name("helium_networks.csv")
CORE = Core(dsp=True, mve=True)
USUAL = (*mve_conv.KERNELS, *mve_depthwise.KERNELS, *mve_dense.KERNELS)
SUBBYTE = (*mve_subbyte.KERNELS, *mve_subbyte_depthwise.KERNELS)
SUBBYTE_DSP = (*subbyte_conv.KERNELS, *subbyte_depthwise.KERNELS, *subbyte_dense.KERNELS)
_TARGET = "corstone-300"
_RELU = Activation.RELU


_CONVOLUTIONS = {
    "1×1, 25×5, 64 → 64": Window((1, 25, 5, 64), 64, activation=_RELU),
    "1×1, 6×6, 128 → 128": Window((1, 6, 6, 128), 128, activation=_RELU),
    "3×3, 16×16, 32 → 32": Window((1, 16, 16, 32), 32, (3, 3), padding="same", activation=_RELU),
    "3×3, 8×8, 64 → 64": Window((1, 8, 8, 64), 64, (3, 3), padding="same", activation=_RELU),
}
_DEPTHWISE = {
    "depthwise 3×3, 25×5, 64": Window((1, 25, 5, 64), 64, (3, 3), padding="same", activation=_RELU),
}
_DENSE = {"fully connected, 640 → 128": (1, 640, 128)}
LAYERS = (*_CONVOLUTIONS, *_DEPTHWISE, *_DENSE)


def _layer(name: str, dtype: DType = DType.INT8, least: int = 1) -> Case:
    """The layer, its weights above the least of their type by so much."""
    numbers = Numbers(weights=dtype)
    if name in _CONVOLUTIONS:
        site, inputs = linear.convolution(_CONVOLUTIONS[name], DType.INT8, numbers, 1)
    elif name in _DEPTHWISE:
        site, inputs = linear.depthwise(_DEPTHWISE[name], DType.INT8, numbers, 1)
    else:
        site, inputs = linear.dense(_DENSE[name], DType.INT8, numbers, 1)
    weights = np.maximum(inputs[1], dtype.integer_range[0] + least)
    constants = (None, weights, site.constants[2])
    return replace(site, constants=constants), [inputs[0], weights, inputs[2]]


def _first(kernels: Sequence[Kernel], case: Case) -> Job:
    return first_job(kernels, case, CORE)


def _subbyte() -> list[Entry]:
    found: list[Entry] = []
    for layer in LAYERS:
        for weights, dtype, least, kernels in (
            ("int8", DType.INT8, 1, USUAL),
            ("int4", DType.INT4, 1, SUBBYTE),
            ("int4, with -8", DType.INT4, 0, SUBBYTE),
            ("int2", DType.INT2, 1, SUBBYTE),
            ("int2, with -2", DType.INT2, 0, SUBBYTE),
            ("int4", DType.INT4, 1, SUBBYTE_DSP),
        ):
            case = _layer(layer, dtype, least)
            found.append(Entry("helium-subbyte", layer, weights, _first(kernels, case)))
    return found


_SHARES = (1.0, 0.75, 0.5, 0.25, 0.1)
_PRUNED: dict[str, Prune] = {
    **{f"{share:.0%} of blocks 1×16": blocks(share, 1, 16) for share in _SHARES},
    "50% of blocks 4×16": blocks(0.5, 4, 16),
}
_SCATTERED: dict[str, Prune] = {
    **{f"{share:.0%} of weights": unstructured(share) for share in (0.2, 0.1, 0.05)},
    "2 of 4": nm(2, 4),
}


def _sparse() -> list[Entry]:
    found: list[Entry] = []
    for layer, i in (("1×1, 6×6, 128 → 128", 0), ("3×3, 16×16, 32 → 32", 1)):
        kernels = {True: mve_sparse.KERNELS[i], False: sparse_conv.KERNELS[i]}
        case = _layer(layer)
        found.append(Entry("helium-sparse", layer, "all", _first(USUAL, case)))
        for name, prune in (_PRUNED | _SCATTERED).items():
            site, inputs = pruned(case, prune, 1)
            for helium in (True, False) if name in _SCATTERED else (True,):
                job = Job(kernels[helium], site, inputs)
                found.append(Entry("helium-sparse", layer, name, job))
    return [*found, *_sparse_dense()]


def _sparse_dense() -> list[Entry]:
    (layer,) = _DENSE
    case = _layer(layer)
    found = [Entry("helium-sparse", layer, "all", _first(USUAL, case))]
    for share in _SHARES:
        job = Job(mve_sparse_dense.KERNELS[0], *pruned(case, blocks(share, 8, 16), 1))
        name = f"{share:.0%} of blocks 8×16"
        found.append(Entry("helium-sparse", layer, name, job))
    return found


def _coded() -> list[Entry]:
    found: list[Entry] = []
    for layer in LAYERS[1:]:
        case = bell(_layer(layer), 8.0)
        for kernels in (USUAL, mve_coded.KERNELS, coded.KERNELS):
            found.append(Entry("helium-coded", layer, "5.4 bits", _first(kernels, case)))
    return found


_SQUARE = {
    f"3×3, {side}×{side}, {depth} → {depth}": Window(
        (1, side, side, depth), depth, (3, 3), padding="same", activation=_RELU
    )
    for side, depth in ((32, 16), (16, 32), (8, 64), (7, 64))
}


def _winograd() -> list[Entry]:
    found: list[Entry] = []
    for layer, window in _SQUARE.items():
        case = linear.convolution(window, DType.INT8, Numbers(), 1)
        for kernels in (USUAL, mve_winograd.KERNELS):
            found.append(Entry("helium-winograd", layer, "int8", _first(kernels, case)))
    return found


def measure() -> list[Row]:
    """Every row, on the emulated Cortex-M55."""
    entries = [*_subbyte(), *_sparse(), *_coded(), *_winograd()]
    return measure_entries(entries, "cortex-m55")


def measure_networks(models: Path) -> list[SubbyteNetwork]:
    """Every network with every width, verified against the reference on the emulated core."""
    return measure_subbyte(models, _TARGET)


def load() -> list[Row]:
    """The committed rows of layers."""
    return read_rows(TABLE, Row)


def load_network_rows() -> list[SubbyteNetwork]:
    """The committed rows of networks."""
    return read_rows(NETWORKS_TABLE, SubbyteNetwork)


def main() -> None:
    """Measure, and write the tables and the page."""
    rows = measure()
    write_file(TABLE, format_rows(rows, Row))
    shared = find_shared()
    if shared is not None:
        networks = measure_networks(shared / "models")
        write_file(NETWORKS_TABLE, format_rows(networks, SubbyteNetwork))
    page = filled(PAGE.read_text(encoding="utf-8"), render(rows, load_network_rows()))
    write_file(PAGE, page)
    print(f"{len(rows)} rows: {TABLE.name}, {PAGE.name}")


if __name__ == "__main__":
    main()
