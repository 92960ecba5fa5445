# SPDX-License-Identifier: MIT
"""From a graph to the layers that tiles compute, and the nodes left to the host core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.slices import choose_code
from milliwatt.errors import OptionError, UnsupportedError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected

_LINEAR = (Conv2D, DepthwiseConv2D, FullyConnected)


@dataclass(frozen=True, slots=True)
class Precision:
    """Bits in which a layer's weights and activations are computed (see `slices.choose_code`)."""

    weight_bits: int
    activation_bits: int


def is_linear(node: Node) -> bool:
    """Whether tiles compute the node."""
    return isinstance(node.op, _LINEAR)


def graph_layers(graph: Graph, precision: Mapping[str, Precision]) -> dict[str, Layer]:
    """The layers of the graph's convolutions and fully connected nodes, by the value they compute.

    Bits are those of the element types where `precision` has no entry for that value. An
    UnsupportedError lists everything that neither tiles nor the host can do; a DataError names
    weights that their precision cannot hold.
    """
    problems = [text for node in graph.nodes for text in _problems(graph, node)]
    if problems:
        raise UnsupportedError(f"model '{graph.name}' cannot be placed:", problems)
    linear = {node.outputs[0]: node for node in graph.nodes if is_linear(node)}
    unknown = set(precision) - set(linear)
    if unknown:
        raise OptionError(
            f"precision is given for {', '.join(sorted(unknown))}, which the tiles of "
            f"'{graph.name}' do not compute; they compute: {', '.join(linear)}"
        )
    return {value: _layer(graph, node, precision.get(value)) for value, node in linear.items()}


def kernel_matrix(node: Node, weights: Array) -> Array:
    """Weights [kernels, elements], elements in the order rows, columns, channels."""
    if isinstance(node.op, DepthwiseConv2D):
        return weights.reshape(-1, weights.shape[3]).T
    return weights.reshape(weights.shape[0], -1)


def _problems(graph: Graph, node: Node) -> list[str]:
    types = graph.input_types(node)
    if not is_linear(node):
        macs = node.op.macs(types, graph.output_types(node))
        return [f"{node.name}: {node.op.kind} has MACs and no mapping to tiles"] if macs else []
    if node.inputs[1] not in graph.constants:
        return [f"{node.name}: its weights are computed; tiles hold constant ones"]
    if types[0].dtype.is_float:
        return [f"{node.name}: floating point; quantise the model first"]
    quant = types[1].quant
    if quant is not None and any(quant.zero_point):
        return [f"{node.name}: weights with a zero point; tiles take symmetric ones"]
    return []


def _layer(graph: Graph, node: Node, precision: Precision | None) -> Layer:
    x, weights = graph.input_types(node)[:2]
    y = graph.output_types(node)[0]
    bits = precision or Precision(weights.dtype.bits, x.dtype.bits)
    choose_code(
        graph.constants[node.inputs[1]], bits.weight_bits, f"weights of '{node.outputs[0]}'"
    )
    if isinstance(node.op, Conv2D | DepthwiseConv2D):
        return _convolution(node.outputs[0], node.op, (x, weights, y), bits)
    return Layer(
        node.outputs[0],
        in_channels=weights.shape[1],
        kernel_hw=(1, 1),
        kernels=weights.shape[0],
        out_hw=(y.elements // weights.shape[0], 1),
        weight_bits=bits.weight_bits,
        activation_bits=bits.activation_bits,
    )


def _convolution(
    name: str, op: Conv2D | DepthwiseConv2D, types: tuple[TensorType, ...], bits: Precision
) -> Layer:
    x, weights, y = types
    depthwise = isinstance(op, DepthwiseConv2D)
    return Layer(
        name,
        in_channels=x.shape[3],
        kernel_hw=(weights.shape[1], weights.shape[2]),
        kernels=y.shape[3],
        out_hw=(y.shape[0] * y.shape[1], y.shape[2]),
        weight_bits=bits.weight_bits,
        activation_bits=bits.activation_bits,
        groups=x.shape[3] if depthwise else x.shape[3] // weights.shape[3],
        stride_hw=op.stride_hw,
    )
