# SPDX-License-Identifier: MIT
"""Constraint programming alone, from a placement that stacks everything in the listed order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from hypothesis import HealthCheck, given, settings

from milliwatt.backend.mcu.memory import Alias, Buffer, InPlace, Problem, Step, check, solve
from milliwatt.backend.mcu.memory.exact import improve
from milliwatt.backend.mcu.memory.placement import Placement, make_placement, make_solution
from milliwatt.backend.mcu.memory.reduce import Core, reduce_problem
from milliwatt.units import align_up
from tests.backend.memory.problems import problems, smaller_arena_exists
from tests.support import REPOSITORY

DRAWN = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=150
)


def stacked(core: Core) -> Placement:
    offsets: list[int] = []
    end = 0
    for block in core.blocks:
        offsets.append(align_up(end, block.alignment))
        end = offsets[-1] + block.size_bytes
    return make_placement(core, range(len(core.predecessors)), offsets, 0)


@DRAWN
@given(problems(max_steps=5, max_size=6, parts=False))
def test_no_order_and_placement_is_smaller(problem: Problem) -> None:
    core = reduce_problem(problem)
    found = improve(core, core.predecessors, stacked(core), effort=10)
    check(problem, make_solution(problem, core, found))
    assert found.bound_bytes == found.arena_bytes
    assert not smaller_arena_exists(problem, found.arena_bytes)


@DRAWN
@given(problems(max_steps=5, max_size=6, parts=False))
def test_no_placement_under_a_fixed_order_is_smaller(problem: Problem) -> None:
    core = reduce_problem(problem)
    order = tuple(range(len(core.predecessors)))
    chain = [1 << step >> 1 for step in order]
    found = improve(core, chain, stacked(core), effort=10)
    check(problem, make_solution(problem, core, found))
    assert found.order == order
    assert found.bound_bytes == found.arena_bytes
    assert not smaller_arena_exists(problem, found.arena_bytes, order)


@DRAWN
@given(problems(max_steps=8))
def test_it_agrees_with_the_solver_on_parts_and_concatenations(problem: Problem) -> None:
    core = reduce_problem(problem)
    found = improve(core, core.predecessors, stacked(core), effort=10)
    check(problem, make_solution(problem, core, found))
    solution = solve(problem)
    assert found.bound_bytes == found.arena_bytes == solution.arena_bytes
    assert solution.proven_optimal


def test_a_block_already_begun_may_not_overlap_what_dies_later() -> None:
    """`first` could write over `r`, but then `second` would have to wait, which costs more."""
    problem = Problem(
        buffers=(
            Buffer("d", 100),
            Buffer("r", 16),
            Buffer("a", 8),
            Buffer("b", 8),
            Buffer("ab", 16),
        ),
        steps=(
            Step("first", ("r",), ("a",), 96, in_place=(InPlace.trailing("r", "a"),)),
            Step("second", ("d",), ("b",)),
            Step("join", ("a", "b"), ("ab",), aliases=(Alias("a", "ab"), Alias("b", "ab", -8))),
        ),
        inputs=("d", "r"),
        outputs=("ab",),
    )
    core = reduce_problem(problem)
    found = improve(core, core.predecessors, stacked(core), effort=10)
    check(problem, make_solution(problem, core, found))
    assert found.order == (1, 0, 2)
    assert found.arena_bytes == 132


def search_and_interrupt() -> None:
    """Run in a process of its own, which ends if the search leaves no handler for Ctrl-C."""
    problem = Problem(
        buffers=(Buffer("x", 8), Buffer("y", 4)),
        steps=(Step("step", ("x",), ("y",)),),
        inputs=("x",),
        outputs=("y",),
    )
    core = reduce_problem(problem)
    improve(core, core.predecessors, stacked(core), effort=1)
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        print("caught")


def test_ctrl_c_is_caught_after_a_search() -> None:
    script = f"import {__name__} as here; here.search_and_interrupt()"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "caught\n"), done.stderr
