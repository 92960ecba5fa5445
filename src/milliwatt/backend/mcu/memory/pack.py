# SPDX-License-Identifier: MIT
"""Offsets by first fit, under several priorities, for a given order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.liveness import block_intervals
from milliwatt.backend.mcu.memory.placement import Placement, make_placement
from milliwatt.backend.mcu.memory.problem import Interval
from milliwatt.backend.mcu.memory.reduce import Core, Overlap

# Limits on the rounds of one priority, and on the blocks placed in them: well under a second.
_MAX_PLACED = 20_000
_MAX_ROUNDS = 50

Intervals = Sequence[Interval]


@dataclass(frozen=True, slots=True)
class _Forbidden:
    """The offset of a block minus that of `other` must not lie in `low..high`, both included."""

    other: int
    low: int
    high: int


def pack(core: Core, order: Sequence[int], bound_bytes: int) -> Placement:
    """The best of several priorities, each mended for some rounds.

    `bound_bytes` must hold for `order`; the first placement that reaches it is taken.
    """
    intervals = block_intervals(core, order)
    forbidden = _forbidden_shifts(core, order, intervals)
    best: Placement | None = None
    for offsets in _attempts(core, intervals, forbidden, bound_bytes):
        found = make_placement(core, order, offsets, bound_bytes)
        if best is None or found.arena_bytes < best.arena_bytes:
            best = found
        if best.arena_bytes <= bound_bytes:
            break
    return best or make_placement(core, order, (), bound_bytes)


def _attempts(
    core: Core, intervals: Intervals, forbidden: Sequence[Sequence[_Forbidden]], bound_bytes: int
) -> Iterator[list[int]]:
    """First fits by several priorities; in each round, blocks above the bound go earlier.

    Rounds that come back to where they were would go on in a circle.
    """
    for priority in _priorities(core, intervals):
        seen: set[tuple[int, ...]] = set()
        for _ in range(min(_MAX_ROUNDS, 1 + _MAX_PLACED // len(priority))):
            offsets = _first_fit(core, forbidden, priority)
            yield offsets
            fits = {
                index
                for index, block in enumerate(core.blocks)
                if offsets[index] + block.size_bytes <= bound_bytes
            }
            seen.add(tuple(priority))
            priority = sorted(priority, key=fits.__contains__)
            if tuple(priority) in seen:
                break


def _priorities(core: Core, intervals: Intervals) -> Iterator[list[int]]:
    """Largest first, last to die first, largest area first, longest first, first born first."""
    sizes = [block.size_bytes for block in core.blocks]
    spans = [interval.last - interval.first + 1 for interval in intervals]
    by_size = sorted(range(len(sizes)), key=lambda index: -sizes[index])
    if not by_size:
        return
    yield by_size
    yield sorted(by_size, key=lambda index: -intervals[index].last)
    yield sorted(by_size, key=lambda index: -sizes[index] * spans[index])
    yield sorted(by_size, key=lambda index: -spans[index])
    yield sorted(by_size, key=lambda index: intervals[index].first)


def _first_fit(
    core: Core, forbidden: Sequence[Sequence[_Forbidden]], priority: Sequence[int]
) -> list[int]:
    """Offsets from placing each block, in the order of `priority`, as low as it can go."""
    offsets: list[int | None] = [None] * len(priority)
    placed = [0] * len(priority)
    for index in priority:
        taken = sorted(
            (start + item.low, start + item.high)
            for item in forbidden[index]
            if (start := offsets[item.other]) is not None
        )
        mask = core.blocks[index].alignment - 1
        offset = 0
        for low, high in taken:
            if low <= offset <= high:
                offset = (high + 1 + mask) & ~mask
        offsets[index] = placed[index] = offset
    return placed


def _forbidden_shifts(
    core: Core, order: Sequence[int], intervals: Intervals
) -> list[list[_Forbidden]]:
    """By block, the shifts against each block that lives at the same time."""
    overlaps = {
        (item.read, item.write): item
        for position, step in enumerate(order)
        for item in core.overlaps[step]
        if intervals[item.read].last == position == intervals[item.write].first
    }
    forbidden: list[list[_Forbidden]] = [[] for _ in core.blocks]
    by_birth = sorted(range(len(intervals)), key=lambda index: intervals[index].first)
    for rank, early in enumerate(by_birth):
        for late in by_birth[rank + 1 :]:
            if intervals[late].first > intervals[early].last:
                break
            pair = (late, early) if (late, early) in overlaps else (early, late)
            for low, high in _collisions(core, *pair, overlaps.get(pair)):
                forbidden[pair[1]].append(_Forbidden(pair[0], low, high))
                forbidden[pair[0]].append(_Forbidden(pair[1], -high, -low))
    return forbidden


def _collisions(
    core: Core, read: int, write: int, overlap: Overlap | None
) -> list[tuple[int, int]]:
    """Ranges of `offset(write) - offset(read)` at which they share bytes without permission."""
    lowest = 1 - core.blocks[write].size_bytes
    highest = core.blocks[read].size_bytes - 1
    if overlap is None:
        return [(lowest, highest)]
    ranges: list[tuple[int, int]] = []
    if overlap.low is not None:
        ranges.append((lowest, min(highest, overlap.low - 1)))
    if overlap.high is not None:
        ranges.append((max(lowest, overlap.high + 1), highest))
    return [(low, high) for low, high in ranges if low <= high]
