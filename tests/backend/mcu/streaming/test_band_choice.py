# SPDX-License-Identifier: MIT
"""Bands are chosen where strips are what needs the memory, shown, and within the bound."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.choice.objective import Objective
from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.backend.mcu.planning.chains import chains_by_rows
from milliwatt.backend.mcu.streaming.band_segments import COUNTS
from milliwatt.backend.mcu.streaming.banded import make_banded, with_banded
from milliwatt.backend.mcu.streaming.bands import make_bands
from milliwatt.backend.mcu.streaming.build import make_stream
from milliwatt.backend.mcu.streaming.columns import column_chain
from milliwatt.backend.mcu.streaming.segments import find_alive, paces, stream_ranges
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import TensorType
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D
from milliwatt.report.frontier import Frontier, FrontierPoint, frontier_table
from milliwatt.report.remarks import remarks
from tests.backend.mcu.batch import run_on_host
from tests.backend.mcu.streaming.networks import RandomCnn, random_cnn
from tests.backend.mcu.streaming.test_bound import chooser_of
from tests.backend.mcu.streaming.test_goals import counted
from tests.backend.mcu.streaming.test_random_cnns import assert_equal, samples_of
from tests.support import needs_arm_gcc, needs_gcc

BOARD = "nucleo-l4r5zi"
SRAM = Objective(sram=1.0)


def wide_strips() -> Graph:
    """One channel of 24 columns, then 32 channels down to 3 columns: strips are almost all."""
    net = RandomCnn(7)
    x = net.add_value(TensorType((1, 24, 24, 1), net.dtype, net.quant()))
    net.inputs.append(x)
    around, after = Padding(1, 1, 1, 1), Padding(0, 1, 0, 1)
    x = net.filtered(Conv2D((1, 1), (1, 1), around, Activation.RELU), x, (32, 3, 3, 1), 0)
    for pads in (after, after, after):
        op = DepthwiseConv2D((2, 2), (1, 1), pads, Activation.RELU)
        x = net.filtered(op, x, (1, 3, 3, 32), 3)
        x = net.filtered(Conv2D((1, 1), (1, 1), Padding(), Activation.RELU), x, (32, 1, 1, 32), 0)
    x = net.one(AveragePool2D((3, 3), (1, 1), Padding(), Activation.NONE), x, quant=False)
    return Graph(
        name="strips",
        nodes=tuple(net.nodes),
        types=net.types,
        constants=net.constants,
        inputs=tuple(net.inputs),
        outputs=(x,),
    )


def bands_of(compiled: Compiled) -> list[int]:
    return [chain.bands for chain in chains_by_rows(compiled.plan)]


def least_of_whole_rows(graph: Graph) -> int:
    """The smallest arena of any one stream whose strips are as wide as its maps."""
    chooser = chooser_of(graph)
    layers, kernels = chooser.layers, chooser.builder.variants[0].kernels
    arenas = [chooser.without_streams().arena_bytes]
    for nodes in stream_ranges(graph, find_alive(graph, layers.arena), fed=False):
        for pace in paces(graph, nodes):
            stream = make_stream(graph, nodes, pace, kernels)
            if stream is not None:
                arenas.append(chooser.arena_of((graph, layers.lowerings, (stream,))))
    return min(arenas)


def test_bands_where_strips_need_most() -> None:
    graph, board = wide_strips(), load_target(BOARD)
    smallest = compile_graph(graph, board, objective=SRAM)
    assert bands_of(smallest) == [4]
    assert smallest.plan.static_bytes < 0.9 * least_of_whole_rows(graph)
    assert smallest.plan.static_bytes == smallest.plan.static_bound_bytes
    assert bands_of(compile_graph(graph, board, sram_bytes=2500)) == [2]
    assert bands_of(compile_graph(graph, board, sram_bytes=5000)) == [1]


def test_none_where_rows_are_pushed() -> None:
    """Pushed rows come whole."""
    compiled = compile_graph(wide_strips(), load_target(BOARD), objective=SRAM, push_rows=True)
    assert bands_of(compiled) == [1]


@needs_gcc
def test_chosen_bands_compute_what_the_reference_does(tmp_path: Path) -> None:
    graph, board = wide_strips(), load_target(BOARD)
    batch = [compile_graph(graph, board, objective=SRAM)]
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_host(batch, samples, tmp_path))


def test_what_is_computed_again_is_said() -> None:
    graph = wide_strips()
    compiled = compile_graph(graph, load_target(BOARD), sram_bytes=2500)
    (chain,) = chains_by_rows(compiled.plan)
    assert chain.more_macs == compiled.plan.macs - graph.macs() == 15_744
    assert remarks(compiled)[0] == (
        f"by rows in 2 bands: 'n0' to 'n2' (3 layers), 1 row in 4 turns, "
        f"{chain.memory_bytes:,} B, 15,744 multiply-accumulates more (6.3%)"
    )
    point = FrontierPoint(2401, 2401, 100, 1000, None, (chain,), {})
    table = frontier_table(
        Frontier("strips", BOARD, push_rows=False, points=(point,), lower_bound_bytes=1)
    )
    assert "3 from 'n0' (1/4, 2 bands)" in table.columns[0].cells


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_no_bands_are_below_the_bound(seed: int) -> None:
    """Every chain at every pace in every number of bands, all other layers alone."""
    chooser = chooser_of(random_cnn(seed, layers=3))
    bound, layers = chooser.bound_bytes(), chooser.layers
    graph, kernels = layers.graph, chooser.builder.variants[0].kernels
    for nodes in stream_ranges(graph, find_alive(graph, layers.arena), fed=False):
        columns = column_chain(graph, nodes)
        for count, pace in product(COUNTS if columns else (), paces(graph, nodes)):
            assert columns is not None
            bands = make_bands(graph, columns, count)
            banded = None if bands is None else make_banded(graph, bands, pace, kernels)
            if banded is not None:
                placed = with_banded((graph, layers.lowerings, ()), layers.core, banded)
                assert chooser.arena_of(placed) >= bound


@pytest.mark.slow
@needs_arm_gcc
@pytest.mark.emulator
def test_micronet_ad_l(shared: Path) -> None:
    """Its strips are 95 % of what streams of whole rows need: 77,024 bytes."""
    graph = load_model(shared / "models/micronets/micronet_ad_l_int8.tflite")
    board = load_target(BOARD)
    _, fastest = counted(compile_graph(graph, board))
    used, instructions = counted(compile_graph(graph, board, sram_bytes=61_000))
    assert used <= 61_000
    assert instructions <= 1.35 * fastest
    used, instructions = counted(compile_graph(graph, board, objective=SRAM))
    assert used <= 44_000
    assert instructions <= 1.9 * fastest
