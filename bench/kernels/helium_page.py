# SPDX-License-Identifier: MIT
"""The measured tables of docs/kernels.md on Helium."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from bench.kernels.alternatives_page import Row, subbyte_networks
from bench.kernels.subbyte_networks import SubbyteNetwork
from bench.markdown import count, table
from milliwatt.errors import OptionError

_BLOCKS = re.compile(r"(\d+)% of blocks [18]×16")
"""The blocks that the kernels leave out."""


def _per_mac(row: Row) -> str:
    return f"{row.instructions / row.macs:.3f}"


def _line(row: Row, usual: Row) -> list[str]:
    """A kernel on a layer beside the usual one."""
    return [
        row.layer,
        row.weights,
        f"`{row.kernel}`",
        count(row.instructions),
        _per_mac(row),
        f"{row.instructions / usual.instructions:.2f}",
        count(row.flash_bytes),
        count(row.scratch_bytes),
    ]


def _beside_usual(rows: Sequence[Row], heading: str) -> str:
    """Each layer's rows beside its first."""
    heads = ["layer", heading, "kernel", "instructions", "per MAC", "ratio", "flash, B"]
    lines = [_line(row, some[0]) for some in _by_layer(rows) for row in some]
    return table([*heads, "scratch, B"], lines)


def _by_layer(rows: Sequence[Row]) -> list[list[Row]]:
    layers = dict.fromkeys(row.layer for row in rows)
    return [[row for row in rows if row.layer == layer] for layer in layers]


def break_even(rows: Sequence[Row]) -> float:
    """The share of blocks at which skipping the others neither gains nor loses.

    Between two measured shares the instructions are taken to lie on a line. `rows` are one
    layer's, the usual kernel's first.
    """
    usual = rows[0].instructions
    found = [(_BLOCKS.fullmatch(r.weights), r.instructions) for r in rows]
    points = sorted((int(match[1]) / 100, n) for match, n in found if match)
    for (low, before), (high, after) in pairwise(points):
        if before <= usual < after:
            return low + (high - low) * (usual - before) / (after - before)
    raise OptionError(f"{rows[0].layer}: no break-even between {points[0][0]} and {points[-1][0]}")


def _sparse(rows: Sequence[Row]) -> str:
    ends = [[some[0].layer, f"{break_even(some):.0%}"] for some in _by_layer(rows)]
    heads = ["layer", "break-even, blocks at random"]
    return f"{_beside_usual(rows, 'weights kept')}\n\n{table(heads, ends)}"


def render(rows: Sequence[Row], networks: Sequence[SubbyteNetwork]) -> dict[str, str]:
    """Each group's tables in Markdown."""
    groups = {
        name: [row for row in rows if row.group == name]
        for name in ("helium-subbyte", "helium-sparse", "helium-coded", "helium-winograd")
    }
    return {
        "helium-subbyte": _beside_usual(groups["helium-subbyte"], "weights"),
        "helium-networks": subbyte_networks(networks),
        "helium-sparse": _sparse(groups["helium-sparse"]),
        "helium-winograd": _beside_usual(groups["helium-winograd"], "weights"),
        "helium-coded": _beside_usual(groups["helium-coded"], "entropy of a weight"),
    }
