# SPDX-License-Identifier: MIT
"""The memory problem of a network: values as buffers, nodes and streams as steps."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choose import Lowering, Lowerings
from milliwatt.backend.mcu.sharing import in_place
from milliwatt.backend.mcu.states import StatePlan, plan_states
from milliwatt.backend.mcu.streaming.outer import stream_step, units_of, values_within
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.backend.mcu.views import view_shifts_bytes
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import TensorType

BUFFER_ALIGNMENT_BYTES = 4
"""Buffers start at a multiple of this, so that kernels load words at one cycle each. Parts of
another buffer start where they lie, at a multiple of their element's size."""


def arena_problem(
    graph: Graph, lowerings: Lowerings, streams: Sequence[Stream]
) -> tuple[StatePlan, memory.Problem, tuple[range, ...]]:
    """Where states live, the problem of the arena, and the nodes of each of its steps."""
    streamed = {stream.nodes: stream for stream in streams}
    units = units_of(graph, streams)
    alone = {unit[0]: lowerings[unit[0]] for unit in units if unit not in streamed}
    states = plan_states(graph, {i: x.lowered for i, x in alone.items() if x is not None})
    parts = {v for i, x in alone.items() if x is None for v in graph.nodes[i].outputs}
    elsewhere = {*graph.constants, *states.offsets, *values_within(streams)}
    in_arena = [v for v in graph.types if v not in elsewhere]
    arena = frozenset(in_arena)
    steps = tuple(
        stream_step(streamed[unit])
        if unit in streamed
        else lone_step(graph, unit[0], alone[unit[0]], arena)
        for unit in units
    )
    kept = [*graph.outputs, *(s.after for s in states.copied)]
    problem = memory.Problem(
        buffers=tuple(
            memory.Buffer(
                v, graph.types[v].size_bytes, _alignment_bytes(graph.types[v], part=v in parts)
            )
            for v in in_arena
        ),
        steps=steps,
        inputs=tuple(v for v in graph.inputs if v in arena),
        outputs=tuple(dict.fromkeys(v for v in kept if v in arena)),
    )
    return states, problem, units


def _alignment_bytes(kind: TensorType, *, part: bool) -> int:
    element_bytes = max(1, kind.dtype.bits // 8)
    return element_bytes if part else max(BUFFER_ALIGNMENT_BYTES, element_bytes)


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
