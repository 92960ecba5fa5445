# SPDX-License-Identifier: MIT
"""When a goal is met."""

from bench.goals import core_goals, goals_of, headline_goals
from tests.bench.fakes import figures, peer, suite, tables


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
    rows = [figures("one"), figures("two"), figures("one", group="m55-gcc", instructions=9)]
    peers = [
        peer("one", instructions=2000),
        peer("one", peer="tflm-cmsis", flags="default", instructions=1),
        peer("two", core="cortex-m7"),
    ]
    goals = headline_goals(suite().headline, rows, peers)
    assert {goal.model for goal in goals} == {"one"}
    assert [(g.ours, g.limit) for g in goals if g.figure == "instructions"] == [(1250, 2000)]


def test_other_cores_are_held_against_the_best_build_there() -> None:
    (goal,) = core_goals(suite(), tables().figures, tables().peers)
    # 100 instructions beside zig's 125; the goal of the Cortex-M55 is 0.75.
    assert (goal.core, goal.model, goal.ratio, goal.limit) == ("Cortex-M55", "one", 0.8, 0.75)
    assert not goal.met
    faster = [figures("one", "m55-gcc", core="cortex-m55", instructions=93)]
    assert core_goals(suite(), faster, tables().peers)[0].met


def test_a_core_without_a_goal_of_its_own_has_the_headlines_ratio() -> None:
    rows = [figures("one", "m55-gcc", core="cortex-m7", instructions=100)]
    peers = [peer("one"), peer("one", core="cortex-m7", flags="O3", instructions=200)]
    (goal,) = core_goals(suite(), rows, peers)
    # 1,250 of 2,500 on the headline's core.
    assert (goal.ratio, goal.limit, goal.met) == (0.5, 0.5, True)


def test_an_interpreter_that_calls_cmsis_nn_counts_and_other_kernels_do_not() -> None:
    rows = [figures("one", "m55-gcc", core="cortex-m55", instructions=90)]
    peers = [
        peer("one", core="cortex-m55", peer="tflm-cmsis", flags="default", instructions=100),
        peer("one", core="cortex-m55", peer="tflm-ref", flags="O3", instructions=50),
    ]
    (goal,) = core_goals(suite(), rows, peers)
    assert (goal.ratio, goal.met) == (0.9, False)


def test_other_cores_are_shown_without_a_goal() -> None:
    rows = [figures("one", "m55-gcc", core="cortex-m3", instructions=300)]
    (goal,) = core_goals(suite(), rows, [peer("one", core="cortex-m3", instructions=200)])
    assert (goal.limit, goal.text, goal.met) == (None, "no goal", True)
