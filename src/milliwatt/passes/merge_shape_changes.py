# SPDX-License-Identifier: MIT
"""One reshape or transpose instead of a chain; no transpose where no data moves."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Shape
from milliwatt.ops.shape import Reshape, Transpose


def merge_shape_changes(graph: Graph) -> Graph:
    """Reshape of Reshape, Transpose of Transpose, and Transposes that only move unit axes.

    Merged nodes read the first one's input; what nobody reads any more is left for
    `remove_dead_nodes`.
    """
    latest: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        merged = _simplify(graph, latest.get(node.inputs[0]), node)
        latest[merged.outputs[0]] = merged
        nodes.append(merged)
    return graph.with_nodes(nodes)


def _simplify(graph: Graph, before: Node | None, node: Node) -> Node:
    op = node.op
    if isinstance(op, Transpose):
        if before is not None and isinstance(before.op, Transpose):
            perm = tuple(before.op.perm[axis] for axis in op.perm)
            node = replace(node, op=Transpose(perm), inputs=before.inputs)
            op = node.op
        shape = graph.types[node.inputs[0]].shape
        if isinstance(op, Transpose) and moves_only_unit_axes(shape, op.perm):
            return replace(node, op=Reshape(graph.types[node.outputs[0]].shape))
    elif isinstance(op, Reshape) and before is not None and isinstance(before.op, Reshape):
        return replace(node, inputs=before.inputs)
    return node


def moves_only_unit_axes(shape: Shape, perm: tuple[int, ...]) -> bool:
    """Whether the axes longer than 1 keep their order, so that memory stays as it is."""
    moved = [axis for axis in perm if shape[axis] > 1]
    return moved == sorted(moved)
