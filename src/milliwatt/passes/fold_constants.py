# SPDX-License-Identifier: MIT
"""Compute at compile time what depends on constants only."""

from __future__ import annotations

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array


def fold_constants(graph: Graph) -> Graph:
    """Replace every node whose inputs are all constants by its value under its reference."""
    constants: dict[str, Array] = dict(graph.constants)
    kept: list[Node] = []
    for node in graph.nodes:
        if node.inputs and all(v in constants for v in node.inputs):
            values = [constants[v] for v in node.inputs]
            results = node.op.reference(values, graph.input_types(node), graph.output_types(node))
            constants.update(zip(node.outputs, results, strict=True))
        else:
            kept.append(node)
    return graph.with_nodes(kept, constants=constants)
