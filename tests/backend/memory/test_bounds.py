# SPDX-License-Identifier: MIT
"""Bounds hold on random problems, and are exact on those where nothing stands in the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from milliwatt.backend.mcu.memory import Buffer, InPlace, Problem, Step
from milliwatt.backend.mcu.memory.liveness import make_meter, order_bound_bytes
from milliwatt.backend.mcu.memory.order import search_orders, static_bound_bytes
from milliwatt.backend.mcu.memory.reduce import reduce_problem
from tests.backend.memory.problems import chain, problems, smaller_arena_exists, valid_orders

DRAWN = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=200
)


@DRAWN
@given(problems(max_steps=5, max_size=6, parts=False))
def test_no_placement_goes_below_the_bounds(problem: Problem) -> None:
    meter = make_meter(reduce_problem(problem))
    listed = tuple(range(len(problem.steps)))
    assert not smaller_arena_exists(problem, order_bound_bytes(meter, listed), listed)
    search = search_orders(meter, max_moves=1000)
    assert not smaller_arena_exists(problem, search.bound_bytes)
    assert static_bound_bytes(meter) <= search.bound_bytes <= search.candidates[0].peak_bytes


@settings(DRAWN, max_examples=1000)
@given(problems(max_steps=6))
def test_the_search_finds_the_lowest_peak_of_all_orders(problem: Problem) -> None:
    meter = make_meter(reduce_problem(problem))
    search = search_orders(meter, max_moves=100_000)
    lowest = min(order_bound_bytes(meter, order) for order in valid_orders(problem))
    assert search.bound_bytes == search.candidates[0].peak_bytes == lowest


@DRAWN
@given(problems(max_steps=12, max_size=40))
def test_bounds_grow_with_the_search(problem: Problem) -> None:
    meter = make_meter(reduce_problem(problem))
    bounds = [search_orders(meter, max_moves).bound_bytes for max_moves in (0, 3, 10, 100_000)]
    assert bounds == sorted(bounds)
    assert bounds[-1] == search_orders(meter, 100_000).candidates[0].peak_bytes


def bounds(problem: Problem) -> tuple[int, int]:
    """Under the listed order, and from dependence alone."""
    meter = make_meter(reduce_problem(problem))
    return order_bound_bytes(meter, range(len(problem.steps))), static_bound_bytes(meter)


def joined(
    in_place: tuple[InPlace, ...],
    output_bytes: int = 40,
    scratch_bytes: int = 0,
    inputs_may_be_overwritten: bool = True,
) -> Problem:
    return Problem(
        buffers=(Buffer("a", 40), Buffer("b", 40), Buffer("y", output_bytes)),
        steps=(Step("join", ("a", "b"), ("y",), scratch_bytes, in_place=in_place),),
        inputs=("a", "b"),
        outputs=("y",),
        inputs_may_be_overwritten=inputs_may_be_overwritten,
    )


FORK = Problem(
    buffers=(Buffer("x", 40), Buffer("y", 40), Buffer("z", 40)),
    steps=(
        Step(
            "fork",
            ("x",),
            ("y", "z"),
            scratch_bytes=4,
            in_place=(InPlace.trailing("x", "y"), InPlace.trailing("x", "z")),
        ),
    ),
    inputs=("x",),
    outputs=("y", "z"),
)
OVER_BOTH = (InPlace.trailing("a", "y"), InPlace.trailing("b", "y"))


@pytest.mark.parametrize(
    ("problem", "exact_bytes"),
    [
        (chain(10, 7), 18),
        (chain(8, 100, 20, 60), 120),
        (chain(8, 100, 20, 60, in_place=True), 100),
        (joined(()), 120),
        (joined(OVER_BOTH), 80),
        (joined(OVER_BOTH, output_bytes=8, scratch_bytes=4), 84),
        (joined(OVER_BOTH, output_bytes=100), 100),
        (joined(OVER_BOTH, inputs_may_be_overwritten=False), 120),
        (joined((InPlace.trailing("a", "y", 12),)), 92),
        (joined((InPlace.leading("a", "y", 12),)), 92),
        (joined((InPlace.leading("a", "y", 60),)), 120),
        (FORK, 84),
        (replace(joined(()), steps=(), buffers=joined(()).buffers[:2], outputs=()), 80),
        (replace(chain(8, 100, 20, 60), outputs=("b0", "b1", "b2", "b3")), 188),
    ],
)
def test_bounds_of_one_order_are_exact(problem: Problem, exact_bytes: int) -> None:
    assert bounds(problem) == (exact_bytes, exact_bytes)
    assert not smaller_arena_exists(problem, exact_bytes)


def test_a_later_reader_forbids_the_saving() -> None:
    f = Step("f", ("x",), ("y",), scratch_bytes=60, in_place=(InPlace.same_start("x", "y"),))
    g = Step("g", ("x", "y"), ("z",))
    buffers = tuple(Buffer(name, 40) for name in "xyz")
    assert bounds(Problem(buffers, (f, g), inputs=("x",))) == (140, 140)
    g = replace(g, reads=("y",))
    assert bounds(Problem(buffers, (f, g), inputs=("x",))) == (100, 100)


def test_unused_bytes_at_the_top_may_be_worth_waiting_for() -> None:
    """`s` takes no more cells than it frees, yet `p` fits above `w` with 3 bytes less than `q`."""
    problem = Problem(
        buffers=(Buffer("p", 5), Buffer("q", 8), Buffer("w", 40)),
        steps=(
            Step("s", ("p",), ("q",), in_place=(InPlace.same_start("p", "q"),)),
            Step("t", (), ("w",)),
        ),
        inputs=("p",),
        outputs=("q",),
    )
    assert search_orders(make_meter(reduce_problem(problem)), 100).bound_bytes == 45
    assert not smaller_arena_exists(problem, 45)


def test_depth_first_keeps_a_recurrent_network_from_computing_all_inputs_first() -> None:
    """The greedy order does so, since an input is always cheaper to widen than the state."""
    cells = 6
    inputs = [f"x{t}" for t in range(cells)]
    buffers = [Buffer("h0", 4), *(Buffer(name, 4) for name in inputs)]
    widenings = [Step(f"widen_{t}", (f"x{t}",), (f"wide{t}",)) for t in range(cells)]
    recurrence: list[Step] = []
    for t in range(cells):
        buffers += [Buffer(f"wide{t}", 40), Buffer(f"z{t}", 44), Buffer(f"h{t + 1}", 4)]
        recurrence.append(Step(f"state_{t}", (f"h{t}",), (f"z{t}",)))
        recurrence.append(Step(f"cell_{t}", (f"wide{t}", f"z{t}"), (f"h{t + 1}",)))
    problem = Problem(
        tuple(buffers), (*widenings, *recurrence), ("h0", *inputs), outputs=(f"h{cells}",)
    )
    search = search_orders(make_meter(reduce_problem(problem)), max_moves=0)
    assert search.candidates[0].peak_bytes == 5 * 4 + 40 + 44 + 4
