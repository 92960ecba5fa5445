# SPDX-License-Identifier: MIT
"""Blocks that lie close together in every packing of a strip that leaves little room.

Take two moments. What lives at both parts the memory into the same gaps at each; every other
block of the two lies in a gap, and a gap is as large as what it holds at either. So where these
blocks are shared out among two gaps or more, the larger sum of each must still fit together. Two
blocks that no such sharing separates lie in one gap, in what the blocks of both moments leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from milliwatt.backend.mcu.memory.strip import Arcs, Ints, Strip

Windows = Mapping[tuple[int, int], int]
"""By pair of blocks of a strip, the lower number first: bytes within which both of them lie."""

_MOST_BLOCKS = 10
"""Of two moments, beside those that live at both: twice as many sharings for each more."""


def find_windows(strip: Strip, capacity: int) -> Windows:
    """The pairs, and by how much they are held together, in all packings below the capacity."""
    moments = len(strip.load)
    live = [
        frozenset(np.flatnonzero((strip.firsts <= now) & (now < strip.ends)).tolist())
        for now in range(moments)
    ]
    windows: dict[tuple[int, int], int] = {}
    for early in range(moments):
        for late in range(early + 1, moments):
            dying, born = live[early] - live[late], live[late] - live[early]
            if len(dying) + len(born) > _MOST_BLOCKS:
                break
            room = capacity - int(strip.load[early]) + int(strip.sizes[list(dying)].sum())
            for pair in _inseparable(strip, sorted(dying), sorted(born), room):
                windows[pair] = min(room, windows.get(pair, room))
    return windows


def _inseparable(
    strip: Strip, dying: list[int], born: list[int], room: int
) -> list[tuple[int, int]]:
    """Pairs of these blocks that are in the same gap, however they are shared out in the room."""
    blocks = [*dying, *born]
    first = _sharings(len(blocks))
    old = strip.sizes[blocks] * (np.arange(len(blocks)) < len(dying))
    new = strip.sizes[blocks] - old
    in_first = np.maximum(first @ old, first @ new)
    in_second = np.maximum(old.sum() - first @ old, new.sum() - first @ new)
    possible = first[in_first + in_second <= room]
    alone = possible.sum(0)
    apart = alone[:, None] + alone[None, :] - 2 * (possible.T @ possible)
    return [
        (min(blocks[one], blocks[two]), max(blocks[one], blocks[two]))
        for one, two in np.argwhere(np.triu(apart == 0, 1)).tolist()
    ]


@cache
def _sharings(blocks: int) -> Ints:
    """A row of zeros and ones for each way to share blocks out among two gaps; the last one's: 0.

    Ones are in the first gap.
    """
    return np.arange(1 << blocks - 1)[:, None] >> np.arange(blocks) & 1


def with_windows(strip: Strip, windows: Windows) -> Strip:
    """`strip` with these bounds on how far blocks are apart."""
    rows: list[tuple[int, int, int, int]] = []
    for pair, room in sorted(windows.items()):
        for target, source in (pair, pair[::-1]):
            low, high = strip.sizes[source] - room, room - strip.sizes[target]
            rows.append((target, source, int(low), int(high)))
    if not rows:
        return strip
    targets, sources, low, high = np.array(sorted(rows), np.int64).T
    distinct, starts = np.unique(targets, return_index=True)
    return replace(strip, arcs=Arcs(sources, low, high, distinct, starts))
