# SPDX-License-Identifier: MIT
"""Reorder a dense layer's weights instead of the image it reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.shape import Reshape, Transpose
from milliwatt.passes.rewrite import unused_name


def fold_transpose_into_dense(graph: Graph) -> Graph:
    """FullyConnected(Reshape(Transpose(x))) to FullyConnected(Reshape(x)), weight columns moved.

    Where the transpose leaves the batch alone and the reshape makes one row of each sample.
    """
    producers = graph.producers()
    constants: dict[str, Array] = dict(graph.constants)
    types = dict(graph.types)
    nodes: list[Node] = []
    for node in graph.nodes:
        source = _transposed_source(graph, producers, node)
        if source is None:
            nodes.append(node)
            continue
        reshape, transpose = source
        columns = _column_order(graph, transpose)
        rows = unused_name(graph, f"{node.outputs[0]}/rows")
        weights = unused_name(graph, f"{node.outputs[0]}/weights_reordered")
        before = graph.types[reshape.outputs[0]]
        types[rows] = before
        types[weights] = graph.types[node.inputs[1]]
        constants[weights] = np.ascontiguousarray(graph.constants[node.inputs[1]][:, columns])
        nodes.append(Node(rows, Reshape(before.shape), transpose.inputs, (rows,)))
        nodes.append(replace(node, inputs=(rows, weights, node.inputs[2])))
    return graph.with_nodes(nodes, types=types, constants=constants)


def _transposed_source(
    graph: Graph, producers: dict[str, Node], node: Node
) -> tuple[Node, Node] | None:
    if not isinstance(node.op, FullyConnected) or node.inputs[1] not in graph.constants:
        return None
    reshape = producers.get(node.inputs[0])
    if reshape is None or not isinstance(reshape.op, Reshape):
        return None
    transpose = producers.get(reshape.inputs[0])
    if transpose is None or not isinstance(transpose.op, Transpose):
        return None
    shape = graph.types[transpose.inputs[0]].shape
    row = graph.types[reshape.outputs[0]].shape
    depth = graph.types[node.inputs[1]].shape[1]
    one_row_each = row == (shape[0], int(np.prod(shape[1:]))) == (shape[0], depth)
    return (reshape, transpose) if one_row_each and transpose.op.perm[0] == 0 else None


def _column_order(graph: Graph, transpose: Node) -> Array:
    """For each column in the source's own order, the weight column that multiplied it."""
    source, moved = (graph.types[v].shape for v in (transpose.inputs[0], transpose.outputs[0]))
    perm = transpose.op.perm if isinstance(transpose.op, Transpose) else ()
    positions = np.arange(int(np.prod(moved[1:]))).reshape((1, *moved[1:]))
    back = np.argsort(perm)
    return positions.transpose(back).reshape(int(np.prod(source[1:])))
