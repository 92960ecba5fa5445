# SPDX-License-Identifier: MIT
"""From a graph to the matrix products that tiles compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.slices import choose_code
from milliwatt.errors import OptionError, UnsupportedError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm

_CONVOLUTIONS = (Conv2D, DepthwiseConv2D, TransposeConv2D)
_LINEAR = (*_CONVOLUTIONS, FullyConnected)
_RECURRENT = (Svdf, UnidirectionalLstm)


@dataclass(frozen=True, slots=True)
class Precision:
    """Bits in which a layer's weights and activations are computed (see `slices.choose_code`)."""

    weight_bits: int
    activation_bits: int


@dataclass(frozen=True, slots=True)
class Product:
    """A product with constant weights inside a node: all of a convolution, one of an LSTM's two.

    `matrix` is [kernels, elements], elements in the order rows, columns, channels; `source` is the
    value that it multiplies.
    """

    node: Node
    source: str
    matrix: Array = field(compare=False)
    layer: Layer


def is_linear(node: Node) -> bool:
    """Whether the node is one product with weights, requantised."""
    return isinstance(node.op, _LINEAR)


def has_products(node: Node) -> bool:
    """Whether tiles compute the node, or the products in it."""
    return isinstance(node.op, _LINEAR + _RECURRENT)


def graph_products(
    graph: Graph, precision: Mapping[str, Precision] | None = None
) -> dict[str, Product]:
    """The products of the graph by name: the value that the node computes, and for an LSTM which.

    Convolutions, fully connected layers, the features of an SVDF, the gates of an LSTM. Bits are
    those of the element types where `precision` has no entry for that name. An UnsupportedError
    lists everything that neither tiles nor the host can do; a DataError names weights that their
    precision cannot hold.
    """
    problems = [text for node in graph.nodes for text in _problems(graph, node)]
    if problems:
        raise UnsupportedError(f"model '{graph.name}' cannot be placed:", problems)
    precision = precision or {}
    found: dict[str, Product] = {}
    for node in graph.nodes:
        if has_products(node):
            found |= _products(graph, node, precision)
    unknown = set(precision) - set(found)
    if unknown:
        raise OptionError(
            f"precision is given for {', '.join(sorted(unknown))}, which the tiles of "
            f"'{graph.name}' do not compute; they compute: {', '.join(found)}"
        )
    return found


def gate_names(node: Node) -> tuple[str, str]:
    """Names of an LSTM's products: with its input, and with its hidden state."""
    return f"{node.outputs[0]}: input gates", f"{node.outputs[0]}: recurrent gates"


def _problems(graph: Graph, node: Node) -> list[str]:
    if not has_products(node):
        return []
    types = graph.input_types(node)
    if types[0].dtype.is_float:
        return [f"{node.name}: floating point; quantise the model first"]
    positions = range(1, 9) if isinstance(node.op, UnidirectionalLstm) else (1,)
    if any(node.inputs[i] not in graph.constants for i in positions):
        return [f"{node.name}: its weights are computed; tiles hold constant ones"]
    if any(any(q.zero_point) for i in positions if (q := types[i].quant) is not None):
        return [f"{node.name}: weights with a zero point; tiles take symmetric ones"]
    return []


def _products(graph: Graph, node: Node, precision: Mapping[str, Precision]) -> dict[str, Product]:
    types, constants = graph.input_types(node), graph.constants
    name = node.outputs[0]
    if isinstance(node.op, UnidirectionalLstm):
        return _gates(graph, node, precision)
    matrix = _kernel_matrix(node, constants[node.inputs[1]])
    bits = _bits(name, matrix, types[1], types[0], precision)
    if isinstance(node.op, Conv2D | DepthwiseConv2D | TransposeConv2D):
        layer = _convolution(name, node.op, (*types[:2], graph.output_types(node)[0]), bits)
    else:
        layer = _dense(name, matrix, types[0].elements // matrix.shape[1], bits)
    return {name: Product(node, node.inputs[0], matrix, layer)}


def _kernel_matrix(node: Node, weights: Array) -> Array:
    if isinstance(node.op, DepthwiseConv2D):
        return weights.reshape(-1, weights.shape[3]).T
    if isinstance(node.op, TransposeConv2D):
        weights = weights[:, ::-1, ::-1, :]
    return weights.reshape(weights.shape[0], -1)


def _gates(graph: Graph, node: Node, precision: Mapping[str, Precision]) -> dict[str, Product]:
    """All four gates side by side; the recurrent ones step by step, as each needs the last's."""
    assert isinstance(node.op, UnidirectionalLstm)
    types = graph.input_types(node)
    x, hidden = types[0], types[13]
    steps = x.shape[0 if node.op.time_major else 1]
    found: dict[str, Product] = {}
    for name, first, source in zip(gate_names(node), (1, 5), (0, 13), strict=True):
        matrix = np.concatenate([graph.constants[v] for v in node.inputs[first : first + 4]])
        bits = _bits(name, matrix, types[first], types[source], precision)
        again = steps if source else 1
        vectors = hidden.shape[0] * (1 if source else steps)
        layer = _dense(name, matrix, vectors, bits, again)
        found[name] = Product(node, node.inputs[source], matrix, layer)
    return found


def _bits(
    name: str, matrix: Array, weights: TensorType, x: TensorType, given: Mapping[str, Precision]
) -> Precision:
    bits = given.get(name) or Precision(weights.dtype.bits, x.dtype.bits)
    choose_code(matrix, bits.weight_bits, f"weights of '{name}'")
    return bits


def _dense(name: str, matrix: Array, vectors: int, bits: Precision, repeats: int = 1) -> Layer:
    return Layer(
        name,
        in_channels=matrix.shape[1],
        kernel_hw=(1, 1),
        kernels=matrix.shape[0],
        out_hw=(vectors, 1),
        weight_bits=bits.weight_bits,
        activation_bits=bits.activation_bits,
        repeats=repeats,
    )


def _convolution(
    name: str,
    op: Conv2D | DepthwiseConv2D | TransposeConv2D,
    types: tuple[TensorType, ...],
    bits: Precision,
) -> Layer:
    x, weights, y = types
    transposed = isinstance(op, TransposeConv2D)
    groups = x.shape[3] if isinstance(op, DepthwiseConv2D) else x.shape[3] // weights.shape[3]
    return Layer(
        name,
        in_channels=x.shape[3],
        kernel_hw=(weights.shape[1], weights.shape[2]),
        kernels=y.shape[3],
        out_hw=(y.shape[0] * y.shape[1], y.shape[2]),
        weight_bits=bits.weight_bits,
        activation_bits=bits.activation_bits,
        groups=groups,
        stride_hw=(1, 1) if transposed else op.stride_hw,
        inserted_hw=op.stride_hw if transposed else (1, 1),
    )
