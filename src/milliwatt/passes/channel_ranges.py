# SPDX-License-Identifier: MIT
"""Between which values each channel of an int8 value can lie, whatever the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.base import Activation
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.shape import Reshape
from milliwatt.quant.arith import activation_range, multiply_by_quantized_multiplier
from milliwatt.quant.scaling import convolution_factors


@dataclass(frozen=True, slots=True)
class ChannelRange:
    """Least and largest element of each channel (the last axis): int64 arrays [channels]."""

    low: Array
    high: Array

    @property
    def constant(self) -> Array:
        """Which channels never change."""
        return np.asarray(self.low == self.high)


def channel_ranges(graph: Graph) -> dict[str, ChannelRange]:
    """The range of every int8 value of `graph` that has an axis.

    Convolutions, fully connected layers and pools pass on what is known of their input; anything
    else can be whatever its type holds.
    """
    found: dict[str, ChannelRange] = {}
    for value, kind in graph.types.items():
        if kind.dtype is DType.INT8 and kind.shape:
            found[value] = _any_value(kind)
    for node in graph.nodes:
        result = _range_of(graph, node, found)
        if result is not None:
            found[node.outputs[0]] = result
    return found


def _any_value(kind: TensorType) -> ChannelRange:
    low, high = kind.dtype.integer_range
    return ChannelRange(np.full(kind.shape[-1], low), np.full(kind.shape[-1], high))


def _range_of(graph: Graph, node: Node, known: Mapping[str, ChannelRange]) -> ChannelRange | None:
    if node.inputs[0] not in known or len(node.outputs) != 1 or node.outputs[0] not in known:
        return None
    x = known[node.inputs[0]]
    match node.op:
        case Conv2D() | DepthwiseConv2D() | FullyConnected():
            return _of_linear(graph, node, x)
        case AveragePool2D() | MaxPool2D() if not reaches_padding(node):
            return _clamped(x, graph.types[node.outputs[0]], node.op.activation)
        case Reshape() if keeps_channels(graph, node):
            return x
        case _:
            return None


def keeps_channels(graph: Graph, node: Node) -> bool:
    """Whether a reshape leaves the last axis as it is."""
    if not graph.types[node.outputs[0]].shape:
        return False
    return graph.types[node.inputs[0]].shape[-1:] == graph.types[node.outputs[0]].shape[-1:]


def _clamped(x: ChannelRange, y: TensorType, activation: Activation) -> ChannelRange:
    ends = activation_range(activation, y)
    return ChannelRange(np.clip(x.low, *ends), np.clip(x.high, *ends))


def weights_by_channel(graph: Graph, node: Node) -> Array | None:
    """Centred weights [output channels, taps, inputs] of a linear node, int64.

    A depthwise filter reads one input channel. None where weights or bias are computed, and where
    the node is not int8 throughout with sums of 32 bits, or has groups.
    """
    if any(v not in graph.constants for v in node.inputs[1:3]):
        return None
    x, kind, bias = graph.input_types(node)
    types = (x.dtype, kind.dtype, bias.dtype, graph.types[node.outputs[0]].dtype)
    if types != (DType.INT8, DType.INT8, DType.INT32, DType.INT8) or kind.quant is None:
        return None
    weights = graph.constants[node.inputs[1]].astype(np.int64)
    zeros = np.array(kind.quant.zero_point)
    match node.op:
        case DepthwiseConv2D():
            return (weights - zeros).reshape(-1, weights.shape[3]).T[..., None]
        case Conv2D() | FullyConnected() if weights.shape[-1] == x.shape[-1]:
            centred = weights - zeros.reshape(-1, *[1] * (weights.ndim - 1))
            return centred.reshape(len(weights), -1, weights.shape[-1])
        case _:
            return None


def reaches_padding(node: Node) -> bool:
    """Whether a window may cover elements outside the image."""
    op = node.op
    if not isinstance(op, Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D):
        return False
    pads = op.padding
    return bool(pads.top or pads.bottom or pads.left or pads.right)


def _of_linear(graph: Graph, node: Node, x: ChannelRange) -> ChannelRange | None:
    weights = weights_by_channel(graph, node)
    if weights is None:
        return None
    kind, y = graph.types[node.inputs[0]], graph.types[node.outputs[0]]
    low, high = x.low - kind.zero_point, x.high - kind.zero_point
    if reaches_padding(node):
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    if isinstance(node.op, DepthwiseConv2D):
        repeated = len(weights) // len(low)
        low, high = (np.repeat(v, repeated)[:, None, None] for v in (low, high))
    bias = graph.constants[node.inputs[2]].astype(np.int64)
    least = bias + np.minimum(weights * low, weights * high).sum(axis=(1, 2))
    most = bias + np.maximum(weights * low, weights * high).sum(axis=(1, 2))
    return _requantised(graph, node, y, least, most)


def _requantised(
    graph: Graph, node: Node, y: TensorType, least: Array, most: Array
) -> ChannelRange | None:
    """The outputs between those of the least and the largest sum: rescaling is monotone.

    Only as long as nothing wraps round; where it might, a channel can hold anything.
    """
    op = node.op
    if not isinstance(op, Conv2D | DepthwiseConv2D | FullyConnected):
        return None
    x, weights = graph.input_types(node)[:2]
    multiplier, shift = convolution_factors(x, weights, y, len(least))
    ends = activation_range(op.activation, y)
    found = [
        np.clip(multiply_by_quantized_multiplier(s, multiplier, shift) + y.zero_point, *ends)
        for s in (least, most)
    ]
    room = (1 << 31 - np.maximum(shift, 0)) - 1
    safe = (np.abs(least) < room) & (np.abs(most) < room)
    return ChannelRange(np.where(safe, found[0], ends[0]), np.where(safe, found[1], ends[1]))
