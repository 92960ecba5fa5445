# SPDX-License-Identifier: MIT
"""Where to go on in a strip partly filled: the end of a valley for which least comes into question.

A valley is a run of moments of equal floor between higher ones. In a strip in which everything is
as low as it can be, what comes next at the first moment of a valley either lies on its floor, and
then it begins at that moment and ends within the valley, or it starts higher by at least the wall
beside it or the smallest other block in the valley. The same holds for the last moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from milliwatt.backend.mcu.memory.skyline import NEVER, Settled
from milliwatt.backend.mcu.memory.strip import Bools, Ints, Strip


class Move(NamedTuple):
    """`block` goes to `offset`; where it is None, nothing starts lower than that at `moment`."""

    block: int | None
    moment: int
    offset: int


class Part(NamedTuple):
    """Moments `[first, end)`, of which no block left crosses an end."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class _Valleys:
    """By run of equal floor: its moments `[firsts, ends)`, whether it is a valley, and its walls.

    `fitting` are the blocks that can start on the floor of their first and last moment, and
    `runs` the runs that they begin in: in valleys they end there, too.
    """

    firsts: Ints
    ends: Ints
    floors: Ints
    are: Bools
    before: Ints
    after: Ints
    fitting: NDArray[np.intp]
    runs: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Side:
    """By run, one end: its moment, and the lowest offset there if no block comes on the floor.

    `at` says which of the fitting blocks would lie at that end.
    """

    moments: Ints
    lifted: Ints
    at: Bools


def moves(
    strip: Strip,
    settled: Settled,
    part: Part,
    capacity: int,
    weights: NDArray[np.float64],
    priority: Sequence[float],
) -> list[Move]:
    """The moves at the edge with fewest of them for its weight; the best last."""
    valleys = _valleys(strip, settled, part)
    fewest, found = np.inf, list[Move]()
    for side in _sides(strip, valleys):
        can_lift = side.lifted + settled.state.load[side.moments] <= capacity
        counts = np.bincount(valleys.runs[side.at], minlength=len(side.moments))
        ways = np.where(valleys.are, (counts + can_lift) / weights[side.moments], np.inf)
        run = int(ways.argmin())
        if ways[run] < fewest:
            fewest = ways[run]
            moment = int(side.moments[run])
            found = [Move(None, moment, int(side.lifted[run]))] if can_lift[run] else []
            blocks = valleys.fitting[side.at & (valleys.runs == run)].tolist()
            blocks.sort(key=priority.__getitem__)
            found += [Move(block, moment, int(valleys.floors[run])) for block in blocks]
    return found


def _valleys(strip: Strip, settled: Settled, part: Part) -> _Valleys:
    floor = settled.state.floor
    inside = floor[part.first : part.end]
    cuts = np.flatnonzero(inside[1:] != inside[:-1]) + (part.first + 1)
    bounds = np.concatenate(((part.first,), cuts, (part.end,)))
    walls = np.concatenate(((NEVER,), floor[bounds[:-1]], (NEVER,)))
    before, own, after = walls[:-2], walls[1:-1], walls[2:]
    fitting = _on_the_floor(strip, settled, part)
    runs = np.searchsorted(cuts, strip.firsts[fitting], "right")
    are = (before > own) & (own < after)
    return _Valleys(bounds[:-1], bounds[1:], own, are, before, after, fitting, runs)


def _on_the_floor(strip: Strip, settled: Settled, part: Part) -> NDArray[np.intp]:
    """Blocks left of this part that can start at the floor of their first and last moment."""
    floor, lowest = settled.state.floor, settled.lowest
    on = settled.state.left & (lowest == floor[strip.firsts]) & (lowest == floor[strip.ends - 1])
    return np.flatnonzero(on & (part.first <= strip.firsts) & (strip.ends <= part.end))


def _sides(strip: Strip, valleys: _Valleys) -> Iterator[_Side]:
    """The first moments of all runs, then their last ones."""
    at_first = strip.firsts[valleys.fitting] == valleys.firsts[valleys.runs]
    at_last = strip.ends[valleys.fitting] == valleys.ends[valleys.runs]
    sizes = strip.sizes[valleys.fitting]
    for moments, wall, at in (
        (valleys.firsts, valleys.before, at_first),
        (valleys.ends - 1, valleys.after, at_last),
    ):
        smallest = np.full(len(moments), NEVER)
        np.minimum.at(smallest, valleys.runs[~at], sizes[~at])
        yield _Side(moments, np.minimum(wall, valleys.floors + smallest), at)


def parts(settled: Settled, part: Part) -> list[Part]:
    """The pieces of `part` that no block left lives in two of, but those that are done."""
    state = settled.state
    inside = state.crossing[part.first + 1 : part.end]
    cuts = (np.flatnonzero(inside == 0) + (part.first + 1)).tolist()
    pieces = pairwise((part.first, *cuts, part.end))
    return [Part(first, end) for first, end in pieces if state.load[first:end].any()]
