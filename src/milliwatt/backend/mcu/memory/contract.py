# SPDX-License-Identifier: MIT
"""Blocks that every packing of a strip keeps side by side, made one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.problem import Interval
from milliwatt.backend.mcu.memory.strip import Strip, make_strip
from milliwatt.backend.mcu.memory.windows import Windows, find_windows, with_windows


@dataclass(frozen=True, slots=True)
class _Whole:
    """Blocks as one that lives at the moments `[first, end)`: each, and how far above its start."""

    first: int
    end: int
    size: int
    parts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Contracted:
    """A strip of fewer blocks with windows among them, and what each block of it consists of."""

    strip: Strip
    parts: tuple[tuple[tuple[int, int], ...], ...]

    def spread(self, offsets: Sequence[int]) -> list[int]:
        """Offsets of the blocks that there were, from those of the blocks left."""
        placed = {
            block: offset + shift
            for offset, parts in zip(offsets, self.parts, strict=True)
            for block, shift in parts
        }
        return [placed[block] for block in range(len(placed))]


def contract(strip: Strip, capacity: int) -> Contracted:
    """The strip as it is left below this capacity, when nothing more can be joined.

    Two blocks of equal lifetime in a window that they fill lie on each other and may change places:
    they are one of both sizes. Two of equal size in a window of that size, of which one ends where
    the other begins, lie at the same offset: they are one that lives longer.
    """
    spans = zip(strip.firsts.tolist(), strip.ends.tolist(), strict=True)
    wholes = [
        _Whole(first, end, size, ((block, 0),))
        for block, (first, end), size in zip(strip.blocks, spans, strip.sizes.tolist(), strict=True)
    ]
    while True:
        lifetimes = [Interval(whole.first, whole.end - 1) for whole in wholes]
        left = make_strip(lifetimes, [whole.size for whole in wholes])
        windows = find_windows(left, capacity)
        joined = _joined(wholes, left, windows)
        if len(joined) == len(wholes):
            return Contracted(with_windows(left, windows), tuple(whole.parts for whole in wholes))
        wholes = joined


def _joined(wholes: list[_Whole], strip: Strip, windows: Windows) -> list[_Whole]:
    """`wholes`, each joined with another where that can be."""
    done: set[int] = set()
    joined: list[_Whole] = []
    for pair, room in sorted(windows.items(), key=lambda item: item[1]):
        one, two = (strip.blocks[at] for at in pair)
        if done.isdisjoint((one, two)):
            whole = _join(wholes[one], wholes[two], room)
            if whole is not None:
                done.update((one, two))
                joined.append(whole)
    return [*(whole for at, whole in enumerate(wholes) if at not in done), *joined]


def _join(one: _Whole, two: _Whole, room: int) -> _Whole | None:
    """Both as one, where a window of this size leaves no choice."""
    if (one.first, one.end) == (two.first, two.end) and room == one.size + two.size:
        above = tuple((block, shift + one.size) for block, shift in two.parts)
        return _Whole(one.first, one.end, room, (*one.parts, *above))
    early, late = (one, two) if one.first < two.first else (two, one)
    if early.end == late.first and room == early.size == late.size:
        return _Whole(early.first, late.end, room, (*early.parts, *late.parts))
    return None
