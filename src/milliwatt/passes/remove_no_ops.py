# SPDX-License-Identifier: MIT
"""Remove nodes that hand their input on unchanged."""

from __future__ import annotations

from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.shape import Concat, Pad, Reshape, Slice, Split, Transpose
from milliwatt.passes.rewrite import rename_reads


def remove_no_ops(graph: Graph) -> Graph:
    """Let readers of an identity read its input; a Dequantize undone by a Quantize goes too.

    An identity between a graph input (or constant, or state) and a graph output stays: the two
    are different memory to the caller.
    """
    producers = graph.producers()
    kept = graph.kept_values()
    names: dict[str, str] = {}
    for node in graph.nodes:
        source = _identity_of(graph, producers, node)
        if source is None:
            continue
        if node.outputs[0] in kept and _origin(source, names) not in producers:
            continue
        if node.outputs[0] in kept and _origin(source, names) in kept:
            continue
        names[node.outputs[0]] = source
    return rename_reads(graph, names, frozenset(names))


def _origin(value: str, names: dict[str, str]) -> str:
    while value in names:
        value = names[value]
    return value


def _identity_of(graph: Graph, producers: dict[str, Node], node: Node) -> str | None:
    """The value that `node`'s only output equals, if there is one."""
    if len(node.outputs) != 1:
        return None
    source = node.inputs[0]
    before, after = graph.types[source], graph.types[node.outputs[0]]
    match node.op:
        case Reshape() | Slice() | Pad() if before == after:
            return source
        case Transpose(perm=perm) if perm == tuple(range(len(perm))):
            return source
        case Concat() | Split() if len(node.inputs) == 1 and before == after:
            return source
        case Quantize() if before == after:
            return source
        case Quantize():
            maker = producers.get(source)
            if maker is None or not isinstance(maker.op, Dequantize):
                return None
            return maker.inputs[0] if graph.types[maker.inputs[0]] == after else None
        case _:
            return None
