# SPDX-License-Identifier: MIT
"""An input that becomes an image inside the network, taken as that image."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.ir.graph import Graph
from milliwatt.ops.quantize import Quantize
from milliwatt.ops.shape import Reshape
from milliwatt.passes.remove_no_ops import remove_no_ops
from milliwatt.passes.rewrite import sole_readers

_RANK = 4


def use_image_input(graph: Graph) -> Graph:
    """Give the only input the shape that a Reshape gives it, where that is the shape of one image.

    Its elements and their order stay; between the input and the Reshape there may be a Quantize.
    Other graphs stay as they are. Not in PASSES: it changes the shape that callers see.
    """
    readers = sole_readers(graph)
    if len(graph.inputs) != 1 or _is_image(graph, graph.inputs[0]):
        return graph
    moved = [graph.inputs[0]]
    while not _is_image(graph, moved[-1]):
        node = readers.get(moved[-1])
        if node is None or not isinstance(node.op, Reshape | Quantize):
            return graph
        moved.append(node.outputs[0])
    if any((quant := graph.types[v].quant) and quant.axis is not None for v in moved):
        return graph
    shape = graph.types[moved[-1]].shape
    types = {v: replace(graph.types[v], shape=shape) for v in moved}
    nodes = [
        replace(node, op=Reshape(shape))
        if isinstance(node.op, Reshape) and node.outputs[0] in types
        else node
        for node in graph.nodes
    ]
    return remove_no_ops(graph.with_nodes(nodes, types={**graph.types, **types}))


def _is_image(graph: Graph, value: str) -> bool:
    shape = graph.types[value].shape
    return len(shape) == _RANK and shape[0] == 1
