# SPDX-License-Identifier: MIT
from __future__ import annotations

from hypothesis import given, settings

from milliwatt.backend.mcu.memory import (
    Buffer,
    InPlace,
    Problem,
    Region,
    Step,
    StepUsage,
    solve,
    usage_over_time,
)
from tests.backend.memory.problems import problems


def test_usage_of_an_in_place_step_with_scratch() -> None:
    problem = Problem(
        buffers=(Buffer("x", 8), Buffer("y", 8), Buffer("z", 2)),
        steps=(
            Step("f", ("x",), ("y",), scratch_bytes=4, in_place=(InPlace.same_start("x", "y"),)),
            Step("g", ("y",), ("z",)),
        ),
        inputs=("x",),
        outputs=("z",),
    )
    assert usage_over_time(problem, solve(problem)) == (
        StepUsage("f", (Region("x", 0, 8), Region("y", 0, 8), Region("f", 8, 4, True)), 12, 12),
        StepUsage("g", (Region("y", 0, 8), Region("z", 8, 2)), 10, 10),
    )


@settings(deadline=None, derandomize=True, max_examples=100)
@given(problems())
def test_no_step_uses_more_than_the_arena(problem: Problem) -> None:
    solution = solve(problem)
    usages = usage_over_time(problem, solution)
    assert [usage.step for usage in usages] == [problem.steps[i].name for i in solution.order]
    for usage in usages:
        taken = {
            byte
            for region in usage.regions
            for byte in range(region.offset_bytes, region.offset_bytes + region.size_bytes)
        }
        assert usage.live_bytes == len(taken)
        assert usage.end_bytes == max(taken, default=-1) + 1 <= solution.arena_bytes
