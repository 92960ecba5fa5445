# SPDX-License-Identifier: MIT
"""LSTMs, SVDFs and transposed convolutions through the tiles, states carried, value for value."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from milliwatt.backend.dimc.extract import graph_products
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placement import place
from milliwatt.backend.dimc.simulate import simulate, simulate_batch
from milliwatt.errors import DataError, FitError, UnsupportedError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array, DType
from milliwatt.passes.pipeline import run_pipeline
from tests.backend.dimc.networks import machines
from tests.backend.mcu.random_graphs import random_graph
from tests.ops.draws import transpose_conv
from tests.ops.recurrent_models import Layer, lstm_layer, svdf_layer, values
from tests.support import shared_file

ST = load_machine("st-dimc")


def recurrent(layer: Layer) -> Graph:
    """The layer alone in a graph that keeps its states."""
    count, kept = len(layer.inputs), len(layer.states)
    names = [f"v{i}" for i in range(count)]
    results = [f"r{i}" for i in range(len(layer.outputs))]
    types = dict(zip(names, layer.inputs, strict=True)) | dict(
        zip(results, layer.outputs, strict=True)
    )
    weights = zip(names[1 : count - kept], layer.weights, strict=True)
    pairs = zip(names[count - kept :], results[1:], layer.first_states(), strict=True)
    return Graph(
        "recurrent",
        (Node("n", layer.op, tuple(names), tuple(results)),),
        types,
        dict(weights),
        ("v0",),
        ("r0",),
        tuple(State(*pair) for pair in pairs),
    )


def assert_stream_is_exact(graph: Graph, machine: Machine, calls: list[list[Array]]) -> None:
    """Outputs and states of every call are the interpreter's."""
    placement = place(graph, machine)
    ours = theirs = None
    for inputs in calls:
        mine = simulate(placement, inputs, ours)
        wanted = run(graph, inputs, theirs)
        for a, b in zip(mine.outputs, wanted.outputs, strict=True):
            assert np.array_equal(a, b)
        assert mine.states.keys() == wanted.states.keys()
        assert all(np.array_equal(mine.states[k], wanted.states[k]) for k in wanted.states)
        ours, theirs = mine.states, wanted.states


def inputs_of(graph: Graph, calls: int, seed: int) -> list[list[Array]]:
    rng = np.random.default_rng(seed)
    return [[values(graph.types[v], rng) for v in graph.inputs] for _ in range(calls)]


@given(machines(), st.integers(0, 2**32), st.sampled_from([DType.INT8, DType.INT16]))
def test_an_svdf_equals_its_reference(machine: Machine, seed: int, state: DType) -> None:
    rng = np.random.default_rng(seed)
    units, rank, memory, inputs = (int(n) for n in rng.integers(1, 6, 4))
    layer = svdf_layer(rng, state, batch=2, inputs=inputs, units=units, rank=rank, memory=memory)
    graph = recurrent(layer)
    try:
        assert_stream_is_exact(graph, machine, inputs_of(graph, 3, seed))
    except FitError:
        assume(False)


@given(machines(), st.integers(0, 2**32), st.sampled_from([DType.INT8, DType.INT16]), st.booleans())
def test_an_lstm_equals_its_reference(
    machine: Machine, seed: int, dtype: DType, time_major: bool
) -> None:
    rng = np.random.default_rng(seed)
    inputs, units, steps = (int(n) for n in rng.integers(1, 7, 3))
    graph = recurrent(
        lstm_layer(
            rng, dtype, batch=2, steps=steps, inputs=inputs, units=units, time_major=time_major
        )
    )
    try:
        assert_stream_is_exact(graph, machine, inputs_of(graph, 2, seed))
    except FitError:
        assume(False)


def test_gates_of_an_lstm_are_two_products() -> None:
    """The input's gates see all steps at once; the hidden state's wait for one another."""
    rng = np.random.default_rng(1)
    graph = recurrent(lstm_layer(rng, DType.INT8, batch=1, steps=10, inputs=6, units=8))
    layers = [product.layer for product in graph_products(graph).values()]
    assert [(x.kernels, x.kernel_elements, x.pixels, x.repeats) for x in layers] == [
        (32, 6, 10, 1),
        (32, 8, 1, 10),
    ]
    node = graph.nodes[0]
    macs = node.op.macs(graph.input_types(node), graph.output_types(node))
    assert sum(x.macs for x in layers) == macs
    placement = place(graph, ST, clusters=1, objective="one-cluster")
    assert placement.host_nodes == ("r0",)
    assert placement.host[0].macs == 0


