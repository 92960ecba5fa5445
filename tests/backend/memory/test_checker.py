# SPDX-License-Identifier: MIT
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.memory import (
    Alias,
    Buffer,
    InPlace,
    Interval,
    Problem,
    Solution,
    Step,
    check,
    solve,
)
from milliwatt.errors import VerifyError
from tests.backend.memory.problems import chain, is_right, problems


def refused(problem: Problem, solution: Solution) -> str:
    with pytest.raises(VerifyError) as caught:
        check(problem, solution)
    return str(caught.value)


def moved(problem: Problem, solution: Solution, offsets: Mapping[str, int]) -> Solution:
    """`solution` with other offsets, and the arena they take."""
    offsets = {**solution.offsets, **offsets}
    ends = [offsets[buffer.name] + buffer.size_bytes for buffer in problem.buffers]
    ends += [
        solution.scratch_offsets[step.name] + step.scratch_bytes
        for step in problem.steps
        if step.scratch_bytes
    ]
    arena_bytes = max(ends, default=0)
    return replace(solution, offsets=offsets, arena_bytes=arena_bytes, lower_bound_bytes=0)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(problems(max_steps=6, parts=False), st.data())
def test_moved_buffers_are_refused_exactly_where_they_collide(
    problem: Problem, data: st.DataObject
) -> None:
    solution = solve(problem)
    names = [buffer.name for buffer in problem.buffers]
    offsets = data.draw(
        st.dictionaries(st.sampled_from(names), st.integers(0, 24), min_size=1, max_size=3)
    )
    other = moved(problem, solution, offsets)
    if is_right(problem, other):
        event("still right")
        check(problem, other)
    else:
        event("wrong")
        refused(problem, other)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(problems(max_steps=6), st.data())
def test_orders_against_dependence_are_refused(problem: Problem, data: st.DataObject) -> None:
    solution = solve(problem)
    order = tuple(data.draw(st.permutations(solution.order)))
    wrong = replace(solution, order=order)
    writers = {name: index for index, step in enumerate(problem.steps) for name in step.writes}
    kept = all(
        order.index(writers[name]) < order.index(index)
        for index, step in enumerate(problem.steps)
        for name in step.reads
        if name in writers and name not in problem.persistent
    )
    if not kept:
        assert "runs before" in refused(problem, wrong)


CHAIN = chain(8, 8, 8)
SOLVED = Solution(
    order=(0, 1),
    offsets={"b0": 0, "b1": 8, "b2": 0},
    scratch_offsets={},
    arena_bytes=16,
    lower_bound_bytes=16,
    live={"b0": Interval(-1, 0), "b1": Interval(0, 1), "b2": Interval(1, 2)},
)


def test_the_solution_that_the_next_tests_spoil_is_right() -> None:
    check(CHAIN, SOLVED)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            replace(SOLVED, order=(0, 0)),
            "memory: the order is no permutation of the 2 steps: (0, 0)",
        ),
        (
            replace(SOLVED, order=(1, 0)),
            "memory: step 'b1_to_b2' runs before 'b0_to_b1', although 'b1' passes from this to "
            "that",
        ),
        (
            replace(SOLVED, live={**SOLVED.live, "b1": Interval(0, 0)}),
            "memory: wrong live intervals of buffers ['b1']",
        ),
        (
            replace(SOLVED, offsets={"b0": 0, "b1": 8}),
            "memory: buffer 'b2' has no offset",
        ),
        (
            replace(SOLVED, offsets={**SOLVED.offsets, "b1": 10}, arena_bytes=18),
            "memory: buffer 'b1' at 10 is not aligned to 4",
        ),
        (
            replace(SOLVED, offsets={**SOLVED.offsets, "b0": -8}),
            "memory: buffer 'b0' at -8 is not aligned to 4",
        ),
        (
            replace(SOLVED, offsets={**SOLVED.offsets, "b1": 4}),
            "memory: buffer 'b0' at 0..8 and buffer 'b1' at 4..12 share bytes while both live, "
            "at step 'b0_to_b1'",
        ),
        (
            replace(SOLVED, arena_bytes=12),
            "memory: the arena has 12 bytes, its contents end at 16",
        ),
        (
            replace(SOLVED, lower_bound_bytes=17),
            "memory: the arena of 16 bytes beats its lower bound of 17",
        ),
    ],
)
def test_spoilt_solutions_are_refused(wrong: Solution, message: str) -> None:
    assert refused(CHAIN, wrong) == message


def one_step(
    *in_place: InPlace, scratch_bytes: int = 0, outputs: tuple[str, ...] = ("y",)
) -> Problem:
    return Problem(
        buffers=(Buffer("x", 16), Buffer("y", 16)),
        steps=(Step("f", ("x",), ("y",), scratch_bytes=scratch_bytes, in_place=in_place),),
        inputs=("x",),
        outputs=outputs,
    )


def at(problem: Problem, x: int, y: int, **scratch_offsets: int) -> Solution:
    live = {"x": Interval(-1, 0), "y": Interval(0, 1)}
    if "x" in problem.outputs or not problem.inputs_may_be_overwritten:
        live["x"] = Interval(-1, 1)
    solution = Solution((0,), {"x": x, "y": y}, scratch_offsets, 0, 0, live)
    return moved(problem, solution, {})


