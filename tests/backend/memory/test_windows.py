# SPDX-License-Identifier: MIT
"""What is said of every packing of a strip, against all packings of small ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import given, settings

from bench.memory.instances import make_instance
from milliwatt.backend.mcu.memory import Interval
from milliwatt.backend.mcu.memory.contract import contract
from milliwatt.backend.mcu.memory.fill import fill
from milliwatt.backend.mcu.memory.liveness import block_intervals
from milliwatt.backend.mcu.memory.reduce import reduce_problem
from milliwatt.backend.mcu.memory.strip import Strip, make_strip
from milliwatt.backend.mcu.memory.tight import fit_exactly
from milliwatt.backend.mcu.memory.windows import find_windows, with_windows
from tests.backend.memory.test_repack import DRAWN, Rows, height, is_packing, optimum, rows_of


def strip_of(rows: Rows) -> Strip:
    intervals, sizes = zip(*rows, strict=True)
    return make_strip(intervals, sizes)


def packings(rows: Rows, capacity: int) -> Iterator[list[int]]:
    ranges = [range(capacity - size + 1) for _, size in rows]
    return (list(at) for at in product(*ranges) if is_packing(rows, list(at)))


@settings(DRAWN, max_examples=60)
@given(rows_of(5))
def test_windows_hold_in_every_packing(rows: Rows) -> None:
    strip, capacity = strip_of(rows), optimum(rows)
    windows = find_windows(strip, capacity)
    for offsets in packings(rows, capacity):
        for pair, room in windows.items():
            one, two = (strip.blocks[at] for at in pair)
            ends = (offsets[one] + rows[one][1], offsets[two] + rows[two][1])
            assert max(ends) - min(offsets[one], offsets[two]) <= room


@DRAWN
@given(rows_of(6))
def test_joined_blocks_still_fit_and_are_a_packing(rows: Rows) -> None:
    best = optimum(rows)
    contracted = contract(strip_of(rows), best)
    for offsets in (
        fill(contracted.strip, best, 2_000, 0).offsets,
        fit_exactly(contracted.strip, best, 1.0),
    ):
        assert offsets is not None
        spread = contracted.spread(offsets)
        assert is_packing(rows, spread)
        assert height(rows, spread) == best


def test_what_replaces_a_block_in_a_full_strip_lies_where_that_did() -> None:
    rows = [(Interval(0, 1), 3), (Interval(2, 3), 3), (Interval(0, 3), 4)]
    strip = strip_of(rows)
    by_number = {block: at for at, block in enumerate(strip.blocks)}
    pair = tuple(sorted((by_number[0], by_number[1])))
    assert find_windows(strip, 7)[pair] == 3
    assert len(contract(strip, 7).strip.blocks) == 2
    assert len(contract(strip, 8).strip.blocks) == 3


def test_blocks_that_one_replaces_become_one() -> None:
    rows = [
        (Interval(0, 1), 2),
        (Interval(0, 1), 3),
        (Interval(2, 3), 5),
        (Interval(0, 3), 4),
    ]
    contracted = contract(strip_of(rows), 9)
    parts = {tuple(sorted(block for block, _ in parts)) for parts in contracted.parts}
    assert parts == {(0, 1, 2), (3,)}


def test_a_loose_strip_has_no_windows() -> None:
    strip = strip_of([(Interval(0, 1), 3), (Interval(2, 3), 3), (Interval(0, 3), 4)])
    assert find_windows(strip, 10) == {}
    assert with_windows(strip, {}) == strip


def test_a_full_instance_is_made_smaller_before_it_is_searched() -> None:
    instance = make_instance(3001, 200)
    core = reduce_problem(instance.problem)
    intervals = block_intervals(core, range(len(core.predecessors)))
    strip = make_strip(intervals, [block.size_bytes // 1024 for block in core.blocks])
    contracted = contract(strip, int(strip.load.max()))
    assert len(contracted.strip.blocks) < 0.75 * len(strip.blocks)
    assert fill(contracted.strip, int(strip.load.max()), 1_000, 1).offsets is not None
