# SPDX-License-Identifier: MIT
"""Memory-planning problems like those published with MiniMalloc, most with a known optimum.

A rectangle of time and memory is cut into buffers, again and again along time or off one side, so
that all of them fit it without a gap; some are then taken away. A moment that keeps all of its
buffers is full: the rectangle's height is the optimum. Families differ in how often time is cut,
hence in how long buffers live, in how much is taken away and in how much of the time stays full;
README.md has the figures of the published ones beside theirs. Those of the family `random` are not
cut from anything: their optimum is not known, only that it is no less than the bytes live at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from milliwatt.backend.mcu.memory import Buffer, Problem, Step

GRANULE_BYTES = 1024
HEIGHT = 1024
"""Of the rectangle, in granules."""

_MORE = 30 / 23
"""Buffers cut beyond those asked for, for each share of the area taken away."""
_SHORT, _LONG = 3.0, 0.25
"""Steps that most random buffers live on average, and the share of the others."""


@dataclass(frozen=True, slots=True)
class Family:
    """How rectangles are cut: shares of cuts along time, of area taken away, of time kept full."""

    name: str
    time_cuts: float
    taken_away: float
    full: float = 0.0


DENSE = Family("dense", 0.5, 0.023)
CROWDED = Family("crowded", 0.35, 0.10, 0.1)
PEAKED = Family("peaked", 0.5, 0.08, 0.3)


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem with one order of its steps, and the smallest arena there is or is thinkable."""

    name: str
    problem: Problem
    optimum_bytes: int


@dataclass(frozen=True, slots=True)
class _Rectangle:
    left: float
    right: float
    bottom: int
    top: int

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)


Rows = list[tuple[int, int, int]]
"""First moment, the moment after the last, size in granules."""


def make_instance(seed: int, buffers: int, family: Family = DENSE) -> Instance:
    """An instance of about so many buffers; equal arguments give equal instances."""
    draw = random.Random(seed)
    rectangles = [_Rectangle(0.0, 1.0, 0, HEIGHT)]
    while len(rectangles) < round(buffers * (1 + _MORE * family.taken_away)):
        at = draw.choices(range(len(rectangles)), [r.area for r in rectangles])[0]
        rectangles[at : at + 1] = _cut(rectangles[at], family.time_cuts, draw)
    times = sorted({time for r in rectangles for time in (r.left, r.right)})
    moment = {time: index for index, time in enumerate(times)}
    rows = [(moment[r.left], moment[r.right], r.top - r.bottom) for r in rectangles]
    draw.shuffle(rows)
    moments = len(times) - 1
    kept = _thinned(rows, moments, buffers, family, draw)
    return Instance(f"{buffers}", make_problem(kept, moments), (HEIGHT + 1) * GRANULE_BYTES)


def make_random(seed: int, buffers: int) -> Instance:
    """Two buffers a step, their sizes and lifetimes drawn; most live shortly, some very long."""
    draw = random.Random(seed)
    moments = buffers // 2
    rows = Rows()
    for at in range(buffers):
        first = at // 2
        mean = moments / 4 if draw.random() < _LONG else _SHORT
        end = min(moments, first + 1 + int(draw.expovariate(1 / mean)))
        rows.append((first, end, 1 + int(draw.lognormvariate(3, 1))))
    loads = [sum(size for first, end, size in rows if first <= now < end) for now in range(moments)]
    return Instance(f"{buffers}", make_problem(rows, moments), (max(loads) + 1) * GRANULE_BYTES)


def _cut(r: _Rectangle, time_cuts: float, draw: random.Random) -> list[_Rectangle]:
    """Two parts along time, or a slice off the bottom or the top; itself where it is too thin."""
    if draw.random() < time_cuts:
        time = draw.uniform(r.left, r.right)
        return [
            _Rectangle(r.left, time, r.bottom, r.top),
            _Rectangle(time, r.right, r.bottom, r.top),
        ]
    height = r.top - r.bottom
    if height < 2:
        return [r]
    slice_height = max(1, min(height - 1, int(height * draw.betavariate(1, 3))))
    at = r.bottom + slice_height if draw.random() < 0.5 else r.top - slice_height
    return [
        _Rectangle(r.left, r.right, r.bottom, at),
        _Rectangle(r.left, r.right, at, r.top),
    ]


def _thinned(rows: Rows, moments: int, buffers: int, family: Family, draw: random.Random) -> Rows:
    """`rows` without some, none of them live in the middle, which stays full."""
    middle, reach = moments // 2, int(family.full * moments / 2)
    most = family.taken_away * moments * HEIGHT
    gone, kept = 0.0, Rows()
    for first, end, size in rows:
        area = (end - first) * size
        full = first <= middle + reach and middle - reach < end
        may_go = not full and len(kept) < buffers
        if may_go and gone + area <= most and area < most / 2 and draw.random() < 0.5:
            gone += area
        else:
            kept.append((first, end, size))
    return kept


def make_problem(rows: Rows, moments: int) -> Problem:
    """A step for each moment; a granule of state, which all of them write, keeps their order."""
    size = GRANULE_BYTES
    steps = tuple(
        Step(
            f"step {at}",
            reads=(
                *(f"b{i}" for i, row in enumerate(rows) if row[1] - 1 == at != row[0]),
                "clock",
            ),
            writes=(*(f"b{i}" for i, row in enumerate(rows) if row[0] == at), "clock"),
        )
        for at in range(moments)
    )
    return Problem(
        buffers=(
            *(Buffer(f"b{i}", row[2] * size, size) for i, row in enumerate(rows)),
            Buffer("clock", size, size),
        ),
        steps=steps,
        persistent=("clock",),
    )
