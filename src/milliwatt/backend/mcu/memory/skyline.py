# SPDX-License-Identifier: MIT
"""A strip partly filled from the bottom, and what that leaves to the blocks not yet placed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.memory.strip import Arcs, Bools, Ints, Strip

NEVER = 1 << 60
"""Above all offsets: the floor of a moment at which every block is placed."""


@dataclass(frozen=True, slots=True)
class State:
    """By moment, the `floor` that no block left starts below, and the `load` of those left.

    `crossing` counts those left that live at a moment and at the one before. The floor has a
    value more than there are moments, which means nothing. By block, the offsets it can have are
    from `lows` to `highs`; both are that of a block placed.
    """

    floor: Ints
    load: Ints
    crossing: Ints
    left: Bools
    lows: Ints
    highs: Ints


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


def empty(strip: Strip, capacity: int) -> State:
    """The state before anything is placed, where all blocks shall end at or below the capacity."""
    moments = len(strip.load)
    crossing = np.zeros(moments + 1, np.int64)
    for first, end in zip(strip.firsts, strip.ends, strict=True):
        crossing[first + 1 : end] += 1
    floor, lows = np.zeros(moments + 1, np.int64), np.zeros_like(strip.sizes)
    left = np.ones(len(strip.sizes), np.bool_)
    return State(floor, strip.load, crossing, left, lows, capacity - strip.sizes)


def place(strip: Strip, state: State, block: int, offset: int) -> State:
    """`state` after `block` is put at `offset`."""
    first, end, size = strip.firsts[block], strip.ends[block], strip.sizes[block]
    floor, load = state.floor.copy(), state.load.copy()
    crossing, left = state.crossing.copy(), state.left.copy()
    lows, highs = state.lows.copy(), state.highs.copy()
    floor[first:end] = offset + size
    load[first:end] -= size
    crossing[first + 1 : end] -= 1
    left[block] = False
    lows[block] = highs[block] = offset
    return State(floor, load, crossing, left, lows, _lowered(strip.arcs, highs))


def lift(state: State, moment: int, offset: int) -> State:
    """`state` where nothing left starts below `offset` at `moment`."""
    floor = state.floor.copy()
    floor[moment] = offset
    return State(floor, state.load, state.crossing, state.left, state.lows, state.highs)


def _lowered(arcs: Arcs, highs: Ints) -> Ints:
    """The highest offsets when all arcs are taken into account."""
    while len(arcs.targets):
        bounds = np.minimum.reduceat(highs[arcs.sources] + arcs.high, arcs.starts)
        before = highs[arcs.targets]
        if (bounds >= before).all():
            break
        highs = highs.copy()
        highs[arcs.targets] = np.minimum(before, bounds)
    return highs


def settle(strip: Strip, state: State, capacity: int) -> Settled | Clash:
    """Raise the floor as far as the blocks left allow, or say where they exceed the capacity.

    A block starts above the floors of all its moments and not too far from those that arcs hold it
    to, and a moment's floor is the lowest start of the blocks left there: repeated until nothing
    rises.
    """
    floor, load, lows, arcs = state.floor, state.load, state.lows, strip.arcs
    while True:
        above = np.maximum.reduceat(floor, strip.spans)[::2]
        lows = np.where(state.left, np.maximum(lows, above), lows)
        if len(arcs.targets):
            bounds = np.maximum.reduceat(lows[arcs.sources] + arcs.low, arcs.starts)
            lows[arcs.targets] = np.maximum(lows[arcs.targets], bounds)
        over = lows > state.highs
        if over.any():
            block = int(over.argmax())
            return Clash(int(strip.firsts[block]), int(strip.ends[block]))
        lowest = np.where(state.left, lows, NEVER)
        raised = np.minimum.reduceat(lowest[strip.cover], strip.starts)
        over = (load > 0) & (raised + load > capacity)
        if over.any():
            moment = int(over.argmax())
            return Clash(moment, moment + 1)
        if np.array_equal(raised, floor[:-1]):
            settled = State(floor, load, state.crossing, state.left, lows, state.highs)
            return Settled(settled, lowest)
        floor = np.append(raised, 0)
