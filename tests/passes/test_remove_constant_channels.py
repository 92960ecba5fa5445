# SPDX-License-Identifier: MIT
"""Channels that never change are found, and leaving them out changes no output."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D
from milliwatt.ops.shape import Reshape
from milliwatt.passes.channel_ranges import channel_ranges
from milliwatt.passes.remove_constant_channels import TOGETHER, remove_constant_channels
from tests.backend.mcu.random_graphs import random_graph
from tests.passes.graphs import make_graph

SAME = Padding(1, 1, 1, 1)
RELU = Activation.RELU
ZERO = -128


def image(channels: int, zero: int = ZERO, side: int = 4) -> TensorType:
    return TensorType((1, side, side, channels), DType.INT8, Quant.per_tensor(0.5, zero))


def parameters(
    name: str, shape: tuple[int, ...], axis: int, dead: Array, seed: int
) -> dict[str, tuple[Array, TensorType]]:
    """Random weights and biases; `dead` says for each output channel how far below 0 it lies."""
    rng = np.random.default_rng(seed)
    channels = shape[axis]
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.002, 0.02, channels))
    weights = rng.integers(-127, 128, shape).astype(np.int8)
    bias = np.where(dead != 0, dead, rng.integers(-3000, 3000, channels)).astype(np.int32)
    return {
        f"{name}_w": (weights, TensorType(shape, DType.INT8, Quant(scales, (0,) * channels, axis))),
        f"{name}_b": (bias, TensorType((channels,), DType.INT32, None)),
    }


def network(
    dead_first: Array, dead_middle: Array, zero: int = ZERO, activation: Activation = RELU
) -> Graph:
    """Convolution, depthwise convolution that pads, convolution, pool, dense layer."""
    wide = len(dead_first)
    none = np.zeros(6, np.int64)
    known = parameters("a", (wide, 3, 3, 3), 0, dead_first, 1)
    known |= parameters("d", (1, 3, 3, wide), 3, dead_middle, 2)
    known |= parameters("p", (6, 1, 1, wide), 0, none, 3)
    known |= parameters("f", (5, 6), 0, none[:5], 4)
    conv = Conv2D((1, 1), (1, 1), SAME, activation)
    flat = TensorType((1, 6), DType.INT8, Quant.per_tensor(0.5, zero))
    steps: list[tuple[str, Op, list[str], TensorType]] = [
        ("a", conv, ["x", "a_w", "a_b"], image(wide, zero)),
        (
            "d",
            DepthwiseConv2D((1, 1), (1, 1), SAME, activation),
            ["a", "d_w", "d_b"],
            image(wide, zero),
        ),
        (
            "p",
            Conv2D((1, 1), (1, 1), Padding(), Activation.NONE),
            ["d", "p_w", "p_b"],
            image(6, zero),
        ),
        (
            "m",
            AveragePool2D((4, 4), (1, 1), Padding(), Activation.NONE),
            ["p"],
            image(6, zero, side=1),
        ),
        ("r", Reshape((1, 6)), ["m"], flat),
        (
            "f",
            FullyConnected(Activation.NONE, False),
            ["r", "f_w", "f_b"],
            TensorType((1, 5), DType.INT8, Quant.per_tensor(0.5, 3)),
        ),
    ]
    return make_graph({"x": image(3, zero)}, steps, constants=known)


def assert_same_outputs(before: Graph, after: Graph) -> None:
    verify(after)
    rng = np.random.default_rng(9)
    for low, high in ((-128, 127), (-128, -128), (127, 127)):
        states = [None, None]
        for _ in range(2):
            sample = [_values(before.types[v], rng, low, high) for v in before.inputs]
            done = [run(g, sample, s) for g, s in zip((before, after), states, strict=True)]
            states = [d.states for d in done]
            for a, b in zip(done[0].outputs, done[1].outputs, strict=True):
                np.testing.assert_array_equal(a, b)


def _values(kind: TensorType, rng: np.random.Generator, low: int, high: int) -> Array:
    if kind.dtype.is_float:
        return rng.normal(size=kind.shape).astype(np.float32)
    return rng.integers(low, high, kind.shape, endpoint=True).astype(kind.dtype.numpy)


def test_dead_channels_and_what_only_they_read_are_not_computed() -> None:
    dead = np.zeros(16, np.int64)
    dead[3:12] = -10_000_000
    before = network(dead, np.zeros(16, np.int64))
    after = remove_constant_channels(before)
    assert [n.op for n in after.nodes] == [n.op for n in before.nodes]
    for value in ("a", "d"):
        assert after.types[value].shape == (1, 4, 4, 8)
    assert after.types["p"].shape == before.types["p"].shape
    assert after.macs() < 0.6 * before.macs()
    assert_same_outputs(before, after)


def test_a_channel_that_only_a_dead_one_reads_is_not_computed() -> None:
    dead = np.zeros(16, np.int64)
    dead[:8] = 10_000_000
    before = network(np.zeros(16, np.int64), dead)
    after = remove_constant_channels(before)
    assert after.types["a"].shape == after.types["d"].shape == (1, 4, 4, 8)
    assert_same_outputs(before, after)


def test_constants_that_padding_makes_visible_stay() -> None:
    """Beside the image the zero point is read, so a constant other than it is no constant there."""
    dead = np.zeros(8, np.int64)
    dead[:4] = 10_000_000
    before = network(dead, np.zeros(8, np.int64), zero=-3, activation=Activation.NONE)
    assert channel_ranges(before)["a"].constant[:4].all()
    after = remove_constant_channels(before)
    assert after.types["a"].shape == before.types["a"].shape
    assert_same_outputs(before, after)


def test_a_multiple_of_four_channels_stays() -> None:
    dead = np.zeros(16, np.int64)
    dead[5:] = -10_000_000
    after = remove_constant_channels(network(dead, np.zeros(16, np.int64)))
    assert after.types["a"].shape[3] == 8
    assert TOGETHER == 4


def test_nothing_to_remove_leaves_the_graph() -> None:
    none = np.zeros(12, np.int64)
    before = network(none, none)
    assert remove_constant_channels(before) is before


def test_a_network_of_dead_channels_alone() -> None:
    dead = np.full(16, -10_000_000)
    before = network(dead, dead)
    after = remove_constant_channels(before)
    assert after.types["a"].shape[3] == 4
    assert_same_outputs(before, after)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1 << 31),
    zero=st.sampled_from([-128, -3, 0, 127]),
    activation=st.sampled_from([Activation.NONE, RELU, Activation.RELU6]),
    depth=st.integers(0, 3_000_000),
)
def test_any_pattern_of_dead_channels(
    seed: int, zero: int, activation: Activation, depth: int
) -> None:
    rng = np.random.default_rng(seed)
    dead = rng.choice([0, -depth, depth], (2, 12))
    before = network(dead[0], dead[1], zero, activation)
    assert_same_outputs(before, remove_constant_channels(before))


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed: int) -> None:
    before = random_graph(seed, DType.INT8)
    assert_same_outputs(before, remove_constant_channels(before))


@pytest.mark.parametrize("dtype", [DType.INT16, DType.FLOAT32])
def test_other_types_stay_as_they_are(dtype: DType) -> None:
    for seed in range(20):
        before = random_graph(seed, dtype)
        assert_same_outputs(before, remove_constant_channels(before))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1 << 31),
    zero=st.sampled_from([-128, -3, 127]),
    depth=st.integers(0, 100_000),
)
def test_ranges_hold(seed: int, zero: int, depth: int) -> None:
    """No element of any value leaves the range of its channel; the range is not everything."""
    rng = np.random.default_rng(seed)
    dead = rng.choice([0, -depth, depth], (2, 8))
    graph = network(dead[0], dead[1], zero)
    ranges = channel_ranges(graph)
    everything = Graph(
        graph.name,
        graph.nodes,
        graph.types,
        graph.constants,
        graph.inputs,
        tuple(n.outputs[0] for n in graph.nodes),
    )
    for low, high in ((-128, 127), (-128, -128), (127, 127)):
        sample = rng.integers(low, high, graph.types["x"].shape, np.int8, endpoint=True)
        done = run(everything, [sample])
        for value, array in zip(everything.outputs, done.outputs, strict=True):
            assert (array >= ranges[value].low).all()
            assert (array <= ranges[value].high).all()
