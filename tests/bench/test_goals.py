# SPDX-License-Identifier: MIT
"""When a goal is met."""

from bench.goals import goals_of, headline_goals
from tests.bench.fakes import figures, peer, suite


def _met(row, other, model) -> dict[str, bool]:
    return {goal.figure: goal.met for goal in goals_of(row, other, model)}


def test_equal_is_met_and_one_more_is_not() -> None:
    model = suite().models[0]
    other = peer(instructions=1250, flash_bytes=1000, arena_bytes=100)
    assert all(_met(figures(arena_bytes=100), other, model).values())
    worse = {
        "instructions": {"instructions": 1251},
        "flash": {"image_bytes": 1001},
        "SRAM": {"sram_bytes": 101},
        "arena": {"arena_bytes": 101},
    }
    for figure, change in worse.items():
        met = _met(figures(**({"arena_bytes": 100} | change)), other, model)
        assert [name for name, is_met in met.items() if not is_met] == [figure]


def test_flash_counts_the_whole_image() -> None:
    (flash,) = [g for g in goals_of(figures(), peer(), suite().models[0]) if g.figure == "flash"]
    assert (flash.ours, flash.limit, flash.ratio) == (1000, 2000, 0.5)


def test_no_goal_without_a_limit() -> None:
    row = figures("two")
    bare = peer("two", flash_bytes=None, arena_bytes=None)
    assert set(_met(row, bare, suite().models[1])) == {"instructions"}


def test_the_headline_is_held_against_its_first_peer_on_its_core() -> None:
    rows = [figures("one"), figures("two"), figures("one", group="more", instructions=9)]
    peers = [
        peer("one", instructions=2000),
        peer("one", peer="tflm-cmsis", flags="default", instructions=1),
        peer("two", core="cortex-m7"),
    ]
    goals = headline_goals(suite().headline, rows, peers)
    assert {goal.model for goal in goals} == {"one"}
    assert [(g.ours, g.limit) for g in goals if g.figure == "instructions"] == [(1250, 2000)]
