# SPDX-License-Identifier: MIT
"""Coding of zeros, and rows of zeros left out."""

from dataclasses import replace

import numpy as np
import pytest

from milliwatt.backend.dimc.coding import coded_bits
from milliwatt.backend.dimc.compression import feature_savings, feature_shares, weight_savings
from milliwatt.backend.dimc.estimate import estimate
from milliwatt.backend.dimc.extract import Precision
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.placement import place
from milliwatt.backend.dimc.simulate import simulate
from milliwatt.backend.dimc.traffic import layer_traffic
from milliwatt.backend.dimc.workload import load_workload
from milliwatt.errors import OptionError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.passes.pipeline import run_pipeline
from tests.backend.dimc.networks import codes, one_layer
from tests.support import shared_file

ST = load_machine("st-dimc")
CODED = replace(ST, weight_coding="bitmask")
FOUR = {"y": Precision(4, 4)}


def sparse_graph(share: float) -> Graph:
    """A 3x3 layer with that share of its weights, and the last 8 of 32 kernels, zero."""
    rng = np.random.default_rng(11)
    weights = codes(4, (32, 3, 3, 64), rng)
    weights[rng.random(weights.shape) < share] = 0
    weights[24:] = 0
    return one_layer(
        Conv2D((1, 1), (1, 1), Padding(), Activation.NONE), (1, 8, 8, 64), weights, rng
    )


def test_coded_kernels_load_faster_by_what_they_are_smaller() -> None:
    graph = sparse_graph(0.7)
    raw, coded = (place(graph, machine, precision=FOUR) for machine in (ST, CODED))
    (saving,) = weight_savings(coded)
    kernels = graph.constants["w"]
    assert saving.raw_bits == kernels.size * 4
    assert saving.coded_bits == kernels.size + 4 * np.count_nonzero(kernels)
    assert 2 < saving.gain < 4
    assert saving.empty_rows == 8 / 32
    assert coded.layers[0].layer.load_bits == saving.coded_bits
    fewer = raw.layers[0].cycles.load / coded.layers[0].cycles.load
    assert float(fewer) == pytest.approx(saving.gain, rel=0.05)


def test_dense_kernels_stay_raw() -> None:
    graph = sparse_graph(0.0)
    dense = graph.constants["w"].copy()
    dense[dense == 0] = 1
    full = replace(graph, constants={**graph.constants, "w": dense})
    placement = place(full, CODED, precision=FOUR)
    assert placement.layers[0].layer.load_bits == dense.size * 4
    assert weight_savings(placement)[0].gain == 1


def test_feature_maps_are_coded_around_their_zero_point() -> None:
    graph = sparse_graph(0.5)
    x = np.zeros((1, 8, 8, 64), np.int8)
    x[0, 0] = 3
    (saving,) = feature_savings(place(graph, ST, precision=FOUR), [x])
    assert saving.coded_bits == x.size + 4 * x.size // 8
    assert saving.gain == pytest.approx(4 / 1.5)
    assert coded_bits(np.full(8, -5), 4, zero=-5) == 8


def test_lists_of_layers_have_no_zeros() -> None:
    with pytest.raises(OptionError, match="only a graph has zeros"):
        weight_savings(place(load_workload("st-vgg16-tiny"), ST))


def test_rows_of_zeros_cost_neither_cycles_nor_loads() -> None:
    """A quarter of the kernels is zero: a quarter of the rows, and of what is loaded, goes."""
    graph = sparse_graph(0.0)
    skipping = replace(ST, skip_zero_rows=True)
    every, fewer = (place(graph, machine, precision=FOUR).layers[0] for machine in (ST, skipping))
    one = [place(graph, m, precision=FOUR, clusters=1).layers[0] for m in (ST, skipping)]
    assert fewer.layer.zero_rows == 8
    assert fewer.layer.load_bits == every.layer.load_bits * 24 // 32
    assert one[1].cycles.load == one[0].cycles.load * 24 / 32
    assert one[1].cycles.compute < one[0].cycles.compute
    image = codes(4, (1, 8, 8, 64), np.random.default_rng(2))
    placement = place(graph, skipping, precision=FOUR)
    assert np.array_equal(simulate(placement, [image]).outputs[0], run(graph, [image]).outputs[0])


def test_a_high_slice_of_small_weights_is_left_out() -> None:
    """Weights 0 to 7 in 8 bits: the upper slice of every kernel is zero, half of all rows."""
    rng = np.random.default_rng(9)
    op = Conv2D((1, 1), (1, 1), Padding(), Activation.NONE)
    weights = rng.integers(1, 8, (16, 3, 3, 8)).astype(np.int8)
    graph = one_layer(op, (1, 6, 6, 8), weights, rng)
    placement = place(graph, replace(ST, skip_zero_rows=True))
    assert placement.layers[0].layer.zero_rows == 16
    image = codes(8, (1, 6, 6, 8), rng)
    assert np.array_equal(simulate(placement, [image]).outputs[0], run(graph, [image]).outputs[0])


def test_a_layer_of_zeros_keeps_one_row() -> None:
    rng = np.random.default_rng(10)
    op = Conv2D((1, 1), (1, 1), Padding(), Activation.NONE)
    graph = one_layer(op, (1, 4, 4, 4), np.zeros((8, 1, 1, 4), np.int8), rng)
    placement = place(graph, replace(ST, skip_zero_rows=True))
    assert placement.layers[0].layer.zero_rows == 15
    image = codes(8, (1, 4, 4, 4), rng)
    assert np.array_equal(simulate(placement, [image]).outputs[0], run(graph, [image]).outputs[0])


def test_coded_maps_move_fewer_bits() -> None:
    """Keyword spotting's maps behind a RELU are half zeros; real outputs shrink what tiles read."""
    graph = run_pipeline(load_model(shared_file("models", "mlperf_tiny", "kws_dscnn_int8.tflite")))
    rng = np.random.default_rng(13)
    kind = graph.types[graph.inputs[0]]
    samples = [[rng.integers(-128, 128, kind.shape).astype(np.int8)] for _ in range(2)]
    shares = feature_shares(graph, samples)
    assert all(0 < share <= 1 for share in shares.values())
    assert min(shares.values()) < 0.9
    generic = load_machine("generic-dimc")
    coding = replace(generic, feature_coding="bitmask")
    raw = place(graph, generic)
    coded = place(graph, coding, feature_shares=shares)
    pairs = zip(raw.layers, coded.layers, strict=True)
    for before, after in pairs:
        wanted = layer_traffic(raw, before).read_bits * shares.get(str(after.source), 1.0)
        assert layer_traffic(coded, after).read_bits == pytest.approx(wanted, abs=1)
    found = [estimate(p).energy_by_component_pj for p in (raw, coded)]
    assert found[1]["feature reads"] < found[0]["feature reads"]
    assert found[1]["feature writes"] < found[0]["feature writes"]
    assert found[1]["kernel load"] == found[0]["kernel load"]
    with pytest.raises(OptionError, match=r"a machine with compression\.features"):
        place(graph, generic, feature_shares=shares)
