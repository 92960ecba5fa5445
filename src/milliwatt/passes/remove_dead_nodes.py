# SPDX-License-Identifier: MIT
"""Remove nodes whose results nobody uses."""

from __future__ import annotations

from milliwatt.ir.graph import Graph, Node


def remove_dead_nodes(graph: Graph) -> Graph:
    """Keep only what graph outputs and states depend on."""
    needed = set(graph.kept_values())
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return graph.with_nodes(kept[::-1])
