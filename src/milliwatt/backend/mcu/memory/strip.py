# SPDX-License-Identifier: MIT
"""Blocks of known lifetimes as rectangles of moments and bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt.backend.mcu.memory.problem import Interval

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Arcs:
    """Bounds on a block's offset minus that of another: `[low, high]` above each of `sources`.

    They are sorted by the blocks that they bound: those of `targets[k]` begin at `starts[k]`.
    """

    sources: Ints
    low: Ints
    high: Ints
    targets: Ints
    starts: Ints

    def rows(self) -> list[tuple[int, int, int, int]]:
        """By arc: the block bounded, the other, and the bounds."""
        targets = np.repeat(self.targets, np.diff([*self.starts, len(self.sources)]))
        columns = (targets, self.sources, self.low, self.high)
        return list(zip(*(column.tolist() for column in columns), strict=True))


_NONE = np.zeros(0, np.int64)
_NO_ARCS = Arcs(_NONE, _NONE, _NONE, _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class Strip:
    """Rectangles, those born last first: their numbers, moments `[first, end)`, and sizes.

    Two blocks live at the same time where they share a moment; a moment of which the blocks are
    among those of another is left out. `spans` is first, end, first, end, ...; `cover` lists the
    blocks of each moment, from `starts[moment]`; `load` adds up their sizes. `arcs` hold in all
    packings looked for.
    """

    blocks: tuple[int, ...]
    firsts: Ints
    ends: Ints
    sizes: Ints
    spans: Ints
    cover: Ints
    starts: Ints
    load: Ints
    arcs: Arcs = _NO_ARCS


def make_strip(intervals: Sequence[Interval], sizes: Sequence[int]) -> Strip:
    """The strip of blocks, at least one, with these lifetimes and sizes above zero."""
    moments = np.array(_crowded_moments(intervals))
    births = np.searchsorted(moments, [interval.first for interval in intervals])
    deaths = np.searchsorted(moments, [interval.last for interval in intervals], "right")
    blocks = sorted(range(len(sizes)), key=lambda block: (-births[block], block))
    firsts, ends = births[blocks], deaths[blocks]
    sorted_sizes = np.array(sizes, np.int64)[blocks]
    at = [np.flatnonzero((firsts <= now) & (now < ends)) for now in range(len(moments))]
    return Strip(
        blocks=tuple(blocks),
        firsts=firsts,
        ends=ends,
        sizes=sorted_sizes,
        spans=np.stack((firsts, ends), 1).ravel(),
        cover=np.concatenate(at),
        starts=np.cumsum([0, *map(len, at[:-1])]),
        load=np.array([sorted_sizes[live].sum() for live in at]),
    )


def _crowded_moments(intervals: Sequence[Interval]) -> list[int]:
    """The moments whose blocks are not all live at another: a birth, then the first death."""
    births = sorted({interval.first for interval in intervals})
    deaths = sorted({interval.last for interval in intervals})
    kept: list[int] = []
    for last in deaths:
        if any((kept[-1] if kept else births[0] - 1) < birth <= last for birth in births):
            kept.append(last)
    return kept
