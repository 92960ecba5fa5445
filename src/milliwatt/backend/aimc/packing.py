# SPDX-License-Identifier: MIT
"""Rectangles into as few arrays as possible: maximal free rectangles, best short side.

The heuristic is MaxRects-BSSF (Jylänki, "A thousand ways to pack the bin", 2010), the one that
Garofalo et al. (JETCAS 2022, arXiv 2201.01089) name for their Tile&Pack; nothing is rotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Size = tuple[int, int]
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a rectangle lies: array, first row, first column."""

    array: int
    row: int
    column: int


def pack(sizes: Sequence[Size], bin_size: Size) -> tuple[Spot, ...]:
    """A spot for each (rows, columns), in the given order; none may exceed `bin_size`."""
    order = sorted(range(len(sizes)), key=lambda i: _difficulty(sizes[i]), reverse=True)
    spots: list[Spot | None] = [None] * len(sizes)
    free: list[list[Rectangle]] = []
    for index in order:
        size = sizes[index]
        found = _best(free, size)
        if found is None:
            free.append([(0, 0, *bin_size)])
            found = (len(free) - 1, (0, 0, *bin_size))
        array, (row, column, _, _) = found
        spots[index] = Spot(array, row, column)
        free[array] = _take(free[array], (row, column, *size))
    return tuple(spot for spot in spots if spot is not None)


def _difficulty(size: Size) -> tuple[int, int]:
    return size[0] * size[1], max(size)


def _best(free: list[list[Rectangle]], size: Size) -> tuple[int, Rectangle] | None:
    """The free rectangle, over all arrays, that leaves the shortest side."""
    best: tuple[tuple[int, int, int], int, Rectangle] | None = None
    for array, rectangles in enumerate(free):
        for rectangle in rectangles:
            spare = (rectangle[2] - size[0], rectangle[3] - size[1])
            if min(spare) < 0:
                continue
            key = (min(spare), max(spare), array)
            if best is None or key < best[0]:
                best = (key, array, rectangle)
    return None if best is None else (best[1], best[2])


def _take(free: list[Rectangle], used: Rectangle) -> list[Rectangle]:
    """The maximal free rectangles once `used` is taken."""
    parts = [part for rectangle in free for part in _without(rectangle, used)]
    distinct = list(dict.fromkeys(parts))
    return [a for a in distinct if not any(a != b and _contains(b, a) for b in distinct)]


def _without(free: Rectangle, used: Rectangle) -> list[Rectangle]:
    row, column, rows, columns = free
    top, left, height, width = used
    bottom, right = top + height, left + width
    apart = top >= row + rows or bottom <= row or left >= column + columns or right <= column
    if apart:
        return [free]
    parts: list[Rectangle] = []
    if top > row:
        parts.append((row, column, top - row, columns))
    if bottom < row + rows:
        parts.append((bottom, column, row + rows - bottom, columns))
    if left > column:
        parts.append((row, column, rows, left - column))
    if right < column + columns:
        parts.append((row, right, rows, column + columns - right))
    return parts


def _contains(outer: Rectangle, inner: Rectangle) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and outer[0] + outer[2] >= inner[0] + inner[2]
        and outer[1] + outer[3] >= inner[1] + inner[3]
    )
