# SPDX-License-Identifier: MIT
"""Packing into less and less: what is in the way is thrown out and placed again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from milliwatt.backend.mcu.memory.skyline import Ints, Strip

_SEED = 1
_STEP = 0.004
_PENALTY = 0.1


def shrink(
    strip: Strip, offsets: Sequence[int], bound_bytes: int, granule: int, max_moves: int
) -> list[int]:
    """Offsets with a smaller arena than those given, where `max_moves` placements find them.

    Each round takes a little off the arena, throws out what does not fit, and puts it where the
    blocks in the way have the least penalty, which grows whenever a block finds no room.
    """
    best = np.array(offsets, np.int64)
    near = _neighbours(strip)
    random = np.random.default_rng(_SEED)
    while max_moves > 0:
        arena = int((best + strip.sizes).max(initial=0))
        capacity = max(bound_bytes, int(arena * (1 - _STEP)) // granule * granule)
        if arena <= bound_bytes:
            break
        found, max_moves = _squeeze(strip, near, best, capacity, random, max_moves)
        if found is None:
            break
        best = found
    return [int(offset) for offset in best]


def _neighbours(strip: Strip) -> list[Ints]:
    """For each block those that live at some moment of its life."""
    together = (strip.live.astype(np.int64) @ strip.live.T.astype(np.int64)) > 0
    np.fill_diagonal(together, val=False)
    return [np.flatnonzero(row) for row in together]


def _squeeze(
    strip: Strip,
    near: Sequence[Ints],
    start: Ints,
    capacity: int,
    random: np.random.Generator,
    max_moves: int,
) -> tuple[Ints | None, int]:
    """Offsets that end below the capacity, and the moves left; None where they ran out."""
    offsets = np.where(start + strip.sizes > capacity, -1, start)
    waiting: list[int] = np.flatnonzero(offsets < 0).tolist()
    area = strip.live.sum(axis=1) * strip.sizes
    weights = np.sqrt(area / area.mean())
    penalties = weights.copy()
    while waiting and max_moves > 0:
        max_moves -= 1
        block = waiting.pop(int(random.random() * len(waiting)))
        others = near[block][offsets[near[block]] >= 0]
        place, hit = _place(
            int(strip.sizes[block]),
            offsets[others],
            strip.sizes[others],
            penalties[others],
            capacity,
            random.random(),
        )
        offsets[block] = place
        if hit.any():
            penalties[block] += _PENALTY * weights[block]
            thrown = others[hit]
            offsets[thrown] = -1
            waiting.extend(thrown.tolist())
    return (None if waiting else offsets), max_moves


def _place(
    size: int,
    starts: Ints,
    sizes: Ints,
    penalties: NDArray[np.float64],
    capacity: int,
    draw: float,
) -> tuple[int, NDArray[np.bool_]]:
    """An offset whose conflicts have the least penalty, and which of the others they are."""
    ends, top = starts + sizes, capacity - size
    places = np.concatenate(([0, top], ends, starts - size))
    places = places[(places >= 0) & (places <= top)]
    hits = (starts < places[:, None] + size) & (places[:, None] < ends)
    costs = hits @ penalties
    free = places[costs == 0]
    if free.size:
        return int(free.min()), np.zeros(len(starts), np.bool_)
    cheapest = np.flatnonzero(costs <= costs.min() * (1 + 1e-9))
    chosen = cheapest[int(draw * len(cheapest))]
    return int(places[chosen]), hits[chosen]
