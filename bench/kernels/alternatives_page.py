# SPDX-License-Identifier: MIT
"""The measured tables of docs/kernels.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.kernels.coded_networks import CodedNetwork
from bench.kernels.subbyte_networks import SubbyteNetwork
from bench.kernels.tuned_ic import TunedFigure
from bench.markdown import count, table
from bench.suite import BENCH
from milliwatt.errors import OptionError

PAGE = BENCH.parent / "docs" / "kernels.md"
_MARK = "<!-- measured:{} -->"
_END = "<!-- measured:end -->"


@dataclass(frozen=True)
class Row:
    """One kernel on one layer."""

    group: str
    layer: str
    weights: str
    kernel: str
    macs: int
    instructions: int
    flash_bytes: int
    """Weights, biases and constants; not code."""
    scratch_bytes: int


def per_mac(row: Row) -> str:
    """Instructions for each multiplication of the layer, zero weights' included."""
    return f"{row.instructions / row.macs:.2f}"


def _subbyte(rows: Sequence[Row]) -> str:
    lines = [
        [
            r.layer,
            r.weights,
            f"`{r.kernel}`",
            count(r.instructions),
            per_mac(r),
            count(r.flash_bytes),
        ]
        for r in rows
    ]
    heads = ["layer", "weights", "kernel", "instructions", "per MAC", "flash, B"]
    return table(heads, lines)


def _beside(rows: Sequence[Row], heads: Sequence[str]) -> str:
    """Each two rows, the usual kernel's and another's, in one line."""
    lines = [
        [
            plain.layer,
            plain.weights,
            per_mac(plain),
            per_mac(other),
            f"{other.instructions / plain.instructions:.2f}",
            count(plain.flash_bytes),
            count(other.flash_bytes),
            count(plain.scratch_bytes),
            count(other.scratch_bytes),
        ]
        for plain, other in zip(rows[::2], rows[1::2], strict=True)
    ]
    return table(heads, lines)


def _coded(rows: Sequence[Row]) -> str:
    heads = ["layer", "entropy of a weight", "per MAC", "coded", "ratio", "flash, B", "coded"]
    return _beside(rows, [*heads, "scratch, B", "coded"])


def _winograd(rows: Sequence[Row]) -> str:
    """Each three rows, the usual kernel's, F(2×2)'s and F(4×4)'s, in one line."""
    lines = [
        [
            usual.layer,
            *(per_mac(row) for row in (usual, small, large)),
            *(_ratio(row, usual) for row in (small, large)),
            *(count(row.flash_bytes) for row in (usual, small, large)),
            *(count(row.scratch_bytes) for row in (usual, small, large)),
        ]
        for usual, small, large in zip(rows[::3], rows[1::3], rows[2::3], strict=True)
    ]
    forms = ["F(2×2)", "F(4×4)"]
    heads = ["layer", "per MAC", *forms, *(f"ratio, {form}" for form in forms)]
    return table([*heads, "flash, B", *forms, "scratch, B", *forms], lines)


def break_even(rows: Sequence[Row]) -> float:
    """The share of weights, kept at random, at which skipping the others neither gains nor loses.

    Between two measured shares the instructions are taken to lie on a line. `rows` are one
    layer's, the dense kernel's first.
    """
    dense = rows[0].instructions
    points = sorted(
        (int(r.weights.split("%")[0]) / 100, r.instructions)
        for r in rows
        if r.weights.endswith("% of weights")
    )
    for (low, before), (high, after) in pairwise(points):
        if before <= dense < after:
            return low + (high - low) * (dense - before) / (after - before)
    raise OptionError(f"{rows[0].layer}: no break-even between {points[0][0]} and {points[-1][0]}")


def _sparse(rows: Sequence[Row]) -> str:
    layers = dict.fromkeys(row.layer for row in rows)
    by_layer = [[row for row in rows if row.layer == layer] for layer in layers]
    lines = [
        [r.layer, r.weights, f"`{r.kernel}`", per_mac(r), _ratio(r, some[0]), count(r.flash_bytes)]
        for some in by_layer
        for r in some
    ]
    heads = ["layer", "weights kept", "kernel", "per MAC", "ratio", "flash, B"]
    ends = [[some[0].layer, f"{break_even(some):.0%}"] for some in by_layer]
    return f"{table(heads, lines)}\n\n{table(['layer', 'break-even, weights at random'], ends)}"


def _ratio(row: Row, dense: Row) -> str:
    return f"{row.instructions / dense.instructions:.2f}"


_TABLES: dict[str, Callable[[Sequence[Row]], str]] = {
    "subbyte": _subbyte,
    "coded": _coded,
    "winograd": _winograd,
    "sparse": _sparse,
}


def _networks(rows: Sequence[CodedNetwork]) -> str:
    lines = [
        [
            f"`{r.network}`",
            count(r.plain_bytes),
            count(r.coded_bytes),
            f"{r.coded_bytes / r.plain_bytes:.2f}",
            f"{r.coded_layers} of {r.layers}",
        ]
        for r in rows
    ]
    return table(["network", "weights, B", "coded", "ratio", "layers coded"], lines)


def subbyte_networks(rows: Sequence[SubbyteNetwork]) -> str:
    """Networks with weights of each width."""
    lines = [
        [
            f"`{r.network}`",
            r.weights,
            count(r.instructions),
            count(r.flash_bytes),
            count(r.sram_bytes),
        ]
        for r in rows
    ]
    return table(["network", "weights", "instructions", "flash, B", "SRAM, B"], lines)


def _tuned(rows: Sequence[TunedFigure]) -> str:
    lines = [
        [f"`{row.network}`", row.figure, *(count(n) for n in (row.default, row.small, row.tuned))]
        for row in rows
    ]
    return table(["network", "", "default", "every 3×3 by F(2×2)", "tuned"], lines)


def render(
    rows: Sequence[Row],
    networks: Sequence[CodedNetwork],
    narrow: Sequence[SubbyteNetwork],
    tuned: Sequence[TunedFigure],
) -> dict[str, str]:
    """Each group's tables in Markdown."""
    kernels = {
        group: make([row for row in rows if row.group == group]) for group, make in _TABLES.items()
    }
    whole = {
        "networks": _networks(networks),
        "subbyte-networks": subbyte_networks(narrow),
        "tuned": _tuned(tuned),
    }
    return kernels | whole


def filled(text: str, tables: dict[str, str]) -> str:
    """`text` with the tables between their markers; OptionError where one is missing."""
    for group, content in tables.items():
        mark = _MARK.format(group)
        if text.count(mark) != 1:
            raise OptionError(f"the page needs one {mark}")
        before, rest = text.split(mark)
        _, end, after = rest.partition(_END)
        if not end:
            raise OptionError(f"the page needs {_END} after {mark}")
        text = f"{before}{mark}\n\n{content}\n\n{_END}{after}"
    return text
