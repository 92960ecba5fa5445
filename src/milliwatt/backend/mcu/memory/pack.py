# SPDX-License-Identifier: MIT
"""Offsets by first fit, under several priorities, for blocks whose lifetimes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.liveness import block_intervals
from milliwatt.backend.mcu.memory.problem import Interval
from milliwatt.backend.mcu.memory.reduce import Block, Core, Overlap
from milliwatt.units import align_up


@dataclass(frozen=True, slots=True)
class Conflict:
    """Blocks `one < other` live at the same time; `overlap` says how they may still share."""

    one: int
    other: int
    overlap: Overlap | None = None


Forbidden = tuple[int, int, int]
"""`(other, low, high)`: the offset above block `other` must not lie in `low..high`."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Blocks with lifetimes, and for each the shifts against others that it must avoid."""

    blocks: tuple[Block, ...]
    intervals: tuple[Interval, ...]
    forbidden: tuple[tuple[Forbidden, ...], ...]


def find_conflicts(core: Core, order: Sequence[int]) -> list[Conflict]:
    """Every pair of blocks that live at the same time under `order`."""
    intervals = block_intervals(core, order)
    overlaps = {
        (item.read, item.write): item
        for position, step in enumerate(order)
        for item in core.overlaps[step]
        if intervals[item.read].last == position == intervals[item.write].first
    }
    conflicts: list[Conflict] = []
    by_start = sorted(range(len(intervals)), key=lambda index: intervals[index].first)
    for rank, early in enumerate(by_start):
        for late in by_start[rank + 1 :]:
            if intervals[late].first > intervals[early].last:
                break
            overlap = overlaps.get((early, late)) or overlaps.get((late, early))
            conflicts.append(Conflict(min(early, late), max(early, late), overlap))
    return conflicts


def make_packing(core: Core, order: Sequence[int]) -> Packing:
    """The packing problem that `order` leaves."""
    forbidden: list[list[Forbidden]] = [[] for _ in core.blocks]
    for conflict in find_conflicts(core, order):
        for low, high in _forbidden_shifts(conflict, core.blocks):
            forbidden[conflict.one].append((conflict.other, low, high))
            forbidden[conflict.other].append((conflict.one, -high, -low))
    return Packing(core.blocks, block_intervals(core, order), tuple(map(tuple, forbidden)))


def _forbidden_shifts(conflict: Conflict, blocks: Sequence[Block]) -> list[tuple[int, int]]:
    """Ranges that `offset(one) - offset(other)` must avoid."""
    lowest = 1 - blocks[conflict.one].size_bytes
    highest = blocks[conflict.other].size_bytes - 1
    overlap = conflict.overlap
    if overlap is None:
        return [(lowest, highest)]
    low, high = overlap.low, overlap.high
    if overlap.write == conflict.other:
        low, high = (None if high is None else -high), (None if low is None else -low)
    below = (lowest, highest if low is None else min(highest, low - 1))
    above = (lowest if high is None else max(lowest, high + 1), highest)
    ranges: list[tuple[int, int]] = []
    if low is not None:
        ranges.append(below)
    if high is not None:
        ranges.append(above)
    return [(start, stop) for start, stop in ranges if start <= stop]


def arena_of(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    """Where the highest block ends."""
    return max(
        (offset + block.size_bytes for offset, block in zip(offsets, blocks, strict=True)),
        default=0,
    )


def first_fit(packing: Packing, priority: Sequence[int]) -> list[int]:
    """Offsets from placing each block, in the order of `priority`, as low as it can go."""
    offsets: dict[int, int] = {}
    for index in priority:
        alignment = packing.blocks[index].alignment
        taken = sorted(
            (offsets[other] + low, offsets[other] + high)
            for other, low, high in packing.forbidden[index]
            if other in offsets
        )
        offset = 0
        for low, high in taken:
            if low <= offset <= high:
                offset = align_up(high + 1, alignment)
        offsets[index] = offset
    return [offsets[index] for index in range(len(packing.blocks))]


def pack(packing: Packing, bound_bytes: int, rounds: int) -> list[int]:
    """The best offsets of several priorities, each mended for up to `rounds` rounds.

    Stops at the first that reaches `bound_bytes`.
    """
    best: list[int] = []
    for priority in _priorities(packing):
        offsets = _mend(packing, priority, bound_bytes, rounds)
        if not best or arena_of(packing.blocks, offsets) < arena_of(packing.blocks, best):
            best = offsets
        if arena_of(packing.blocks, best) <= bound_bytes:
            break
    return best


def _priorities(packing: Packing) -> list[list[int]]:
    indices = range(len(packing.blocks))
    sizes = [block.size_bytes for block in packing.blocks]
    spans = [interval.last - interval.first + 1 for interval in packing.intervals]
    return [
        sorted(indices, key=lambda index: (-sizes[index], index)),
        sorted(indices, key=lambda index: (-packing.intervals[index].last, -sizes[index])),
        sorted(indices, key=lambda index: (-sizes[index] * spans[index], index)),
        sorted(indices, key=lambda index: (-spans[index], -sizes[index])),
        sorted(indices, key=lambda index: (packing.intervals[index].first, -sizes[index])),
    ]


def _mend(packing: Packing, priority: Sequence[int], bound_bytes: int, rounds: int) -> list[int]:
    """First fit again and again, each time placing the blocks above the bound earlier."""
    order = list(priority)
    best = offsets = first_fit(packing, order)
    for _ in range(rounds):
        high = {
            index
            for index, block in enumerate(packing.blocks)
            if offsets[index] + block.size_bytes > bound_bytes
        }
        if not high:
            break
        order = [i for i in order if i in high] + [i for i in order if i not in high]
        offsets = first_fit(packing, order)
        if arena_of(packing.blocks, offsets) < arena_of(packing.blocks, best):
            best = offsets
    return best
