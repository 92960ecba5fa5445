# SPDX-License-Identifier: MIT
"""Networks made for a sweep: a layer of one kind, or a stack of a given width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected

LayerKind = Literal["convolution", "pointwise", "depthwise", "fully connected"]
LAYER_KINDS: tuple[LayerKind, ...] = ("convolution", "pointwise", "depthwise", "fully connected")

_SAME = Padding(1, 1, 1, 1)
_ONE = (1, 1)


@dataclass(frozen=True, slots=True)
class LayerShape:
    """Channels in and out; an image of `side` × `side` pixels, which dense layers do not have."""

    inputs: int
    outputs: int
    side: int


TYPICAL: dict[LayerKind, LayerShape] = {
    "convolution": LayerShape(64, 64, 16),
    "pointwise": LayerShape(64, 64, 16),
    "depthwise": LayerShape(64, 64, 16),
    "fully connected": LayerShape(640, 128, 1),
}
"""Sizes as MLPerf Tiny's networks have them: 64 channels in kws, 640 × 128 in ad."""


def layer_graph(kind: LayerKind, shape: LayerShape, seed: int = 0) -> Graph:
    """One int8 layer with random weights; kernels are 3×3 but for pointwise and dense ones."""
    image = (1, shape.side, shape.side, shape.inputs)
    if kind == "fully connected":
        image = (1, shape.inputs)
    return _chain(f"{kind} {shape.inputs}-{shape.outputs}", image, [(kind, shape)], seed)


def stack_graph(channels: int, side: int, layers: int, seed: int = 0) -> Graph:
    """A stack of 3×3 convolutions of one width: its weights are layers · 9 · channels² bytes."""
    shape = LayerShape(channels, channels, side)
    image = (1, side, side, channels)
    same: list[tuple[LayerKind, LayerShape]] = [("convolution", shape)] * layers
    return _chain(f"{layers} x {channels} channels", image, same, seed)


def _chain(
    name: str,
    image: tuple[int, ...],
    layers: Sequence[tuple[LayerKind, LayerShape]],
    seed: int,
) -> Graph:
    rng = np.random.default_rng(seed)
    types = {"v0": TensorType(image, DType.INT8, Quant.per_tensor(0.05, -128))}
    constants: dict[str, Array] = {}
    nodes: list[Node] = []
    for index, (kind, shape) in enumerate(layers):
        x, w, b, y = f"v{index}", f"w{index}", f"b{index}", f"v{index + 1}"
        op, weights_shape, axis = _operator(kind, shape)
        # Weights as trained ones lie: most are small, few are large.
        drawn = np.clip(np.rint(rng.normal(0, 32, weights_shape)), -127, 127)
        constants[w], constants[b] = drawn.astype(np.int8), np.zeros(shape.outputs, np.int32)
        scales = Quant((0.002,) * shape.outputs, (0,) * shape.outputs, axis)
        types[w] = TensorType(weights_shape, DType.INT8, scales)
        bias = Quant((0.05 * 0.002,) * shape.outputs, (0,) * shape.outputs, 0)
        types[b] = TensorType((shape.outputs,), DType.INT32, bias)
        (result,) = op.infer((types[x], types[w], types[b]))
        types[y] = TensorType(result, DType.INT8, Quant.per_tensor(0.05, -128))
        nodes.append(Node(f"{kind.replace(' ', '_')}_{index}", op, (x, w, b), (y,)))
    graph = Graph(name, tuple(nodes), types, constants, ("v0",), (f"v{len(layers)}",))
    verify(graph)
    return graph


def _operator(kind: LayerKind, shape: LayerShape) -> tuple[Op, tuple[int, ...], int]:
    """Operator, shape of its weights and their axis of output channels."""
    relu = Activation.RELU
    match kind:
        case "convolution":
            weights = (shape.outputs, 3, 3, shape.inputs)
            return Conv2D(_ONE, _ONE, _SAME, relu), weights, 0
        case "pointwise":
            weights = (shape.outputs, 1, 1, shape.inputs)
            return Conv2D(_ONE, _ONE, Padding(), relu), weights, 0
        case "depthwise":
            return DepthwiseConv2D(_ONE, _ONE, _SAME, relu), (1, 3, 3, shape.outputs), 3
        case "fully connected":
            return FullyConnected(relu, keep_dims=False), (shape.outputs, shape.inputs), 0
