# SPDX-License-Identifier: MIT
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from milliwatt.backend.mcu.memory import Alias, Buffer, InPlace, Problem, Step, check, solve
from tests.backend.memory.problems import chain, problems, smallest_arena

DRAWN = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=300
)


@DRAWN
@given(problems(max_steps=12, max_size=40))
def test_every_solution_passes_the_checker(problem: Problem) -> None:
    check(problem, solve(problem))


@DRAWN
@given(problems(max_steps=5, max_size=6, parts=False))
def test_small_problems_are_solved_to_the_optimum(problem: Problem) -> None:
    solution = solve(problem)
    check(problem, solution)
    assert solution.proven_optimal
    assert smallest_arena(problem, below=solution.arena_bytes) is None
