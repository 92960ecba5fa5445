# SPDX-License-Identifier: MIT
"""Problems cut from a full rectangle, whose optimum is known by how they were made."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.memory.__main__ import FIRST_SEED, SIZES
from bench.memory.fresh import Draw, Result, draws, summary
from bench.memory.instances import (
    CROWDED,
    DENSE,
    GRANULE_BYTES,
    PEAKED,
    Family,
    Instance,
    make_instance,
    make_random,
)
from bench.memory.published import read_published
from milliwatt.backend.mcu.memory import check, solve, to_text


def _held_out() -> list[Draw]:
    """Those of `dense` and `random`: with fewer than 400 buffers they leave little to chance."""
    return [
        draw
        for draw in draws()
        if draw.held_out and draw.family in ("dense", "random") and draw.buffers < 400
    ]


@pytest.mark.parametrize(("seed", "buffers"), [(1, 70), (2, 90), (3, 120), (FIRST_SEED + 2, 200)])
def test_the_optimum_is_found(seed: int, buffers: int) -> None:
    instance = make_instance(seed, buffers)
    solution = solve(instance.problem)
    check(instance.problem, solution)
    assert solution.lower_bound_bytes <= instance.optimum_bytes
    assert solution.arena_bytes == instance.optimum_bytes


@pytest.mark.slow
@pytest.mark.parametrize("at", range(len(SIZES)))
def test_instances_of_the_benchmark_are_within_two_percent(at: int) -> None:
    instance = make_instance(FIRST_SEED + at, SIZES[at])
    solution = solve(instance.problem, effort=5)
    check(instance.problem, solution)
    assert instance.optimum_bytes <= solution.arena_bytes <= 1.02 * instance.optimum_bytes


@pytest.mark.slow
@pytest.mark.parametrize("draw", _held_out(), ids=lambda draw: f"{draw.family}-{draw.seed}")
def test_held_out_instances_of_up_to_350_buffers_reach_the_optimum(draw: Draw) -> None:
    instance = draw.make()
    solution = solve(instance.problem, effort=5)
    check(instance.problem, solution)
    assert solution.arena_bytes == instance.optimum_bytes


def test_more_effort_is_never_worse_and_none_is_valid() -> None:
    instance = make_instance(FIRST_SEED, 150)
    arenas: list[int] = []
    for effort in (0.0, 0.05, 0.2):
        solution = solve(instance.problem, effort)
        check(instance.problem, solution)
        assert solution.arena_bytes >= solution.lower_bound_bytes
        arenas.append(solution.arena_bytes)
    assert arenas[0] >= max(arenas[1:])


def test_equal_efforts_give_equal_solutions() -> None:
    problem = make_instance(FIRST_SEED, 150).problem
    assert solve(problem, 0.1) == solve(problem, 0.1)


def test_instances_repeat() -> None:
    first, again = make_instance(3, 60), make_instance(3, 60)
    assert to_text(first.problem) == to_text(again.problem)
    assert to_text(first.problem) != to_text(make_instance(4, 60).problem)
    assert to_text(make_random(3, 60).problem) == to_text(make_random(3, 60).problem)
    assert to_text(make_random(3, 60).problem) != to_text(make_random(4, 60).problem)


def most_live_bytes(instance: Instance) -> int:
    problem = instance.problem
    sizes = {buffer.name: buffer.size_bytes for buffer in problem.buffers}
    live: set[str] = set()
    most = 0
    for step in problem.steps:
        live |= set(step.writes)
        most = max(most, sum(sizes[name] for name in live))
        dying = set(step.reads) - {"clock"}
        born_and_gone = {n for n in step.writes if not any(n in s.reads for s in problem.steps)}
        live -= dying | (born_and_gone - {"clock"})
    return most


@pytest.mark.parametrize("family", [DENSE, CROWDED, PEAKED])
def test_an_instance_is_full_at_some_moment(family: Family) -> None:
    instance = make_instance(5, 80, family)
    assert most_live_bytes(instance) == instance.optimum_bytes


def test_of_random_instances_the_bound_is_known() -> None:
    instance = make_random(5, 80)
    assert most_live_bytes(instance) == instance.optimum_bytes
    solution = solve(instance.problem)
    check(instance.problem, solution)
    assert solution.lower_bound_bytes == instance.optimum_bytes


def test_no_seed_is_both_held_out_and_developed_on() -> None:
    seeds = {held_out: set[tuple[str, int]]() for held_out in (False, True)}
    for draw in draws():
        seeds[draw.held_out].add((draw.family, draw.seed))
    assert not seeds[False] & seeds[True]
    assert sum(map(len, seeds.values())) >= 40


def test_the_summary_counts_by_set_and_names_what_misses() -> None:
    some = [next(iter(draws()))] * 3
    overs, seconds = (0.0, 0.02, 0.1), (1.0, 2.0, 3.0)
    results = [Result(*row) for row in zip(some, overs, seconds, strict=True)]
    text = summary(results, 1.02, 30)
    assert "| dense, developed on | 3 | 2 | 1 | +10.0% | 2.0 s | 3 s |" in text
    assert text.endswith("Not within: 150 buffers of dense seed 3000 (+10.0%, 3 s).")
    assert summary(results[:1], 1.02, 30).endswith("Not within: none.")


def test_published_files_are_read_as_lifetimes_and_sizes(tmp_path: Path) -> None:
    lines = ["buffer,start,end,size", "0,0,30,2048", "1,10,20,1024", "2,20,40,3072"]
    (tmp_path / "X.5120.csv").write_text("\n".join(lines))
    (instance,) = read_published(tmp_path)
    assert (instance.name, instance.optimum_bytes) == ("X", 5120 + GRANULE_BYTES)
    solution = solve(instance.problem)
    check(instance.problem, solution)
    assert solution.arena_bytes == instance.optimum_bytes


def test_published_sizes_must_be_whole_granules(tmp_path: Path) -> None:
    (tmp_path / "X.5120.csv").write_text("buffer,start,end,size\n0,0,30,100\n")
    with pytest.raises(ValueError, match="100 is no multiple of 1024"):
        read_published(tmp_path)
