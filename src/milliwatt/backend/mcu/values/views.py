# SPDX-License-Identifier: MIT
"""Nodes that need no code: their outputs are parts of their input's memory."""

from __future__ import annotations

from math import prod

from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.shape import Reshape, Split, Unpack


def is_view(graph: Graph, node: Node) -> bool:
    """Whether the outputs of `node` lie in its input's bytes as they stand.

    Views of constants and of states are not: a constant's are folded, and a state changes at a
    moment of its own.
    """
    fixed = {*graph.constants, *(v for s in graph.states for v in (s.before, s.after))}
    if any(v in fixed for v in (*node.inputs, *node.outputs)):
        return False
    if any(t.dtype.bits < 8 for t in graph.input_types(node)):
        return False
    match node.op:
        case Reshape():
            return True
        case Split(axis=axis) | Unpack(axis=axis):
            return prod(graph.types[node.inputs[0]].shape[:axis]) == 1
        case _:
            return False


def view_shifts_bytes(graph: Graph, node: Node) -> tuple[int, ...]:
    """For each output of a view, where it begins in the input."""
    shifts: list[int] = []
    position = 0
    for kind in graph.output_types(node):
        shifts.append(position)
        position += kind.size_bytes
    return tuple(shifts)
