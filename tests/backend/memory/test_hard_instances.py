# SPDX-License-Identifier: MIT
"""Problems cut from a full rectangle, whose optimum is known by how they were made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.memory.instances import make_instance
from milliwatt.backend.mcu.memory import check, solve, to_text
from milliwatt.backend.mcu.memory.eject import shrink
from milliwatt.backend.mcu.memory.skyline import Strip, fill
from milliwatt.backend.mcu.memory.tight import fit_exactly


@pytest.mark.parametrize(("seed", "buffers"), [(1, 70), (2, 90)])
def test_the_solver_is_near_the_optimum(seed: int, buffers: int) -> None:
    instance = make_instance(seed, buffers)
    solution = solve(instance.problem)
    check(instance.problem, solution)
    assert solution.lower_bound_bytes <= instance.optimum_bytes
    assert instance.optimum_bytes <= solution.arena_bytes <= 1.02 * instance.optimum_bytes


def test_instances_repeat() -> None:
    first, again = make_instance(3, 60), make_instance(3, 60)
    assert to_text(first.problem) == to_text(again.problem)
    assert to_text(first.problem) != to_text(make_instance(4, 60).problem)


def test_an_instance_is_full_at_some_moment() -> None:
    problem = make_instance(5, 80).problem
    sizes = {buffer.name: buffer.size_bytes for buffer in problem.buffers}
    live: set[str] = set()
    most = 0
    for step in problem.steps:
        live |= set(step.writes)
        most = max(most, sum(sizes[name] for name in live))
        dying = set(step.reads) - {"clock"}
        born_and_gone = {n for n in step.writes if not any(n in s.reads for s in problem.steps)}
        live -= dying | (born_and_gone - {"clock"})
    assert most == make_instance(5, 80).optimum_bytes


strips = st.integers(1, 12).flatmap(
    lambda count: st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(1, 6)),
        min_size=count,
        max_size=count,
    )
)


def strip_of(rows: list[tuple[int, int, int]]) -> Strip:
    live = np.zeros((len(rows), 10), np.bool_)
    for at, (first, length, _) in enumerate(rows):
        live[at, first : first + length] = True
    return Strip(live, np.array([size for *_, size in rows], np.int64))


def overlaps(strip: Strip, offsets: list[int]) -> bool:
    for one in range(len(offsets)):
        for two in range(one):
            together = (strip.live[one] & strip.live[two]).any()
            low, high = sorted((one, two), key=lambda at: offsets[at])
            if together and offsets[high] < offsets[low] + strip.sizes[low]:
                return True
    return False


@given(strips)
def test_every_search_places_all_blocks_apart(rows: list[tuple[int, int, int]]) -> None:
    strip = strip_of(rows)
    loose = int(strip.sizes.sum())
    bound = int(strip.load.max())
    stacked = (np.cumsum(strip.sizes) - strip.sizes).tolist()
    shrunk = shrink(strip, stacked, bound, 1, 200)
    assert not overlaps(strip, shrunk)
    assert max(o + s for o, s in zip(shrunk, strip.sizes, strict=True)) <= loose
    for capacity in (bound, loose):
        found = fill(strip, capacity, 2_000)
        assert found is not None or capacity == bound
        if found is not None:
            assert not overlaps(strip, found)
            assert max(o + s for o, s in zip(found, strip.sizes, strict=True)) <= capacity


def test_what_cannot_fit_is_not_found() -> None:
    strip = strip_of([(0, 4, 3), (0, 2, 3), (2, 2, 3)])
    assert fill(strip, 5, 1_000) is None
    assert fit_exactly(strip, 5, 1, 1.0) is None
    assert fit_exactly(strip, 2, 1, 1.0) is None
    found = fit_exactly(strip, 6, 1, 1.0)
    assert found is not None
    assert not overlaps(strip, found)
