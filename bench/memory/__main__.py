# SPDX-License-Identifier: MIT
"""`python -m bench.memory generated|fresh|FOLDER`: solve instances, write their table in README.md.

A folder of MiniMalloc's published files, the generated ones that the solver was tuned on first, or
seeds drawn afterwards, most of which it was never changed for.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.markdown import count, table, tick
from bench.memory.fresh import Result, draws, summary
from bench.memory.instances import GRANULE_BYTES, Instance, make_instance
from bench.memory.published import read_published
from bench.times import describe_machine
from milliwatt.backend.mcu.memory import Solution, check, solve
from milliwatt.output import write_file

PAGE = Path(__file__).with_name("README.md")
SIZES = (150, 170, 200, 230, 260, 300, 350, 400, 450)
FIRST_SEED = 11
EFFORT = 5.0
GOAL = 1.02
GOAL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Row:
    """One instance: what the solver reached by default and with more effort.

    Bytes are without the granule that keeps the order of the steps; seconds are of one core.
    """

    name: str
    buffers: int
    steps: int
    known_bytes: int
    bound_bytes: int
    default_bytes: int
    arena_bytes: int
    default_seconds: float
    seconds: float

    @property
    def met(self) -> bool:
        """Whether the goal is met with more effort."""
        return self.arena_bytes <= GOAL * self.known_bytes and self.seconds <= GOAL_SECONDS


def main() -> None:
    """Solve, print as it goes, write."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    which = sys.argv[1]
    if which == "fresh":
        mark, body = which, summary(_fresh(), GOAL, GOAL_SECONDS)
    elif which == "generated":
        mark, body = which, _body(_rows(generated()))
    else:
        mark, body = "published", _body(_rows(read_published(Path(which))))
    write_file(PAGE, filled(PAGE.read_text("utf-8"), mark, body))


def generated() -> list[Instance]:
    """Those that the solver was tuned on first."""
    return [make_instance(FIRST_SEED + at, size) for at, size in enumerate(SIZES)]


def _rows(instances: Iterable[Instance]) -> list[Row]:
    rows: list[Row] = []
    for instance in instances:
        row = measure(instance)
        rows.append(row)
        _say(row.name, row.arena_bytes / row.known_bytes - 1, row.seconds)
    return rows


def _fresh() -> list[Result]:
    results: list[Result] = []
    for draw in draws():
        instance = draw.make()
        solution, seconds = _timed(instance, EFFORT)
        known_bytes = instance.optimum_bytes - GRANULE_BYTES
        over = (solution.arena_bytes - GRANULE_BYTES) / known_bytes - 1
        results.append(Result(draw, over, seconds))
        _say(f"{draw.label}, seed {draw.seed}, {draw.buffers}", over, seconds)
    return results


def _say(name: str, over: float, seconds: float) -> None:
    print(f"{name}: {over:+.2%}, {seconds:.1f} s", file=sys.stderr)


def measure(instance: Instance, effort: float = EFFORT) -> Row:
    """Solve with the default effort and with `effort`; VerifyError where a solution is wrong."""
    default, default_seconds = _timed(instance, 1.0)
    best, seconds = _timed(instance, effort)
    return Row(
        name=instance.name,
        buffers=len(instance.problem.buffers) - 1,
        steps=len(instance.problem.steps),
        known_bytes=instance.optimum_bytes - GRANULE_BYTES,
        bound_bytes=best.lower_bound_bytes - GRANULE_BYTES,
        default_bytes=default.arena_bytes - GRANULE_BYTES,
        arena_bytes=best.arena_bytes - GRANULE_BYTES,
        default_seconds=default_seconds,
        seconds=seconds,
    )


def _timed(instance: Instance, effort: float) -> tuple[Solution, float]:
    start = time.process_time()
    solution = solve(instance.problem, effort)
    seconds = time.process_time() - start
    check(instance.problem, solution)
    return solution, seconds


def filled(page: str, mark: str, body: str) -> str:
    """The page with `body` at `mark`."""
    start, end = f"<!-- {mark}:start -->", f"<!-- {mark}:end -->"
    before, rest = page.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n{body}\n{end}{after}"


def _body(rows: list[Row]) -> str:
    lines = [
        [
            row.name,
            str(row.buffers),
            str(row.steps),
            count(row.known_bytes),
            count(row.bound_bytes),
            count(row.arena_bytes),
            _over(row.arena_bytes, row.known_bytes),
            tick(row.met),
            f"{row.seconds:.0f} s",
            _over(row.default_bytes, row.known_bytes),
            f"{row.default_seconds:.0f} s",
        ]
        for row in rows
    ]
    titles = ["instance", "buffers", "steps", "best known", "bound", f"effort {EFFORT:g}", "over"]
    titles += [f"within 2 % in {GOAL_SECONDS} s", "time", "effort 1", "time"]
    met = sum(row.met for row in rows)
    told = f"{met} of {len(rows)} within 2 %. Times are of one core of {describe_machine()}."
    return f"{table(titles, lines)}\n\n{told}"


def _over(arena_bytes: int, known_bytes: int) -> str:
    return "0" if arena_bytes == known_bytes else f"{arena_bytes / known_bytes - 1:+.1%}"


if __name__ == "__main__":
    main()
