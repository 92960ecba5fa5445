# SPDX-License-Identifier: MIT
"""Chains cut across their columns compute what whole layers do, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.compile import Compiled, core_of
from milliwatt.backend.mcu.streaming.band_segments import COUNTS
from milliwatt.backend.mcu.streaming.bands import Bands, make_bands, with_bands
from milliwatt.backend.mcu.streaming.check_bands import check_bands
from milliwatt.backend.mcu.streaming.columns import column_chain
from milliwatt.backend.mcu.streaming.rows import column_window_of, window_of
from milliwatt.backend.mcu.streaming.segments import find_alive, stream_ranges
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.interpret import run
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.shape import Concat, Slice
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.backend.mcu.batch import run_on_core, run_on_host
from tests.backend.mcu.streaming.forced import compiled_in_bands, random_banded
from tests.backend.mcu.streaming.networks import chain, random_cnn
from tests.backend.mcu.streaming.test_random_cnns import assert_equal, samples_of
from tests.support import needs_arm_gcc, needs_gcc, needs_qemu

BATCH = 10
DSP, PORTABLE, HELIUM = "nucleo-l4r5zi", "rp2040", "corstone-300"


def all_bands(graph: Graph) -> list[Bands]:
    """Every range of layers that works by columns, in every number of bands."""
    chains = (
        column_chain(graph, nodes)
        for nodes in stream_ranges(graph, find_alive(graph, frozenset(graph.types)), fed=False)
    )
    found = (make_bands(graph, c, count) for c in chains if c is not None for count in COUNTS)
    return [bands for bands in found if bands is not None]


def compile_batch(first: int, dtype: DType, board: str) -> list[Compiled]:
    core = core_of(load_target(board))
    found: list[Compiled] = []
    for seed in range(first, first + 8 * BATCH):
        graph = random_cnn(seed, dtype)
        banded = random_banded(graph, core, seed)
        if banded is not None:
            found.append(compiled_in_bands(graph, board, banded))
        if len(found) == BATCH:
            return found
    raise AssertionError(f"{len(found)} networks in bands")


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_the_reference_of_bands_is_that_of_whole_layers(seed: int) -> None:
    graph = random_cnn(seed)
    sample = random_samples(ports_of(graph), 1, seed)[0]
    expected = run(graph, sample).outputs
    for bands in all_bands(graph):
        check_bands(graph, bands)
        cut = with_bands(graph, bands)
        verify(cut)
        for got, wanted in zip(run(cut, sample).outputs, expected, strict=True):
            assert np.array_equal(got, wanted)


def test_chains_are_cut_in_many_ways() -> None:
    found = [bands for seed in range(60) for bands in all_bands(random_cnn(seed))]
    assert {len(bands.bands) for bands in found} == set(COUNTS)
    assert any(copies_within(bands) for bands in found)


def copies_within(bands: Bands) -> bool:
    """Whether columns of a value that a band made are copied, as where a branch needs fewer."""
    made = {one.node.outputs[0] for one in bands.nodes if not one.is_copy}
    return any(one.is_copy and one.node.inputs[0] in made for one in bands.nodes)


@needs_gcc
@pytest.mark.parametrize(
    ("dtype", "board"), [(DType.INT8, DSP), (DType.INT8, PORTABLE), (DType.INT16, DSP)]
)
def test_on_the_host_under_sanitizers(dtype: DType, board: str, tmp_path: Path) -> None:
    batch = compile_batch(0, dtype, board)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_host(batch, samples, tmp_path))


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("board", [DSP, PORTABLE])
def test_on_the_core(board: str, tmp_path: Path) -> None:
    batch = compile_batch(1000, DType.INT8, board)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_core(batch, samples, tmp_path))


@needs_arm_gcc
@needs_qemu
@pytest.mark.emulator
def test_with_helium() -> None:
    for compiled in compile_batch(3000, DType.INT8, HELIUM)[:5]:
        samples = random_samples(ports_of(compiled.source), 2, 0)
        verify_compiled(compiled, build_compiled(compiled), samples, emulator="qemu")


@pytest.mark.slow
@needs_gcc
@pytest.mark.parametrize("first", range(2000, 6000, 500))
def test_many_more(first: int, tmp_path: Path) -> None:
    for board in (DSP, PORTABLE):
        folder = tmp_path / board
        folder.mkdir()
        batch = compile_batch(first, DType.INT8, board)
        samples = samples_of(batch)
        assert_equal(batch, samples, run_on_host(batch, samples, folder))


def test_only_halos_are_computed_twice() -> None:
    """Three 3x3 layers of stride 1, 2 and 1 over 12 columns, in two bands of 3."""
    graph = chain()
    columns = column_chain(graph, range(3))
    assert columns is not None
    left, right = columns.bands(2)
    values = [graph.inputs[0], *(node.outputs[0] for node in graph.nodes[:3])]
    assert [left[v] for v in values] == [(0, 10), (0, 9), (0, 4), (0, 3)]
    assert [right[v] for v in values] == [(3, 12), (4, 12), (2, 6), (3, 6)]


def test_slices_of_columns_work_by_rows_and_joins_with_constants_do_not() -> None:
    kind = TensorType((1, 4, 6, 2), DType.INT8, Quant.per_tensor(1.0, 0))
    half = replace(kind, shape=(1, 4, 3, 2))
    columns = Node("columns", Slice((0, 0, 3, 0), half.shape, (1,) * 4), ("x",), ("y",))
    rows = Node("rows", Slice((0, 2, 0, 0), (1, 2, 6, 2), (1,) * 4), ("x",), ("y",))
    join = Node("join", Concat(3), ("x", "c"), ("y",))
    constant = {"c": np.zeros(kind.shape, np.int8)}
    for node, made, expected in (
        (columns, half.shape, (True, False)),
        (rows, (1, 2, 6, 2), (False, True)),
        (join, (1, 4, 6, 4), (False, False)),
    ):
        types = {"x": kind, "c": kind, "y": replace(kind, shape=made)}
        graph = Graph("net", (node,), types, constant, ("x",), ("y",))
        found = window_of(graph, node), column_window_of(graph, node)
        assert tuple(window is not None for window in found) == expected
