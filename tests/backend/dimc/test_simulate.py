# SPDX-License-Identifier: MIT
"""Through the tiles, every network gives what its reference gives, value for value."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from milliwatt.backend.dimc.cycles import MODES, Mode
from milliwatt.backend.dimc.extract import Precision
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placement import place
from milliwatt.backend.dimc.simulate import simulate, simulate_batch
from milliwatt.backend.dimc.tiles import read_tile, tile_bits
from milliwatt.backend.dimc.workload import load_workload
from milliwatt.errors import AccumulatorError, DataError, FitError, OptionError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.passes.pipeline import run_pipeline
from tests.backend.dimc.networks import codes, machines, one_layer, one_layer_graphs
from tests.support import shared_file

ST = load_machine("st-dimc")


def reference(graph: Graph, x: Array) -> Array:
    return np.stack([run(graph, [sample]).outputs[0] for sample in x])


@given(machines(), one_layer_graphs(), st.sampled_from(MODES))
def test_one_layer_equals_its_reference(
    machine: Machine, made: tuple[Graph, Array, int, int], mode: Mode
) -> None:
    graph, x, weight_bits, activation_bits = made
    precision = {"y": Precision(weight_bits, activation_bits)}
    try:
        placement = place(graph, machine, mode=mode, precision=precision)
    except FitError:
        assume(False)
        raise
    (y,) = simulate_batch(placement, [x])
    assert np.array_equal(y, reference(graph, x))


@pytest.mark.parametrize(
    ("weights", "x"),
    [([-1, 1], [-1, 1]), ([0, 1], [0, 1]), ([-1, 0], [-1, 1]), ([-1, 1], [0, 1])],
)
def test_one_bit_stands_for_two_numbers(weights: list[int], x: list[int]) -> None:
    """Two's complement (-1, 0), natural (0, 1) or bipolar (-1, +1), as the values ask for."""
    rng = np.random.default_rng(5)
    op = Conv2D((1, 1), (1, 1), Padding(), Activation.NONE)
    kernel = rng.choice(np.array(weights, np.int8), (8, 3, 3, 200))
    graph = one_layer(op, (1, 6, 6, 200), kernel, rng)
    image = rng.choice(np.array(x, np.int8), (2, 1, 6, 6, 200))
    placement = place(graph, ST, precision={"y": Precision(1, 1)})
    assert placement.layers[0].mapping.chains == 2
    (y,) = simulate_batch(placement, [image])
    assert np.array_equal(y, reference(graph, image))


NETWORKS = (
    "mlperf_tiny/kws_dscnn_int8.tflite",
    "mlperf_tiny/ic_resnet8_int8.tflite",
    "mlperf_tiny/ad01_int8.tflite",
)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("machine", ["st-dimc", "generic-dimc"])
def test_mlperf_tiny_equals_its_reference(name: str, machine: str) -> None:
    graph = run_pipeline(load_model(shared_file("models", *name.split("/"))))
    target = replace(load_machine(machine), chain_lengths=tuple(range(1, 33)))
    target = replace(target, tiles_per_cluster=32)
    rng = np.random.default_rng(7)
    x = rng.integers(-128, 128, (2, *graph.types[graph.inputs[0]].shape)).astype(np.int8)
    (y,) = simulate_batch(place(graph, target), [x])
    assert np.array_equal(y, reference(graph, x))


@pytest.mark.slow
def test_kws_over_a_thousand_samples() -> None:
    graph = run_pipeline(load_model(shared_file("models", "mlperf_tiny", "kws_dscnn_int8.tflite")))
    rng = np.random.default_rng(8)
    x = rng.integers(-128, 128, (1000, *graph.types[graph.inputs[0]].shape)).astype(np.int8)
    start = time.monotonic()
    (y,) = simulate_batch(place(graph, ST), [x])
    assert time.monotonic() - start < 60
    assert np.array_equal(y, reference(graph, x))


def test_a_narrow_accumulator_is_named() -> None:
    """300 products of 7 · 7 need 15 bits; 256 of them, in the chain's first tile, 14 and a bit."""
    graph = one_layer(
        FullyConnected(Activation.NONE, False),
        (1, 300),
        np.full((2, 300), 7, np.int8),
        np.random.default_rng(0),
    )
    x = np.full((1, 300), 7, np.int8)
    bits = {"y": Precision(4, 4)}
    enough = place(graph, replace(ST, accumulator_bits=15), precision=bits)
    assert np.array_equal(simulate(enough, [x]).outputs[0], run(graph, [x]).outputs[0])
    with pytest.raises(AccumulatorError, match=r"kernel 0 after tile 1 of 2 .* needs 15 bits") as e:
        simulate(place(graph, replace(ST, accumulator_bits=14), precision=bits), [x])
    assert (e.value.layer, e.value.link, e.value.need_bits) == ("y", 0, 15)


def test_values_beyond_their_precision_are_refused() -> None:
    rng = np.random.default_rng(1)
    graph = one_layer(FullyConnected(Activation.NONE, False), (1, 8), codes(4, (3, 8), rng), rng)
    with pytest.raises(DataError, match="weights of 'y' go from"):
        place(graph, ST, precision={"y": Precision(2, 4)})
    placement = place(graph, ST, precision={"y": Precision(4, 4)})
    with pytest.raises(DataError, match=r"activations of layer 'y' go from .* 4 bits hold -8"):
        simulate(placement, [np.full((1, 8), 8, np.int8)])
    with pytest.raises(DataError, match="it must be int8"):
        simulate(placement, [np.zeros((1, 9), np.int8)])


def test_a_list_of_layers_cannot_be_run() -> None:
    with pytest.raises(OptionError, match="without weights"):
        simulate(place(load_workload("st-vgg16-tiny"), ST), [])


@given(st.integers(1, 4), st.sampled_from([1, 2, 4]), st.integers(1, 20), st.integers(0, 999))
def test_bits_of_a_tile_are_read_back(bits: int, pack: int, rows: int, seed: int) -> None:
    room = ST.lanes(bits) // pack
    codes_ = np.random.default_rng(seed).integers(0, 1 << bits, (rows, room))
    image = tile_bits(ST, codes_, bits, pack)
    assert image.shape[1] == ST.row_bits
    assert set(np.unique(image)) <= {0, 1}
    assert np.array_equal(read_tile(image, codes_.shape, bits, pack), codes_)