@pytest.mark.parametrize(("x", "y"), [(0, 0), (8, 0), (16, 0), (0, 16)])
def test_an_output_may_trail_at_its_gap(x: int, y: int) -> None:
    problem = one_step(InPlace.trailing("x", "y", x - y if x > y else 0))
    check(problem, at(problem, x, y))


@pytest.mark.parametrize(
    ("pair", "x", "y"),
    [
        (InPlace.trailing("x", "y", 12), 8, 0),
        (InPlace.trailing("x", "y"), 0, 4),
        (InPlace.leading("x", "y", 4), 0, 0),
        (InPlace.same_start("x", "y"), 4, 0),
    ],
)
def test_an_output_too_close_is_refused(pair: InPlace, x: int, y: int) -> None:
    problem = one_step(pair)
    assert "share bytes while both live, at step 'f'" in refused(problem, at(problem, x, y))


def test_in_place_over_what_the_caller_keeps_is_refused() -> None:
    pair = InPlace.same_start("x", "y")
    for problem in (
        one_step(pair, outputs=("x", "y")),
        replace(one_step(pair), inputs_may_be_overwritten=False),
    ):
        assert "buffer 'x'" in refused(problem, at(problem, 0, 0))


def test_in_place_before_the_last_reader_is_refused() -> None:
    problem = Problem(
        buffers=(Buffer("x", 16), Buffer("y", 16), Buffer("z", 16)),
        steps=(
            Step("f", ("x",), ("y",), in_place=(InPlace.same_start("x", "y"),)),
            Step("g", ("x", "y"), ("z",)),
        ),
        inputs=("x",),
        outputs=("z",),
    )
    solution = moved(problem, solve(problem), {"x": 0, "y": 0, "z": 16})
    assert refused(problem, solution) == (
        "memory: buffer 'x' at 0..16 and buffer 'y' at 0..16 share bytes while both live, "
        "at step 'f'"
    )


def test_scratch_over_a_buffer_is_refused() -> None:
    problem = one_step(scratch_bytes=8)
    assert refused(problem, at(problem, 0, 16, f=8)) == (
        "memory: buffer 'x' at 0..16 and scratch of 'f' at 8..16 share bytes while both live, "
        "at step 'f'"
    )


def test_missing_scratch_is_refused() -> None:
    problem = one_step(scratch_bytes=8)
    solution = replace(at(problem, 0, 16, f=32), scratch_offsets={})
    assert refused(problem, solution) == "memory: scratch of 'f' has no offset"


def test_an_alias_at_the_wrong_shift_is_refused() -> None:
    problem = Problem(
        buffers=(Buffer("x", 16), Buffer("y", 8)),
        steps=(Step("part", ("x",), ("y",), aliases=(Alias("x", "y", 8),)),),
        inputs=("x",),
        outputs=("y",),
    )
    right = solve(problem)
    check(problem, right)
    assert refused(problem, moved(problem, right, {"y": 4})) == (
        "memory: step 'part' needs buffer 'y' to start 8 bytes above 'x', not 4"
    )


def test_state_on_the_bytes_of_an_input_is_refused() -> None:
    problem = Problem(
        buffers=(Buffer("state", 16), Buffer("x", 16)),
        steps=(),
        inputs=("x",),
        persistent=("state",),
    )
    assert refused(problem, moved(problem, solve(problem), {"state": 0, "x": 0})) == (
        "memory: buffer 'state' at 0..16 and buffer 'x' at 0..16 share bytes while both live, "
        "before the first step"
    )


def test_state_stored_before_its_old_value_is_read_is_refused() -> None:
    problem = Problem(
        buffers=(Buffer("state", 16), Buffer("x", 16), Buffer("y", 16)),
        steps=(Step("load", ("state",), ("y",)), Step("store", ("x",), ("state",))),
        inputs=("x",),
        outputs=("y",),
        persistent=("state",),
    )
    assert refused(problem, replace(solve(problem), order=(1, 0))) == (
        "memory: step 'store' runs before 'load', although 'state' passes from this to that"
    )


def test_aliases_that_share_too_few_bytes_are_no_excuse() -> None:
    """Even for a problem that its own rules would refuse: the checker trusts nobody."""
    problem = object.__new__(Problem)
    part_1 = Step("part_1", ("x",), ("a",), aliases=(Alias("x", "a"),))
    part_2 = Step("part_2", ("x",), ("b",), aliases=(Alias("x", "b"),))
    fields = {
        "buffers": (Buffer("x", 8), Buffer("a", 16), Buffer("b", 16)),
        "steps": (part_1, part_2),
        "inputs": ("x",),
        "outputs": ("a", "b"),
        "persistent": (),
        "inputs_may_be_overwritten": True,
    }
    for name, value in fields.items():
        object.__setattr__(problem, name, value)
    live = {"x": Interval(-1, 1), "a": Interval(0, 2), "b": Interval(1, 2)}
    solution = Solution((0, 1), dict.fromkeys("xab", 0), {}, 16, 0, live)
    assert refused(problem, solution) == (
        "memory: buffer 'a' at 0..16 and buffer 'b' at 0..16 share bytes while both live, "
        "at step 'part_2'"
    )


def test_outputs_on_the_same_bytes_are_refused() -> None:
    problem = Problem(
        buffers=(Buffer("x", 16), Buffer("y", 16)),
        steps=(Step("f", (), ("x",)), Step("g", (), ("y",))),
        outputs=("x", "y"),
    )
    assert "share bytes while both live, at step" in refused(
        problem, moved(problem, solve(problem), {"x": 0, "y": 0})
    )
