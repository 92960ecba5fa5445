# SPDX-License-Identifier: MIT
"""Nodes outside streams as steps of the network's memory problem."""

from __future__ import annotations

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choice.choose import Lowering
from milliwatt.backend.mcu.values.sharing import in_place
from milliwatt.backend.mcu.values.views import view_shifts_bytes
from milliwatt.ir.graph import Graph

BUFFER_ALIGNMENT_BYTES = 4
"""Buffers start at a multiple of this, so that kernels load words at one cycle each. Parts of
another buffer start where they lie, at a multiple of their element's size."""


def lone_step(
    graph: Graph, index: int, lowering: Lowering | None, arena: frozenset[str]
) -> memory.Step:
    """A node outside streams as one step; `arena` holds the values that lie there."""
    node = graph.nodes[index]
    reads = tuple(dict.fromkeys(v for v in node.inputs if v in arena))
    writes = tuple(v for v in node.outputs if v in arena)
    name = f"{index}:{node.name}"
    if lowering is None:
        shifts = view_shifts_bytes(graph, node)
        aliases = tuple(
            memory.Alias(node.inputs[0], v, s) for v, s in zip(node.outputs, shifts, strict=True)
        )
        return memory.Step(name, reads, writes, aliases=aliases)
    overlaps = (
        in_place(node.inputs[o.input], node.outputs[o.output], o)
        for o in lowering.lowered.overlaps
        if node.inputs[o.input] in arena and node.outputs[o.output] in arena
    )
    return memory.Step(
        name,
        reads,
        writes,
        scratch_bytes=lowering.lowered.scratch_bytes,
        scratch_alignment=BUFFER_ALIGNMENT_BYTES,
        in_place=tuple(dict.fromkeys(overlaps)),
    )
