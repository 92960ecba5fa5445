# SPDX-License-Identifier: MIT
"""Memory-planning problems like those published with MiniMalloc, their optimum known.

A rectangle of time and memory is cut into buffers, again and again along time or off one side, so
that all of them fit it without a gap; a few are then taken away. A moment that keeps all of its
buffers is full: the rectangle's height is the optimum. In number of buffers (150 to 450), in how
long these live, and in fill (98 %) they are like the densest published ones, B and C; README.md has
the others' figures.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from milliwatt.backend.mcu.memory import Buffer, Problem, Step

GRANULE_BYTES = 1024
HEIGHT = 1024
"""Of the rectangle, in granules."""
_TAKEN_AWAY = 0.023


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem with one order of its steps, and the smallest arena there is."""

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


def make_instance(seed: int, buffers: int) -> Instance:
    """An instance of about so many buffers; equal arguments give equal instances."""
    draw = random.Random(seed)
    rectangles = [_Rectangle(0.0, 1.0, 0, HEIGHT)]
    while len(rectangles) < round(buffers * 1.03):
        at = draw.choices(range(len(rectangles)), [r.area for r in rectangles])[0]
        rectangles[at : at + 1] = _cut(rectangles[at], draw)
    times = sorted({time for r in rectangles for time in (r.left, r.right)})
    moment = {time: index for index, time in enumerate(times)}
    rows = [(moment[r.left], moment[r.right], r.top - r.bottom) for r in rectangles]
    draw.shuffle(rows)
    moments = len(times) - 1
    kept = _thinned(rows, moments, buffers, draw)
    return Instance(f"{buffers}", make_problem(kept, moments), (HEIGHT + 1) * GRANULE_BYTES)


def _cut(r: _Rectangle, draw: random.Random) -> list[_Rectangle]:
    """Two parts along time, or a slice off the bottom or the top; itself where it is too thin."""
    if draw.random() < 0.5:
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


def _thinned(rows: Rows, moments: int, buffers: int, draw: random.Random) -> Rows:
    """`rows` without a few, none of them live at the middle, which stays full."""
    full, most = moments // 2, _TAKEN_AWAY * moments * HEIGHT
    gone, kept = 0.0, Rows()
    for first, end, size in rows:
        area = (end - first) * size
        may_go = not first <= full < end and len(kept) < buffers
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
