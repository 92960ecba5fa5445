# SPDX-License-Identifier: MIT
"""What a network asks of crossbars: each node as a block-diagonal matrix and its uses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import TensorType
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected

Kind = Literal["conv", "pointwise", "depthwise", "dense", "other"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One node: `groups` matrices of `rows` by `columns`, multiplied by `vectors` vectors.

    A node without weights has no rows and columns; its `output_elements` are what it costs.
    """

    name: str
    kind: Kind
    rows: int
    """Inputs of one group: KH·KW·Cin/groups."""
    columns: int
    """Outputs of one group."""
    groups: int
    vectors: int
    """Matrix-vector products of one inference: output pixels."""
    weight_bits: int
    macs: int
    input_elements: int
    output_elements: int

    @property
    def weights(self) -> int:
        """Weights that differ from zero by construction."""
        return self.rows * self.columns * self.groups


def layers_of(graph: Graph) -> tuple[Layer, ...]:
    """Every node of the graph as a layer, in the graph's order."""
    return tuple(_layer(graph, node, name) for name, node in named_nodes(graph).items())


def named_nodes(graph: Graph) -> dict[str, Node]:
    """Every node by the name of its layer: its own, or with a number where names repeat."""
    seen: Counter[str] = Counter()
    found: dict[str, Node] = {}
    for node in graph.nodes:
        seen[node.name] += 1
        name = node.name if seen[node.name] == 1 else f"{node.name}#{seen[node.name]}"
        found[name] = node
    return found


def _layer(graph: Graph, node: Node, name: str) -> Layer:
    inputs, (y, *_) = graph.input_types(node), graph.output_types(node)
    macs = node.op.macs(inputs, graph.output_types(node))
    elements = sum(
        t.elements for v, t in zip(node.inputs, inputs, strict=True) if v not in graph.constants
    )
    if not is_linear(graph, node):
        return Layer(name, "other", 0, 0, 1, 0, 8, macs, elements, y.elements)
    weights = inputs[1]
    kind, rows, columns, groups = _matrix(graph, node)
    vectors = y.elements // (columns * groups)
    bits = centred_bits(weights)
    return Layer(name, kind, rows, columns, groups, vectors, bits, macs, elements, y.elements)


def centred_bits(weights: TensorType) -> int:
    """Bits of a weight less its zero point: one more than stored where there is a zero point."""
    quant = weights.quant
    shifted = quant is not None and any(quant.zero_point)
    return weights.dtype.bits + int(shifted)


def is_linear(graph: Graph, node: Node) -> bool:
    """Whether a node is a product with constant integer weights, which a crossbar can hold."""
    if not isinstance(node.op, Conv2D | DepthwiseConv2D | FullyConnected):
        return False
    constant = node.inputs[1] in graph.constants and node.inputs[2] in graph.constants
    return constant and not graph.types[node.inputs[0]].dtype.is_float


def _matrix(graph: Graph, node: Node) -> tuple[Kind, int, int, int]:
    """Kind, rows, columns and groups of a linear node."""
    x, weights = graph.types[node.inputs[0]], graph.types[node.inputs[1]].shape
    match node.op:
        case DepthwiseConv2D():
            channels = x.shape[3]
            return "depthwise", weights[1] * weights[2], weights[3] // channels, channels
        case Conv2D():
            groups = x.shape[3] // weights[3]
            rows = weights[1] * weights[2] * weights[3]
            pointwise = weights[1] == weights[2] == groups == 1
            return "pointwise" if pointwise else "conv", rows, weights[0] // groups, groups
        case _:
            return "dense", weights[1], weights[0], 1
