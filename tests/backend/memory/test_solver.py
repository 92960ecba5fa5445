# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from milliwatt.backend.mcu.memory import (
    Alias,
    Buffer,
    InPlace,
    Problem,
    Solution,
    Step,
    check,
    from_text,
    solve,
    to_text,
)
from tests.backend.memory.problems import FRAGMENTING, chain, problems, smaller_arena_exists

DRAWN = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=200
)


def solved(problem: Problem) -> Solution:
    solution = solve(problem)
    check(problem, solution)
    return solution


@DRAWN
@given(problems(max_steps=12, max_size=40))
def test_every_solution_passes_the_checker(problem: Problem) -> None:
    check(problem, solve(problem))


@DRAWN
@given(problems(max_steps=5, max_size=6, parts=False))
def test_small_problems_are_solved_to_the_optimum(problem: Problem) -> None:
    solution = solved(problem)
    assert solution.proven_optimal
    assert not smaller_arena_exists(problem, solution.arena_bytes)


@DRAWN
@given(problems(max_steps=12, max_size=40))
def test_equal_problems_have_equal_solutions(problem: Problem) -> None:
    assert solve(from_text(to_text(problem))) == solve(problem)


def test_solutions_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "import sys; from milliwatt.backend.mcu.memory import from_text, solve;"
        "print(solve(from_text(sys.stdin.read())))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=FRAGMENTING.read_text(),
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_a_gap_of_the_heuristics_is_closed() -> None:
    solution = solved(from_text(FRAGMENTING.read_text()))
    assert solution.arena_bytes == 60
    assert solution.proven_optimal


def test_without_effort_the_bound_stays_honest() -> None:
    problem = from_text(FRAGMENTING.read_text())
    solution = solve(problem, effort=0)
    check(problem, solution)
    assert solution.arena_bytes == 64
    assert solution.lower_bound_bytes == 60
    assert not solution.proven_optimal


def test_constraint_programming_is_loaded_only_where_needed() -> None:
    program = (
        "import sys; from milliwatt.backend.mcu.memory import from_text, solve;"
        "solve(from_text(sys.stdin.read()));"
        "sys.exit('ortools' in sys.modules)"
    )
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    for problem, loaded in ((two_branches(), False), (from_text(FRAGMENTING.read_text()), True)):
        result = subprocess.run(
            [sys.executable, "-c", program],
            input=to_text(problem),
            env={**os.environ, **path},
            text=True,
        )
        assert result.returncode == loaded


def test_a_chain_needs_its_largest_input_and_output() -> None:
    solution = solved(chain(490, 8000, 8000, 8000, 64, 12))
    assert solution.arena_bytes == 16000
    assert solution.proven_optimal


def test_a_chain_in_place_needs_its_largest_buffer() -> None:
    assert solved(chain(64, 64, 64, 60, in_place=True)).arena_bytes == 64


def test_unpadded_sizes_count_to_the_byte() -> None:
    solution = solved(chain(10, 7))
    assert solution.arena_bytes == 18  # 7, 1 of padding, 10
    assert solution.lower_bound_bytes == 18


def residual_block(*, in_place: bool) -> Problem:
    """y = x + conv(conv(x)) with a narrow middle, as in a bottleneck."""
    pairs = (InPlace.same_start("x", "y"), InPlace.same_start("b", "y"))
    return Problem(
        buffers=(Buffer("x", 100), Buffer("a", 20), Buffer("b", 100), Buffer("y", 100)),
        steps=(
            Step("conv_1", ("x",), ("a",)),
            Step("conv_2", ("a",), ("b",)),
            Step("add", ("x", "b"), ("y",), in_place=pairs if in_place else ()),
        ),
        inputs=("x",),
        outputs=("y",),
    )


def test_a_residual_block_adds_in_place() -> None:
    assert solved(residual_block(in_place=False)).arena_bytes == 300
    assert solved(residual_block(in_place=True)).arena_bytes == 220


def test_an_addition_lands_on_the_input_that_dies() -> None:
    solution = solved(replace(residual_block(in_place=True), outputs=("y", "x")))
    assert solution.arena_bytes == 220
    assert solution.offsets["y"] == solution.offsets["b"]


def test_inputs_may_be_kept() -> None:
    problem = chain(64, 64, in_place=True)
    assert solved(problem).arena_bytes == 64
    assert solved(replace(problem, inputs_may_be_overwritten=False)).arena_bytes == 128


def depthwise(gap_bytes: int, output_bytes: int = 1000) -> Problem:
    """A depthwise convolution whose output runs `gap_bytes` behind what it still reads."""
    return Problem(
        buffers=(Buffer("x", 1000), Buffer("y", output_bytes)),
        steps=(
            Step("depthwise", ("x",), ("y",), in_place=(InPlace.trailing("x", "y", gap_bytes),)),
        ),
        inputs=("x",),
        outputs=("y",),
    )


