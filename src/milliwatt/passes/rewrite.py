# SPDX-License-Identifier: MIT
"""What several passes need to rewrite a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from milliwatt.ir.graph import Graph, Node


def sole_reader(graph: Graph, value: str) -> Node | None:
    """The one node that reads `value`, if there is exactly one and nothing else keeps it."""
    if value in graph.kept_values():
        return None
    readers = graph.consumers()[value]
    return readers[0] if len(readers) == 1 else None


def rename_reads(graph: Graph, names: Mapping[str, str], dropped: frozenset[str]) -> Graph:
    """`graph` without the nodes that define `dropped` values, readers reading `names[v]` for v.

    Graph outputs and states read the new names too. Chains of names are followed to their end.
    """

    def final(value: str) -> str:
        while value in names:
            value = names[value]
        return value

    nodes = [
        replace(n, inputs=tuple(final(v) for v in n.inputs))
        for n in graph.nodes
        if not dropped.intersection(n.outputs)
    ]
    renamed = replace(
        graph,
        outputs=tuple(final(v) for v in graph.outputs),
        states=tuple(replace(s, after=final(s.after)) for s in graph.states),
    )
    return renamed.with_nodes(nodes)
