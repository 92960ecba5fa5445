# SPDX-License-Identifier: MIT
"""Packing strips again: every search against the definition of a packing and brute force."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.memory import Buffer, Interval, Problem, Step, check, solve
from milliwatt.backend.mcu.memory.fill import fill
from milliwatt.backend.mcu.memory.placement import Placement, make_placement, make_solution
from milliwatt.backend.mcu.memory.reduce import Core, reduce_problem
from milliwatt.backend.mcu.memory.repack import repack
from milliwatt.backend.mcu.memory.skyline import Clash, Settled, State, empty, lift, place, settle
from milliwatt.backend.mcu.memory.strip import make_strip
from milliwatt.backend.mcu.memory.tight import fit_exactly
from milliwatt.backend.mcu.memory.valley import Part, moves, parts

Rows = list[tuple[Interval, int]]

DRAWN = settings(deadline=None, derandomize=True, max_examples=100)


def rows_of(most: int) -> st.SearchStrategy[Rows]:
    row = st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(1, 6))
    return st.lists(row, min_size=1, max_size=most).map(
        lambda drawn: [(Interval(first, first + more), size) for first, more, size in drawn]
    )


def meet(one: Interval, other: Interval) -> bool:
    return one.first <= other.last and other.first <= one.last


def is_packing(rows: Rows, offsets: list[int]) -> bool:
    return all(
        not meet(rows[one][0], rows[two][0])
        or offsets[one] + rows[one][1] <= offsets[two]
        or offsets[two] + rows[two][1] <= offsets[one]
        for one, two in combinations(range(len(rows)), 2)
    )


def height(rows: Rows, offsets: list[int]) -> int:
    return max(offset + size for offset, (_, size) in zip(offsets, rows, strict=True))


def optimum(rows: Rows) -> int:
    """The best of first fits in every order, one of which is optimal."""
    best = sum(size for _, size in rows)
    for order in permutations(range(len(rows))):
        placed: dict[int, int] = {}
        for block in order:
            interval, size = rows[block]
            offset = 0
            for other in sorted(placed, key=placed.__getitem__):
                if meet(interval, rows[other][0]) and placed[other] < offset + size:
                    offset = max(offset, placed[other] + rows[other][1])
            placed[block] = offset
        best = min(best, max(placed[block] + rows[block][1] for block in placed))
    return best


@DRAWN
@given(rows_of(14))
def test_moments_left_out_join_and_part_no_blocks(rows: Rows) -> None:
    intervals, sizes = zip(*rows, strict=True)
    strip = make_strip(intervals, sizes)
    spans = dict(zip(strip.blocks, zip(strip.firsts, strip.ends, strict=True), strict=True))
    for one, two in combinations(range(len(rows)), 2):
        together = max(spans[one][0], spans[two][0]) < min(spans[one][1], spans[two][1])
        assert together == meet(intervals[one], intervals[two])
    loads = [
        sum(size for interval, size in rows if interval.first <= now <= interval.last)
        for now in range(12)
    ]
    assert strip.load.max() == max(loads)


@DRAWN
@given(rows_of(6))
def test_the_optimum_is_found_and_nothing_below_it(rows: Rows) -> None:
    intervals, sizes = zip(*rows, strict=True)
    strip = make_strip(intervals, sizes)
    best = optimum(rows)
    found = fill(strip, best, 2_000, 0).offsets
    assert found is not None
    assert is_packing(rows, found)
    assert height(rows, found) == best
    assert fill(strip, best - 1, 200, 0).offsets is None


@DRAWN
@given(rows_of(14), st.integers(0, 3))
def test_what_is_found_is_a_packing_below_the_capacity(rows: Rows, seed: int) -> None:
    intervals, sizes = zip(*rows, strict=True)
    strip = make_strip(intervals, sizes)
    bound = int(strip.load.max())
    for capacity in (bound, sum(sizes)):
        found = fill(strip, capacity, 2_000, seed)
        assert found.offsets is not None or capacity == bound
        if found.offsets is not None:
            assert is_packing(rows, found.offsets)
            assert bound <= height(rows, found.offsets) <= capacity
        assert found == fill(strip, capacity, 2_000, seed)


def test_parts_that_nothing_connects_are_filled_one_by_one() -> None:
    rows = [
        (Interval(at * 10 + first, at * 10 + last), size)
        for at in range(8)
        for first, last, size in ((0, 5, 3), (0, 1, 4), (2, 5, 2), (2, 3, 2), (4, 5, 2))
    ]
    intervals, sizes = zip(*rows, strict=True)
    strip = make_strip(intervals, sizes)
    settled = settle(strip, empty(strip, 7), 7)
    assert isinstance(settled, Settled)
    assert len(parts(settled, Part(0, len(strip.load)))) == 8
    found = fill(strip, 7, 1_000, 0)
    assert found.offsets is not None
    assert is_packing(rows, found.offsets)
    assert found.nodes < 200


def test_a_floor_rises_to_where_the_blocks_left_can_start() -> None:
    strip = make_strip([Interval(0, 0), Interval(1, 1), Interval(0, 1)], [3, 1, 2])
    by_number = {block: at for at, block in enumerate(strip.blocks)}

    def after(capacity: int) -> State:
        """Both short blocks at the bottom."""
        one = place(strip, empty(strip, capacity), by_number[0], 0)
        return place(strip, one, by_number[1], 0)

    settled = settle(strip, after(5), 5)
    assert isinstance(settled, Settled)
    assert settled.state.floor[:2].tolist() == [3, 3]
    assert settle(strip, after(4), 4) == Clash(0, 2)
    assert isinstance(settle(strip, lift(after(5), 1, 4), 5), Clash)


def test_moves_are_those_of_the_valley_with_fewest() -> None:
    rows = [(Interval(0, 3), 2), (Interval(0, 0), 1), (Interval(1, 1), 3), (Interval(2, 3), 1)]
    intervals, sizes = zip(*rows, strict=True)
    strip = make_strip(intervals, sizes)
    by_number = {block: at for at, block in enumerate(strip.blocks)}
    state = place(strip, empty(strip, 5), by_number[2], 0)
    settled = settle(strip, state, 5)
    assert isinstance(settled, Settled)
    moments = len(strip.load)
    at = moves(strip, settled, Part(0, moments), 5, np.ones(moments), [0.0] * len(rows))
    assert at
    for move in at:
        assert move.block is None or move.offset == 0
        assert move.block != by_number[0]


def test_what_cannot_fit_is_not_found() -> None:
    strip = make_strip([Interval(0, 3), Interval(0, 1), Interval(2, 3)], [3, 3, 3])
    assert fill(strip, 5, 1_000, 0).offsets is None
    assert fit_exactly(strip, 5, 1.0) is None
    assert fit_exactly(strip, 2, 1.0) is None
    found = fit_exactly(strip, 6, 1.0)
    assert found is not None
    assert height([(Interval(0, 3), 3), (Interval(0, 1), 3), (Interval(2, 3), 3)], found) == 6


def chained(rows: Rows) -> Problem:
    """A step for each moment, kept in order by a state of one byte; a buffer for each row."""
    steps = tuple(
        Step(
            f"s{at}",
            reads=(*(f"b{i}" for i, (r, _) in enumerate(rows) if r.first < at == r.last), "clock"),
            writes=(*(f"b{i}" for i, (r, _) in enumerate(rows) if r.first == at), "clock"),
        )
        for at in range(11)
    )
    buffers = (
        *(Buffer(f"b{i}", size, 1) for i, (_, size) in enumerate(rows)),
        Buffer("clock", 1, 1),
    )
    return Problem(buffers, steps, persistent=("clock",))


def stacked(core: Core) -> Placement:
    ends = np.cumsum([0, *(block.size_bytes for block in core.blocks)]).tolist()
    return make_placement(core, range(len(core.predecessors)), ends[:-1], 0)


@DRAWN
@given(rows_of(10))
def test_repacking_is_valid_and_never_worse(rows: Rows) -> None:
    problem = chained(rows)
    core = reduce_problem(problem)
    start = stacked(core)
    found = repack(core, start, 0.05)
    check(problem, make_solution(problem, core, found))
    assert found.arena_bytes <= start.arena_bytes
    assert repack(core, start, 0) == start
    assert found == repack(core, start, 0.05)
    assert found.arena_bytes >= solve(problem, 0).lower_bound_bytes
