# SPDX-License-Identifier: MIT
"""`python -m bench.memory [FOLDER]`: solve every instance and write a table in README.md.

With a folder of MiniMalloc's published files those are solved, without one the generated ones.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.markdown import count, table, tick
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
    if sys.argv[1:]:
        mark, instances = "published", read_published(Path(sys.argv[1]))
    else:
        mark = "generated"
        instances = [make_instance(FIRST_SEED + at, size) for at, size in enumerate(SIZES)]
    rows: list[Row] = []
    for instance in instances:
        row = measure(instance)
        rows.append(row)
        over = row.arena_bytes / row.known_bytes - 1
        print(f"{row.name}: {over:+.2%}, {row.seconds:.1f} s", file=sys.stderr)
    write_file(PAGE, filled(PAGE.read_text("utf-8"), mark, rows))


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


def filled(page: str, mark: str, rows: Iterable[Row]) -> str:
    """The page with the table of `rows` at `mark`."""
    start, end = f"<!-- {mark}:start -->", f"<!-- {mark}:end -->"
    before, rest = page.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n{_body(list(rows))}\n{end}{after}"


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