@pytest.mark.parametrize(("gap_bytes", "arena_bytes"), [(0, 1000), (96, 1096), (5000, 2000)])
def test_a_depthwise_convolution_trails_its_input(gap_bytes: int, arena_bytes: int) -> None:
    assert solved(depthwise(gap_bytes)).arena_bytes == arena_bytes


def test_a_small_output_trails_below_a_large_input() -> None:
    solution = solved(depthwise(100, output_bytes=200))
    assert solution.arena_bytes == 1100
    assert solution.offsets == {"x": 100, "y": 0}


def test_a_leading_output_starts_above_its_input() -> None:
    problem = Problem(
        buffers=(Buffer("x", 100), Buffer("y", 400)),
        steps=(Step("widen", ("x",), ("y",), in_place=(InPlace.leading("x", "y", 0),)),),
        inputs=("x",),
        outputs=("y",),
    )
    assert solved(problem).arena_bytes == 400


def test_scratch_lies_beside_what_its_step_touches() -> None:
    problem = Problem(
        buffers=(Buffer("x", 64), Buffer("y", 32)),
        steps=(Step("conv", ("x",), ("y",), scratch_bytes=16, scratch_alignment=16),),
        inputs=("x",),
        outputs=("y",),
    )
    solution = solved(problem)
    assert solution.arena_bytes == 112
    assert solution.scratch_offsets["conv"] % 16 == 0


def two_branches() -> Problem:
    """Two wide branches: finishing one before starting the other saves a wide buffer."""
    return Problem(
        buffers=(
            Buffer("x", 8),
            Buffer("wide_1", 100),
            Buffer("wide_2", 100),
            Buffer("thin_1", 8),
            Buffer("thin_2", 8),
            Buffer("y", 8),
        ),
        steps=(
            Step("widen_1", ("x",), ("wide_1",)),
            Step("widen_2", ("x",), ("wide_2",)),
            Step("narrow_1", ("wide_1",), ("thin_1",)),
            Step("narrow_2", ("wide_2",), ("thin_2",)),
            Step("join", ("thin_1", "thin_2"), ("y",)),
        ),
        inputs=("x",),
        outputs=("y",),
    )


def test_the_order_with_the_lowest_peak_is_found() -> None:
    solution = solved(two_branches())
    assert solution.arena_bytes == 116
    assert solution.proven_optimal


def test_parts_and_concatenations_take_no_bytes_of_their_own() -> None:
    problem = Problem(
        buffers=(
            Buffer("x", 64),
            Buffer("top", 32),
            Buffer("bottom", 32),
            Buffer("a", 32),
            Buffer("b", 32),
            Buffer("y", 64),
            Buffer("flat", 64),
        ),
        steps=(
            Step(
                "split",
                ("x",),
                ("top", "bottom"),
                aliases=(
                    Alias("x", "top"),
                    Alias("x", "bottom", 32),
                ),
            ),
            Step("f", ("top",), ("a",)),
            Step("g", ("bottom",), ("b",)),
            Step(
                "concatenate",
                ("a", "b"),
                ("y",),
                aliases=(
                    Alias("a", "y"),
                    Alias("b", "y", -32),
                ),
            ),
            Step("reshape", ("y",), ("flat",), aliases=(Alias("y", "flat"),)),
        ),
        inputs=("x",),
        outputs=("flat",),
    )
    assert solved(problem).arena_bytes == 128


def test_an_in_place_step_spares_another_name_of_its_input() -> None:
    problem = Problem(
        buffers=(Buffer("x", 16), Buffer("v", 16), Buffer("y", 16), Buffer("z", 16)),
        steps=(
            Step("reshape", ("x",), ("v",), aliases=(Alias("x", "v"),)),
            Step("f", ("v",), ("y",), in_place=(InPlace.same_start("v", "y"),)),
            Step("g", ("x", "y"), ("z",), in_place=(InPlace.same_start("y", "z"),)),
        ),
        inputs=("x",),
        outputs=("z",),
    )
    assert solved(problem).arena_bytes == 32


def test_state_keeps_its_bytes_and_its_order() -> None:
    problem = Problem(
        buffers=(Buffer("state", 32), Buffer("x", 16), Buffer("y", 16)),
        steps=(
            Step("old", ("state",), ("y",)),
            Step("store", ("x",), ("state",)),
        ),
        inputs=("x",),
        outputs=("y",),
        persistent=("state",),
    )
    solution = solved(problem)
    assert solution.order == (0, 1)
    assert solution.arena_bytes == 64


def test_a_problem_without_steps_or_buffers() -> None:
    assert solved(Problem((), ())).arena_bytes == 0
    assert solved(Problem((Buffer("x", 5),), (), ("x",), ("x",))).arena_bytes == 5
