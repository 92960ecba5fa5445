# SPDX-License-Identifier: MIT
"""Let convolutions pad by themselves."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.base import Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.shape import Pad


def fold_padding(graph: Graph) -> Graph:
    """Add a Pad's rows and columns to the padding of the convolutions that read it.

    Only where the Pad adds the zero point, and to height and width alone: then padded taps
    contribute nothing, as a convolution's own padding does. The Pad stays for other readers.
    """
    producers = graph.producers()
    return graph.with_nodes([_absorb(graph, producers.get(n.inputs[0]), n) for n in graph.nodes])


def _absorb(graph: Graph, pad: Node | None, node: Node) -> Node:
    op = node.op
    if pad is None or not isinstance(pad.op, Pad) or not isinstance(op, Conv2D | DepthwiseConv2D):
        return node
    kind = graph.types[pad.inputs[0]]
    zero = 0.0 if kind.dtype.is_float else kind.zero_point
    batch, rows, columns, channels = pad.op.pads
    if pad.op.value != zero or batch != (0, 0) or channels != (0, 0):
        return node
    own = op.padding
    wider = Padding(
        own.top + rows[0], own.bottom + rows[1], own.left + columns[0], own.right + columns[1]
    )
    return replace(node, op=replace(op, padding=wider), inputs=(pad.inputs[0], *node.inputs[1:]))