def test_gates_that_do_not_stay_are_loaded_in_every_step() -> None:
    rng = np.random.default_rng(2)
    graph = recurrent(lstm_layer(rng, DType.INT8, batch=1, steps=10, inputs=6, units=200))
    small = place(graph, load_machine("generic-dimc")).layers[1]
    large = place(graph, ST).layers[1]
    assert small.mapping.waves > 1
    bits, port = small.layer.load_bits, load_machine("generic-dimc").load_port_bits
    assert small.cycles.load >= 10 * bits / port
    assert large.mapping.waves == 1
    assert large.cycles.load <= large.layer.load_bits / ST.load_port_bits


def test_an_svdf_leaves_its_time_filter_to_the_host() -> None:
    rng = np.random.default_rng(3)
    graph = recurrent(svdf_layer(rng, DType.INT16, batch=1, inputs=5, units=3, rank=2, memory=4))
    placement = place(graph, ST)
    assert placement.macs == 5 * 6
    assert placement.host[0].macs == 6 * 4


@given(machines(), st.integers(0, 2**32), st.sampled_from([DType.INT8, DType.INT16]))
def test_a_transposed_convolution_equals_its_reference(
    machine: Machine, seed: int, dtype: DType
) -> None:
    made = transpose_conv(dtype, np.random.default_rng(seed))
    names = ("x", "w", "b")
    graph = Graph(
        "transposed",
        (Node("n", made.op, names, ("y",)),),
        dict(zip((*names, "y"), (*made.inputs, *made.outputs), strict=True)),
        {"w": made.values[1], "b": made.values[2]},
        ("x",),
        ("y",),
    )
    try:
        placement = place(graph, machine)
    except (FitError, UnsupportedError):
        assume(False)
        raise
    (y,) = simulate(placement, [made.values[0]]).outputs
    assert np.array_equal(y, run(graph, [made.values[0]]).outputs[0])


STREAMS = (
    "esphome/vad.tflite",
    "esphome/hey_jarvis.tflite",
    "tflm/keyword_scrambled_8bit.tflite",
    "tflm/micro_speech_lstm.tflite",
    "tflm/dtln_noise_suppression.tflite",
)
WIDE = replace(ST, tiles_per_cluster=32, chain_lengths=tuple(range(1, 33)))
"""ST's machine with chains for the widest of their kernels."""


@pytest.mark.parametrize("name", STREAMS)
def test_streaming_models_equal_the_interpreter(name: str) -> None:
    graph = run_pipeline(load_model(shared_file("models", *name.split("/"))))
    assert graph.states
    assert_stream_is_exact(graph, WIDE, inputs_of(graph, 4, 5))


def test_a_batch_starts_every_sample_afresh() -> None:
    graph = run_pipeline(load_model(shared_file("models", "esphome", "vad.tflite")))
    first, second = inputs_of(graph, 2, 6)
    (both,) = simulate_batch(
        place(graph, ST), [np.stack(pair) for pair in zip(first, second, strict=True)]
    )
    for y, inputs in zip(both, (first, second), strict=True):
        assert np.array_equal(y, run(graph, inputs).outputs[0])


def test_states_of_another_model_are_refused() -> None:
    graph = run_pipeline(load_model(shared_file("models", "esphome", "vad.tflite")))
    with pytest.raises(DataError, match="keeps the states"):
        simulate(place(graph, ST), inputs_of(graph, 1, 7)[0], {"other": np.zeros(1)})


def test_floating_point_is_refused() -> None:
    graph = run_pipeline(load_model(shared_file("models", "tflm", "mnist_lstm_float.tflite")))
    with pytest.raises(UnsupportedError, match="floating point; quantise the model first"):
        place(graph, ST)


@given(machines(), st.integers(0, 2**32))
def test_random_networks_equal_the_interpreter(machine: Machine, seed: int) -> None:
    """Branches, pools, recurrences and all else that int8 graphs are made of."""
    graph = run_pipeline(random_graph(seed))
    try:
        assert_stream_is_exact(graph, machine, inputs_of(graph, 2, seed))
    except (FitError, UnsupportedError):
        assume(False)
