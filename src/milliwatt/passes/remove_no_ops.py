# SPDX-License-Identifier: MIT
"""Remove nodes that hand their input on unchanged."""

from __future__ import annotations

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import DType
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.shape import Concat, Pad, Reshape, Slice, Split, Transpose
from milliwatt.passes.rewrite import final_name, rename_values


def remove_no_ops(graph: Graph) -> Graph:
    """Let readers of an identity read its input; a Dequantize undone by a Quantize goes too.

    An identity whose result is a graph output, or what a state becomes, gives its name to its
    input. It stays where that is a graph input, a constant, or a state, or has such a name itself:
    the two are different memory to the caller.
    """
    producers = graph.producers()
    kept = graph.kept_values()
    names: dict[str, str] = {}
    dropped: set[int] = set()
    for position, node in enumerate(graph.nodes):
        source = _identity_of(graph, producers, node)
        if source is None:
            continue
        origin = final_name(source, names)
        if node.outputs[0] not in kept:
            names[node.outputs[0]] = origin
        elif origin in producers and origin not in kept:
            names[origin] = node.outputs[0]
        else:
            continue
        dropped.add(position)
    return rename_values(graph, names, dropped)


def _identity_of(graph: Graph, producers: dict[str, Node], node: Node) -> str | None:
    """The value that `node`'s only output equals, if there is one."""
    if len(node.outputs) != 1:
        return None
    source = node.inputs[0]
    before, after = graph.types[source], graph.types[node.outputs[0]]
    match node.op:
        case Reshape() | Pad() if before == after:
            return source
        # Backwards through a whole axis keeps the shape too.
        case Slice(strides=strides) if before == after and min(strides, default=1) > 0:
            return source
        case Transpose(perm=perm) if perm == tuple(range(len(perm))):
            return source
        case Concat() | Split() if len(node.inputs) == 1 and before == after:
            return source
        # An int32 beyond 2**30 wraps round in a requantisation, even by 1.
        case Quantize() if before == after and before.dtype is not DType.INT32:
            return source
        case Quantize():
            maker = producers.get(source)
            if maker is None or not isinstance(maker.op, Dequantize):
                return None
            return maker.inputs[0] if graph.types[maker.inputs[0]] == after else None
        case _:
            return None
