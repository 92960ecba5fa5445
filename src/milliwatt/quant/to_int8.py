# SPDX-License-Identifier: MIT
"""Float graphs rewritten in int8, once the quantisation of every activation is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ir.verify import SCALE_RANGE
from milliwatt.ops.activation import Logistic, LogSoftmax, Softmax, Tanh
from milliwatt.ops.base import Op
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.quantize import Quantize
from milliwatt.ops.shape import Concat, Pack, Pad
from milliwatt.quant.ranges import find_range

WEIGHTED = Conv2D | DepthwiseConv2D | TransposeConv2D | FullyConnected
FIXED_OUTPUTS: Mapping[type[Op], Quant] = {
    Softmax: Quant.per_tensor(1 / 256, -128),
    Logistic: Quant.per_tensor(1 / 256, -128),
    Tanh: Quant.per_tensor(1 / 128, 0),
    LogSoftmax: Quant.per_tensor(16 / 256, 127),
}
"""Operators whose int8 result has one quantisation, whatever its range."""

_INT32_LIMIT = float((1 << 31) - 1)


def to_int8(graph: Graph, quants: Mapping[str, Quant]) -> Graph:
    """`graph` with each value of `quants`, all its inputs and results, in int8 codes of its own.

    Weights, biases and constant operands are quantised by their contents. An operator that
    prescribes another quantisation is followed by a Quantize.
    """
    rewrite = _Rewrite(graph, quants)
    for node in graph.nodes:
        rewrite.add(node)
    return graph.with_nodes(rewrite.nodes, types=rewrite.types, constants=rewrite.constants)


class _Rewrite:
    """The graph being written."""

    def __init__(self, graph: Graph, quants: Mapping[str, Quant]) -> None:
        self._graph = graph
        self.types = {
            v: TensorType(graph.types[v].shape, DType.INT8, quant) for v, quant in quants.items()
        }
        self.constants: dict[str, Array] = {}
        self.nodes: list[Node] = []

    def add(self, node: Node) -> None:
        """Append what becomes of a node of the float graph."""
        if isinstance(node.op, WEIGHTED):
            node = self._with_weights(node)
        else:
            node = replace(node, inputs=tuple(self._operand(node, v) for v in node.inputs))
        if isinstance(node.op, Pad):
            code = int(codes(np.array(node.op.value), _quant(self.types[node.outputs[0]])))
            node = replace(node, op=replace(node.op, value=code))
        wanted = FIXED_OUTPUTS.get(type(node.op))
        if wanted is None or self.types[node.outputs[0]].quant == wanted:
            self.nodes.append(node)
        else:
            self._add_requantised(node, wanted)

    def _add_requantised(self, node: Node, prescribed: Quant) -> None:
        (output,) = node.outputs
        own = self._add_type(f"{output}/own", replace(self.types[output], quant=prescribed))
        self.nodes.append(replace(node, outputs=(own,)))
        self.nodes.append(Node(f"{node.name}/quantize", Quantize(), (own,), (output,)))

    def _operand(self, node: Node, value: str) -> str:
        """The int8 form of an operand; a constant has codes of the operator's choice."""
        if value not in self._graph.constants:
            return value
        array = self._graph.constants[value]
        if isinstance(node.op, Concat | Pack):
            quant = _quant(self.types[node.outputs[0]])
        else:
            quant = find_range(array, "minmax").int8()
        return self._add_constant(
            f"{value}/int8", codes(array, quant), TensorType(array.shape, DType.INT8, quant)
        )

    def _with_weights(self, node: Node) -> Node:
        x = node.inputs[0]
        weights, bias = (self._graph.constants[v] for v in node.inputs[1:])
        axis = 3 if isinstance(node.op, DepthwiseConv2D) else 0
        input_scale = self.types[x].scale
        scales = weight_scales(weights, axis, bias, input_scale)
        shape = [1] * weights.ndim
        shape[axis] = -1
        rounded = np.clip(np.round(weights / scales.reshape(shape)), -127, 127).astype(np.int8)
        bias_scales = (np.float32(input_scale) * scales.astype(np.float32)).astype(np.float64)
        zeros = (0,) * len(scales)
        w = self._add_constant(
            f"{node.outputs[0]}/weights_int8",
            rounded,
            TensorType(weights.shape, DType.INT8, Quant(_floats(scales), zeros, axis)),
        )
        b = self._add_constant(
            f"{node.outputs[0]}/bias_int32",
            np.round(bias / bias_scales).astype(np.int32),
            TensorType(bias.shape, DType.INT32, Quant(_floats(bias_scales), zeros, 0)),
        )
        return replace(node, inputs=(x, w, b))

    def _add_constant(self, wanted: str, array: Array, kind: TensorType) -> str:
        if wanted in self.constants and self.types[wanted] == kind:
            return wanted
        name = self._add_type(wanted, kind)
        self.constants[name] = array
        return name

    def _add_type(self, wanted: str, kind: TensorType) -> str:
        """A new value's name: `wanted`, with a number behind it where that is taken."""
        name, number = wanted, 1
        while name in self.types or name in self._graph.types:
            name, number = f"{wanted}_{number}", number + 1
        self.types[name] = kind
        return name


def _quant(kind: TensorType) -> Quant:
    return Quant.per_tensor(kind.scale, kind.zero_point)


def codes(array: Array, quant: Quant) -> Array:
    """The int8 codes nearest to real numbers, those out of range at the ends."""
    nearest = np.round(array / quant.scale[0]) + quant.zero_point[0]
    return np.clip(nearest, -128, 127).astype(np.int8)


def weight_scales(weights: Array, axis: int, bias: Array, input_scale: float) -> Array:
    """One float32 scale (as float64) for each output channel: largest weight over 127.

    Larger where the bias would otherwise leave int32, or where a channel's weights are all zero.
    """
    others = tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.abs(weights).max(axis=others).astype(np.float64) / 127.0
    for_bias = np.abs(bias).astype(np.float64) / (input_scale * _INT32_LIMIT / 2)
    scales = np.maximum(largest, for_bias)
    return np.where(scales >= SCALE_RANGE[0], scales, 1.0).astype(np.float32).astype(np.float64)


def _floats(values: Iterable[np.floating]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
