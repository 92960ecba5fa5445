# SPDX-License-Identifier: MIT
"""What the planner chooses fits, costs no more than it must, and is refused where nothing fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.choice.objective import SPEED, Objective
from milliwatt.backend.mcu.compile import STACK_ROOM_BYTES, compile_graph
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.planning.place import frontier_bytes, make_plan
from milliwatt.backend.mcu.streaming.rows import Rows
from milliwatt.errors import FitError, OptionError
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.shape import Reshape
from tests.backend.mcu.streaming.networks import chain, random_cnn

DSP = Core(dsp=True)


@given(st.integers(0, 200), st.floats(0.3, 1.1))
@settings(max_examples=25)
def test_plans_fit_or_are_the_smallest(seed: int, part: float) -> None:
    graph = random_cnn(seed)
    whole = make_plan(graph, DSP, "net")
    limit = int(whole.static_bytes * part)
    plan = make_plan(graph, DSP, "net", sram_bytes=limit)
    smallest = make_plan(graph, DSP, "net", sram_bytes=0)
    assert smallest.static_bytes <= plan.static_bytes <= whole.static_bytes
    assert plan.static_bytes <= limit or plan.static_bytes == smallest.static_bytes
    kernels = [step.kernel for step in plan.steps]
    unchanged = not plan.streams and kernels == [step.kernel for step in whole.steps]
    assert unchanged == (plan.arena_bytes == whole.arena_bytes)
    covered = [i for placed in plan.streams for i in placed.stream.nodes]
    assert len(covered) == len(set(covered))
    assert [step.index for step in plan.steps] == list(range(len(plan.steps)))


@given(st.integers(0, 200))
@settings(max_examples=15)
def test_pushed_inputs_are_never_whole(seed: int) -> None:
    graph = random_cnn(seed)
    plan = make_plan(graph, DSP, "net", push_rows=True)
    assert plan.fed
    assert plan.streams[0].stream.source == graph.inputs[0]
    assert graph.inputs[0] not in {buffer.name for buffer in plan.memory.buffers}


def test_a_network_without_layers_has_no_streams() -> None:
    kind = TensorType((1, 4), DType.INT8, Quant.per_tensor(1.0, 0))
    graph = Graph("nothing", (), {"x": kind}, {}, ("x",), ("x",))
    whole = make_plan(graph, DSP, "net").static_bytes
    assert make_plan(graph, DSP, "net", sram_bytes=0).static_bytes == whole
    assert frontier_bytes(graph, DSP, 3)[0] == [whole]


def test_frontier_sizes_fall_and_can_be_had() -> None:
    sizes, bound = frontier_bytes(chain(), DSP, 4)
    assert sizes == sorted(set(sizes), reverse=True)
    assert [make_plan(chain(), DSP, "net", sram_bytes=s).static_bytes for s in sizes] == sizes
    assert bound <= sizes[-1]


@pytest.mark.parametrize("objective", [Objective(flash=1.0), Objective(speed=1.0, flash=0.5)])
def test_an_objective_gives_way_to_the_limit(objective: Objective) -> None:
    smallest = make_plan(chain(), DSP, "net", sram_bytes=0).static_bytes
    plan = make_plan(chain(), DSP, "net", objective=objective, sram_bytes=smallest)
    assert plan.static_bytes <= smallest


def test_what_does_not_fit_says_what_would() -> None:
    board = load_target("nucleo-l4r5zi")
    with pytest.raises(FitError, match=r"does not fit 100 B of SRAM:\n.*smallest .* needs"):
        compile_graph(chain(), board, sram_bytes=100)


def test_a_board_with_too_little_sram_for_whole_layers() -> None:
    board = load_target("nucleo-l4r5zi")
    whole = compile_graph(chain(), board)
    assert not whole.plan.streams
    room = STACK_ROOM_BYTES + whole.plan.static_bytes - 1
    data = next(region for region in board.memories if "data" in region.holds)
    others = (region for region in board.memories if "data" not in region.holds)
    small = replace(board, memories=(*others, replace(data, bytes=room)))
    assert small.sram_bytes == room
    by_rows = compile_graph(chain(), small)
    assert by_rows.plan.streams
    assert by_rows.plan.static_bytes < whole.plan.static_bytes


def test_rows_of_a_vector_cannot_be_pushed() -> None:
    kind = TensorType((1, 4), DType.INT8, Quant.per_tensor(1.0, 0))
    other = TensorType((2, 2), DType.INT8, Quant.per_tensor(1.0, 0))
    node = Node("reshape", Reshape((2, 2)), ("x",), ("y",))
    graph = Graph("vector", (node,), {"x": kind, "y": other}, {}, ("x",), ("y",))
    with pytest.raises(OptionError, match="'reshape' \\(Reshape\\) does not work by rows"):
        make_plan(graph, DSP, "net", push_rows=True)


@given(
    st.integers(1, 6),
    st.integers(0, 20),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(-9, 9),
    st.integers(-20, 20),
)
def test_shifted_rows(
    step: int, phase: int, period: int, scale: int, offset: int, turns: int
) -> None:
    rows = Rows(step, phase % period, period, scale, offset, 30)
    shifted = rows.shifted(turns)
    assert 0 <= shifted.phase < period
    assert [shifted.at(t) for t in range(9)] == [rows.at(t + turns) for t in range(9)]
    assert np.array_equal(shifted.over(range(9)), [shifted.at(t) for t in range(9)])
    first = rows.first_turn()
    assert rows.at(first) > 0
    assert rows.at(first - 1) == 0


SRAM = Objective(sram=1.0)


@given(st.integers(0, 400))
@settings(max_examples=25)
def test_for_sram_the_arena_is_the_smallest_that_a_limit_finds(seed: int) -> None:
    graph = random_cnn(seed)
    smallest = make_plan(graph, DSP, "net", objective=SRAM).static_bytes
    assert make_plan(graph, DSP, "net", sram_bytes=0).static_bytes == smallest
    assert make_plan(graph, DSP, "net", objective=SRAM, sram_bytes=0).static_bytes == smallest
    sizes, bound = frontier_bytes(graph, DSP, 2)
    assert sizes[-1] == smallest
    assert bound <= smallest


@given(st.integers(0, 400), st.floats(0.01, 30.0))
@settings(max_examples=25)
def test_a_mix_lies_between_its_extremes(seed: int, weight: float) -> None:
    graph = random_cnn(seed)
    whole, mixed, smallest = (
        make_plan(graph, DSP, "net", objective=objective).static_bytes
        for objective in (SPEED, Objective(speed=1.0, sram=weight), SRAM)
    )
    assert smallest <= mixed <= whole


@given(st.integers(0, 200))
@settings(max_examples=15)
def test_rows_pushed_under_a_mix(seed: int) -> None:
    graph = random_cnn(seed)
    mix = Objective(speed=1.0, sram=0.1)
    mixed = make_plan(graph, DSP, "net", objective=mix, push_rows=True)
    sizes, bound = frontier_bytes(graph, DSP, 2, push_rows=True)
    assert mixed.fed
    assert bound <= sizes[-1] <= mixed.static_bytes


def test_a_mix_that_weighs_sram_computes_layers_by_rows() -> None:
    sizes = [
        make_plan(chain(), DSP, "net", objective=Objective(speed=1.0, sram=sram)).static_bytes
        for sram in (0.0001, 0.1, 1.0, 1000.0)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == make_plan(chain(), DSP, "net").static_bytes
    assert sizes[-1] == make_plan(chain(), DSP, "net", objective=SRAM).static_bytes


def test_what_does_not_fit_for_sram_names_the_same_smallest() -> None:
    board = load_target("nucleo-l4r5zi")
    least = compile_graph(chain(), board, objective=SRAM).plan.static_bytes
    for objective in (SPEED, SRAM, Objective(speed=1.0, sram=0.1)):
        with pytest.raises(FitError, match=f"smallest .* needs {least:,} B"):
            compile_graph(chain(), board, objective=objective, sram_bytes=least - 1)
        fits = compile_graph(chain(), board, objective=objective, sram_bytes=least)
        assert fits.plan.static_bytes == least
