# SPDX-License-Identifier: MIT
"""Clamp in the operator that computes a value, not in a step of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.activation import Relu
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.passes.rewrite import sole_readers

_FUSES = (
    Conv2D
    | DepthwiseConv2D
    | TransposeConv2D
    | FullyConnected
    | AveragePool2D
    | MaxPool2D
    | Add
    | Sub
    | Mul
)


def fuse_activations(graph: Graph) -> Graph:
    """Move a Relu into the operator before it, where nothing else reads the unclamped value.

    Both values must have one type: then the Relu only clamps and does not rescale.
    """
    readers = sole_readers(graph)
    fused: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.outputs[0] in fused:
            continue
        relu = _clamp_after(graph, node, readers)
        if relu is None or not isinstance(node.op, _FUSES) or not isinstance(relu.op, Relu):
            nodes.append(node)
            continue
        op = replace(node.op, activation=relu.op.activation)
        nodes.append(replace(node, op=op, outputs=relu.outputs))
        fused[relu.outputs[0]] = relu
    return graph.with_nodes(nodes)


def _clamp_after(graph: Graph, node: Node, readers: Mapping[str, Node]) -> Node | None:
    if not isinstance(node.op, _FUSES) or node.op.activation is not Activation.NONE:
        return None
    reader = readers.get(node.outputs[0])
    if reader is None or not isinstance(reader.op, Relu):
        return None
    same = graph.types[node.outputs[0]] == graph.types[reader.outputs[0]]
    return reader if same else None
