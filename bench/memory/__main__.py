# SPDX-License-Identifier: MIT
"""`python -m bench.memory`: solve every instance and write the table in README.md."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.markdown import count, table, tick
from bench.memory.instances import Instance, make_instance
from bench.times import describe_machine
from milliwatt.backend.mcu.memory import check, solve
from milliwatt.output import write_file

PAGE = Path(__file__).with_name("README.md")
SIZES = (150, 170, 200, 230, 260, 300, 350, 400, 450)
FIRST_SEED = 11
EFFORT = 5.0
GOAL = 1.02
_START, _END = "<!-- table:start -->", "<!-- table:end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One instance: what the solver reached by default and with more effort."""

    instance: Instance
    default_bytes: int
    arena_bytes: int
    seconds: float


def main() -> None:
    """Solve, print as it goes, write."""
    rows: list[Row] = []
    for number, size in enumerate(SIZES):
        rows.append(measure(make_instance(FIRST_SEED + number, size)))
        row = rows[-1]
        print(f"{size}: {row.arena_bytes / row.instance.optimum_bytes:.4f}", file=sys.stderr)
    write_file(PAGE, filled(PAGE.read_text("utf-8"), rows))


def measure(instance: Instance, effort: float = EFFORT) -> Row:
    """Solve with the default effort and with `effort`; VerifyError where a solution is wrong."""
    default = solve(instance.problem)
    start = time.perf_counter()
    best = solve(instance.problem, effort)
    seconds = time.perf_counter() - start
    for solution in (default, best):
        check(instance.problem, solution)
    return Row(instance, default.arena_bytes, best.arena_bytes, seconds)


def filled(page: str, rows: Iterable[Row]) -> str:
    """The page with the table of `rows`."""
    before, rest = page.split(_START)
    _, after = rest.split(_END)
    return f"{before}{_START}\n{_body(list(rows))}\n{_END}{after}"


def _body(rows: list[Row]) -> str:
    lines = [
        [
            row.instance.name,
            str(len(row.instance.problem.buffers)),
            str(len(row.instance.problem.steps)),
            count(row.instance.optimum_bytes),
            _over(row.default_bytes, row.instance),
            _over(row.arena_bytes, row.instance),
            tick(row.arena_bytes <= GOAL * row.instance.optimum_bytes),
            f"{row.seconds:.0f} s",
        ]
        for row in rows
    ]
    titles = ["instance", "buffers", "steps", "optimum", "effort 1", f"effort {EFFORT:g}"]
    titles += ["within 2 %", "time"]
    met = sum(row.arena_bytes <= GOAL * row.instance.optimum_bytes for row in rows)
    told = f"{met} of {len(rows)} within 2 %. Times are of {describe_machine()}."
    return f"{table(titles, lines)}\n\n{told}"


def _over(arena_bytes: int, instance: Instance) -> str:
    over = arena_bytes / instance.optimum_bytes - 1
    return "optimal" if over == 0 else f"+{over:.1%}"


if __name__ == "__main__":
    main()
