# SPDX-License-Identifier: MIT
"""Whatever SRAM alone finds fits any objective under that limit; more memory costs no more work."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.choice.choose import lower_graph
from milliwatt.backend.mcu.choice.objective import SPEED, SRAM, Objective, parse_objective
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.planning.budget import stream_chooser
from milliwatt.backend.mcu.planning.place import make_plan
from milliwatt.backend.mcu.streaming.choose import StreamChooser
from milliwatt.backend.mcu.values.states import separate_outputs
from milliwatt.ir.graph import Graph
from tests.backend.mcu.streaming.networks import chain, random_cnn

DSP, PORTABLE = Core(dsp=True), Core()
FLASH, MIX = Objective(flash=1.0), parse_objective("speed=1,sram=0.5")


def limits(smallest: int, whole: int) -> list[int]:
    return sorted({smallest, smallest + 1, smallest + 17, (smallest + whole) // 2})


@given(
    st.integers(0, 10_000),
    st.sampled_from([DSP, PORTABLE]),
    st.sampled_from([SPEED, FLASH, MIX]),
    st.booleans(),
)
@example(22, DSP, FLASH, True)
@settings(max_examples=12)
def test_what_sram_alone_finds_fits(
    seed: int, core: Core, objective: Objective, push_rows: bool
) -> None:
    graph = random_cnn(seed, layers=12 if seed == 22 else 6)
    whole = make_plan(graph, core, "net").static_bytes
    smallest = make_plan(graph, core, "net", objective=SRAM, push_rows=push_rows).static_bytes
    for limit in limits(smallest, whole):
        plan = make_plan(
            graph, core, "net", objective=objective, sram_bytes=limit, push_rows=push_rows
        )
        assert plan.static_bytes <= limit or smallest > limit


def chooser(graph: Graph, core: Core) -> StreamChooser:
    graph = separate_outputs(graph)
    lowerings = lower_graph(graph, core, SPEED, {})
    return stream_chooser(graph, core, lowerings, SPEED, push_rows=False)


@given(st.integers(0, 10_000), st.sampled_from([DSP, PORTABLE]))
@settings(max_examples=15)
def test_more_memory_never_costs_more_work(seed: int, core: Core) -> None:
    graph = random_cnn(seed)
    smallest = chooser(graph, core).smallest()
    whole = chooser(graph, core).without_streams().arena_bytes
    found = [chooser(graph, core).choose(n) for n in limits(smallest.arena_bytes, whole)]
    costs = [choice.cost for choice in found if choice is not None]
    assert len(costs) == len(found)
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == smallest.cost


@pytest.mark.parametrize("asked", [0.0, 0.4, 0.8])
def test_what_is_found_does_not_depend_on_what_was_asked_before(asked: float) -> None:
    fresh, used = chooser(chain(), DSP), chooser(chain(), DSP)
    used.choose(int(asked * used.without_streams().arena_bytes))
    one, other = fresh.smallest(), used.smallest()
    assert (one.arena_bytes, one.cost) == (other.arena_bytes, other.cost)
    assert [s.nodes for s in one.streams] == [s.nodes for s in other.streams]
