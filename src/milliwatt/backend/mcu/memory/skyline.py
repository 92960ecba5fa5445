# SPDX-License-Identifier: MIT
"""Packing blocks of known lifetimes into a given capacity, from the bottom upwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.backend.mcu.memory.problem import Interval
from milliwatt.backend.mcu.memory.reduce import Core

_SEED = 1
_NODES_A_START = 1_500
_PASSES = 6
_SPREAD = 0.3
_NEVER = np.int64(1 << 60)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Strip:
    """Blocks as rectangles: `live[block, moment]`, and sizes rounded up to one alignment."""

    live: Bools
    sizes: Ints

    @property
    def load(self) -> Ints:
        """Bytes live at each moment."""
        return (self.live * self.sizes[:, None]).sum(axis=0)


def make_strip(core: Core, intervals: Sequence[Interval]) -> Strip:
    """The blocks of `core` over the moments at which something is born or dies."""
    alignment = max((block.alignment for block in core.blocks), default=1)
    moments = sorted({interval.first for interval in intervals})
    live = np.array(
        [[i.first <= moment <= i.last for moment in moments] for i in intervals], np.bool_
    ).reshape(len(intervals), len(moments))
    sizes = [-(-block.size_bytes // alignment) * alignment for block in core.blocks]
    return Strip(live, np.array(sizes, np.int64))


def fill(strip: Strip, capacity_bytes: int, max_nodes: int) -> list[int] | None:
    """Offsets with which all blocks end below the capacity; None where the search finds none.

    Blocks are placed in the order of their offsets, each as low as those before it allow. Of what
    is left, at each moment, no block can start below the floor that all of them share there;
    where the floor and the bytes left exceed the capacity, the search turns back. It starts again
    with other priorities every so many nodes.
    """
    random = np.random.default_rng(_SEED)
    length = strip.live.sum(axis=1).astype(np.float64)
    priorities = (length * strip.sizes, length, strip.sizes.astype(np.float64))
    start = 0
    while max_nodes > 0:
        priority = priorities[start % len(priorities)]
        if start >= len(priorities):
            priority = priority * np.exp(random.normal(0, _SPREAD, len(priority)))
        nodes = min(_NODES_A_START, max_nodes)
        found = _search(strip, capacity_bytes, priority, nodes)
        if found is not None:
            return found
        max_nodes -= nodes
        start += 1
    return None


@dataclass(frozen=True, slots=True)
class _State:
    """What is placed: the skyline by moment, what is left, and where the last block went."""

    skyline: Ints
    left: Bools
    load: Ints
    low: int


def _search(
    strip: Strip, capacity: int, priority: NDArray[np.float64], max_nodes: int
) -> list[int] | None:
    """Depth first: the lowest place first, of equal ones the block of most priority."""
    everything = np.ones(len(strip.sizes), np.bool_)
    state = _State(np.zeros(strip.live.shape[1], np.int64), everything, strip.load, 0)
    offsets = [0] * len(strip.sizes)
    stack = [(state, _choices(strip, capacity, priority, state))]
    for _ in range(max_nodes):
        while stack and not stack[-1][1]:
            stack.pop()
        if not stack:
            return None
        state, choices = stack[-1]
        block, offset = choices.pop()
        offsets[block] = offset
        after = _placed(strip, state, block, offset)
        if not after.left.any():
            return offsets
        stack.append((after, _choices(strip, capacity, priority, after)))
    return None


def _placed(strip: Strip, state: _State, block: int, offset: int) -> _State:
    own, size = strip.live[block], strip.sizes[block]
    left = state.left.copy()
    left[block] = False
    skyline = np.where(own, offset + size, state.skyline)
    return _State(skyline, left, state.load - own * size, offset)


def _choices(
    strip: Strip, capacity: int, priority: NDArray[np.float64], state: _State
) -> list[tuple[int, int]]:
    """Blocks that may come next and where, the best last; none where the state is hopeless.

    Not those that another block fits below.
    """
    blocks = np.flatnonzero(state.left)
    lowest = _lowest(strip.live[blocks], state, capacity)
    if lowest is None or (lowest + strip.sizes[blocks] > capacity).any():
        return []
    may = np.flatnonzero(lowest < (lowest + strip.sizes[blocks]).min())
    order = may[np.lexsort((-priority[blocks[may]], lowest[may]))][::-1]
    pairs: Any = zip(blocks[order].tolist(), lowest[order].tolist(), strict=True)
    return list(pairs)


def _lowest(live: Bools, state: _State, capacity: int) -> Ints | None:
    """Where each block left can start at the lowest; None where some moment overflows.

    A block starts above the floors of all its moments, and a moment's floor is the lowest start
    of the blocks left there: repeated until nothing rises.
    """
    floor = np.maximum(state.skyline, state.low)
    lowest = _highest(live, floor)
    for _ in range(_PASSES):
        raised = np.where(live, lowest[:, None], _NEVER).min(axis=0)
        raised = np.where(state.load > 0, raised, floor)
        if (raised + state.load > capacity).any():
            return None
        if np.array_equal(raised, floor):
            break
        floor = raised
        lowest = _highest(live, floor)
    return lowest


def _highest(live: Bools, floor: Ints) -> Ints:
    return np.where(live, floor, -1).max(axis=1)
