# SPDX-License-Identifier: MIT
"""Random layers, machines and small quantised graphs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.machine import Machine, TieBreak
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.window import same_padding


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Small machines: few tiles of few rows, so that chains, rounds and stripes are needed."""
    tiles = draw(st.integers(1, 6))
    lengths = {1, *draw(st.sets(st.integers(1, tiles)))}
    splits = draw(st.sampled_from([1, 2, 4]))
    return replace(
        load_machine("st-dimc"),
        clusters=draw(st.integers(1, 4)),
        tiles_per_cluster=tiles,
        rows=draw(st.sampled_from([2, 4, 8, 32])),
        row_bits=draw(st.sampled_from([32, 64, 256, 1024])),
        subtensors=splits,
        load_port_bits=draw(st.sampled_from([8, 64])),
        chain_lengths=tuple(sorted(lengths)),
        min_stripe=draw(st.integers(1, 4)),
        tie_break=TieBreak(draw(st.integers(1, 3)), draw(st.integers(1, 4))),
        accumulator_bits=32,
        chain_hop_cycles=draw(st.integers(0, 2)),
        input_slice_bits=draw(st.sampled_from([None, None, 1, 2, 3])),
        skip_zero_rows=draw(st.booleans()),
        feature_memory_bytes=draw(st.sampled_from([None, 64, 1024, 1 << 20])),
    )


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """Dense, grouped and depthwise layers, of bits offered and sliced; some with rows left out."""
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    kernels = groups * draw(st.integers(1, 40))
    return Layer(
        "layer",
        in_channels=groups * draw(st.integers(1, 8)),
        kernel_hw=draw(st.sampled_from([(1, 1), (3, 3), (1, 5), (5, 5)])),
        kernels=kernels,
        out_hw=(draw(st.integers(1, 20)), draw(st.integers(1, 20))),
        weight_bits=draw(st.sampled_from([1, 2, 3, 4, 8])),
        activation_bits=draw(st.sampled_from([1, 2, 3, 4, 8, 16])),
        groups=groups,
        repeats=draw(st.sampled_from([1, 1, 3])),
        zero_rows=draw(st.integers(0, kernels - 1)) if groups == 1 else 0,
    )


def codes(bits: int, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Random integers over the whole range of `bits` bits, in int8."""
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    return rng.integers(low, high, shape).astype(np.int8)


def one_layer(
    op: Op,
    x_shape: tuple[int, ...],
    weights: Array,
    rng: np.random.Generator,
    *,
    x_zero_point: int = 0,
    weight_dtype: DType = DType.INT8,
) -> Graph:
    """A graph of one layer, named "layer", with a random bias and scales by channel."""
    axis = 3 if isinstance(op, DepthwiseConv2D) else 0
    channels = weights.shape[axis]
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, channels))
    x = TensorType(x_shape, DType.INT8, Quant.per_tensor(0.5, x_zero_point))
    w = TensorType(weights.shape, weight_dtype, Quant(scales, (0,) * channels, axis))
    b = TensorType((channels,), DType.INT32, None)
    bias = rng.integers(-1000, 1000, channels).astype(np.int32)
    (shape,) = op.infer((x, w, b))
    y = TensorType(shape, DType.INT8, Quant.per_tensor(0.7, -5))
    return Graph(
        "one layer",
        (Node("layer", op, ("x", "w", "b"), ("y",)),),
        {"x": x, "w": w, "b": b, "y": y},
        {"w": weights, "b": bias},
        ("x",),
        ("y",),
    )


@st.composite
def one_layer_graphs(draw: st.DrawFn) -> tuple[Graph, Array, int, int]:
    """A graph of one layer, three samples, and the bits of its weights and activations."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weight_bits = draw(st.sampled_from([1, 2, 3, 4, 8]))
    activation_bits = draw(st.sampled_from([1, 2, 3, 4, 8]))
    kind = draw(st.sampled_from(["dense", "conv", "grouped", "depthwise"]))
    op, x_shape, w_shape = _operands(draw, kind)
    low, high = -(1 << (activation_bits - 1)), (1 << (activation_bits - 1)) - 1
    graph = one_layer(
        op,
        x_shape,
        codes(weight_bits, w_shape, rng),
        rng,
        x_zero_point=draw(st.integers(low, high)),
    )
    return graph, codes(activation_bits, (3, *x_shape), rng), weight_bits, activation_bits


def _operands(draw: st.DrawFn, kind: str) -> tuple[Op, tuple[int, ...], tuple[int, ...]]:
    activation = draw(st.sampled_from([Activation.NONE, Activation.RELU]))
    kernels, depth = draw(st.integers(1, 20)), draw(st.integers(1, 12))
    if kind == "dense":
        return FullyConnected(activation, False), (2, depth), (kernels, depth)
    groups = draw(st.sampled_from([2, 3])) if kind == "grouped" else 1
    hw = (draw(st.integers(3, 9)), draw(st.integers(3, 9)))
    taps = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    padding = draw(st.sampled_from([Padding(), same_padding(hw, taps, stride)]))
    if kind == "depthwise":
        many = draw(st.integers(1, 2))
        op = DepthwiseConv2D(stride, (1, 1), padding, activation)
        return op, (1, *hw, depth), (1, *taps, depth * many)
    conv = Conv2D(stride, (1, 1), padding, activation)
    return conv, (1, *hw, depth * groups), (kernels * groups, *taps, depth)
