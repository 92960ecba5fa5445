# SPDX-License-Identifier: MIT
"""What several passes need to rewrite a graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from milliwatt.ir.graph import Graph, Node


def sole_readers(graph: Graph) -> dict[str, Node]:
    """The node that reads each value, where there is exactly one and nothing else keeps it."""
    kept = graph.kept_values()
    readers = graph.consumers().items()
    return {value: nodes[0] for value, nodes in readers if len(nodes) == 1 and value not in kept}


def final_name(value: str, names: Mapping[str, str]) -> str:
    """Where a chain of names that starts at `value` ends."""
    while value in names:
        value = names[value]
    return value


def rename_values(graph: Graph, names: Mapping[str, str], dropped: Collection[int]) -> Graph:
    """`graph` less the nodes at the positions `dropped`, with the value names[v] for each v.

    Chains of names are followed to their end. Graph inputs, outputs and states keep their names.
    """

    def final(values: Iterable[str]) -> tuple[str, ...]:
        return tuple(final_name(v, names) for v in values)

    return graph.with_nodes(
        [
            replace(node, inputs=final(node.inputs), outputs=final(node.outputs))
            for position, node in enumerate(graph.nodes)
            if position not in dropped
        ]
    )


def unused_name(graph: Graph, wanted: str) -> str:
    """`wanted`, with a number behind it where the graph has a value of that name."""
    name, number = wanted, 1
    while name in graph.types:
        name, number = f"{wanted}_{number}", number + 1
    return name
