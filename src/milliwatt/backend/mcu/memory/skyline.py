# SPDX-License-Identifier: MIT
"""A strip partly filled from the bottom, and what that leaves to the blocks not yet placed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.memory.strip import Bools, Ints, Strip

NEVER = 1 << 60
"""Above all offsets: the floor of a moment at which every block is placed."""


@dataclass(frozen=True, slots=True)
class State:
    """By moment, the `floor` that no block left starts below, and the `load` of those left.

    `crossing` counts those left that live at a moment and at the one before. The floor has a
    value more than there are moments, which means nothing.
    """

    floor: Ints
    load: Ints
    crossing: Ints
    left: Bools


@dataclass(frozen=True, slots=True)
class Settled:
    """A state whose floor is as high as is known, and the lowest offset of each block left."""

    state: State
    lowest: Ints


@dataclass(frozen=True, slots=True)
class Clash:
    """Moments `[first, end)` at which what is left does not fit the capacity."""

    first: int
    end: int


def empty(strip: Strip) -> State:
    """The state before anything is placed."""
    moments = len(strip.load)
    crossing = np.zeros(moments + 1, np.int64)
    for first, end in zip(strip.firsts, strip.ends, strict=True):
        crossing[first + 1 : end] += 1
    left = np.ones(len(strip.sizes), np.bool_)
    return State(np.zeros(moments + 1, np.int64), strip.load, crossing, left)


def place(strip: Strip, state: State, block: int, offset: int) -> State:
    """`state` after `block` is put at `offset`."""
    first, end, size = strip.firsts[block], strip.ends[block], strip.sizes[block]
    floor, load = state.floor.copy(), state.load.copy()
    crossing, left = state.crossing.copy(), state.left.copy()
    floor[first:end] = offset + size
    load[first:end] -= size
    crossing[first + 1 : end] -= 1
    left[block] = False
    return State(floor, load, crossing, left)


def lift(state: State, moment: int, offset: int) -> State:
    """`state` where nothing left starts below `offset` at `moment`."""
    floor = state.floor.copy()
    floor[moment] = offset
    return State(floor, state.load, state.crossing, state.left)


def settle(strip: Strip, state: State, capacity: int) -> Settled | Clash:
    """Raise the floor as far as the blocks left allow, or say where they exceed the capacity.

    A block starts above the floors of all its moments, and a moment's floor is the lowest start
    of the blocks left there: repeated until nothing rises.
    """
    floor, load = state.floor, state.load
    while True:
        lowest = np.where(state.left, np.maximum.reduceat(floor, strip.spans)[::2], NEVER)
        over = state.left & (lowest + strip.sizes > capacity)
        if over.any():
            block = int(over.argmax())
            return Clash(int(strip.firsts[block]), int(strip.ends[block]))
        raised = np.minimum.reduceat(lowest[strip.cover], strip.starts)
        over = (load > 0) & (raised + load > capacity)
        if over.any():
            moment = int(over.argmax())
            return Clash(moment, moment + 1)
        if np.array_equal(raised, floor[:-1]):
            return Settled(State(floor, load, state.crossing, state.left), lowest)
        floor = np.append(raised, 0)
