# SPDX-License-Identifier: MIT
"""Seeds drawn after the solver was first tuned: some to mend it by, the others only to measure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.markdown import table
from bench.memory.instances import (
    CROWDED,
    DENSE,
    PEAKED,
    Instance,
    make_instance,
    make_random,
)

_DENSE_SIZES = (150, 200, 250, 300, 350, 400, 450)
_OTHER_SIZES = (150, 250, 400)
_MENDED_BY = (3000, 3100)
_HELD_OUT = (3300, 3400)
"""First seeds of series: the next size has the next seed."""
_CUT = {family.name: family for family in (DENSE, CROWDED, PEAKED)}
_RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Draw:
    """A seed: its family and number of buffers; whether the solver was changed with it in view."""

    family: str
    seed: int
    buffers: int
    held_out: bool

    @property
    def label(self) -> str:
        """The set in which it counts."""
        return f"{self.family}, {'held out' if self.held_out else 'developed on'}"

    def make(self) -> Instance:
        """The instance."""
        if self.family == _RANDOM:
            return make_random(self.seed, self.buffers)
        return make_instance(self.seed, self.buffers, _CUT[self.family])


def draws() -> Iterator[Draw]:
    """All of them, set by set."""
    for first in (*_MENDED_BY, *_HELD_OUT):
        for seed, buffers in enumerate(_DENSE_SIZES, first):
            yield Draw(DENSE.name, seed, buffers, first in _HELD_OUT)
    for family in (CROWDED.name, PEAKED.name, _RANDOM):
        for first in _HELD_OUT:
            for seed, buffers in enumerate(_OTHER_SIZES, first):
                yield Draw(family, seed, buffers, held_out=True)


@dataclass(frozen=True, slots=True)
class Result:
    """How far above the best known the arena is, relatively, and seconds of one core."""

    draw: Draw
    over: float
    seconds: float

    def met(self, goal: float, goal_seconds: float) -> bool:
        """Whether the arena is no more than `goal` times the best known, in time."""
        return 1 + self.over <= goal and self.seconds <= goal_seconds


def summary(results: Iterable[Result], goal: float, goal_seconds: float) -> str:
    """A row for each set, and below it those that do not meet the goal."""
    lines: list[list[str]] = []
    missed: list[str] = []
    for label, group in groupby(results, lambda result: result.draw.label):
        some = list(group)
        lines.append(_row(label, some, goal, goal_seconds))
        missed += [
            f"{result.draw.buffers} buffers of {result.draw.family} seed {result.draw.seed} "
            f"({result.over:+.1%}, {result.seconds:.0f} s)"
            for result in some
            if not result.met(goal, goal_seconds)
        ]
    titles = ["set", "instances", f"within 2 % in {goal_seconds:g} s", "at the bound", "worst"]
    titles += ["median time", "longest"]
    return f"{table(titles, lines)}\n\nNot within: {'; '.join(missed) or 'none'}."


def _row(label: str, some: Sequence[Result], goal: float, goal_seconds: float) -> list[str]:
    seconds = [result.seconds for result in some]
    return [
        label,
        str(len(some)),
        str(sum(result.met(goal, goal_seconds) for result in some)),
        str(sum(result.over <= 0 for result in some)),
        f"{max(result.over for result in some):+.1%}",
        f"{statistics.median(seconds):.1f} s",
        f"{max(seconds):.0f} s",
    ]
