# SPDX-License-Identifier: MIT
"""The memory problem of a network: values as buffers, nodes and streams as steps."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choice.choose import Lowerings
from milliwatt.backend.mcu.choice.steps import BUFFER_ALIGNMENT_BYTES, lone_step
from milliwatt.backend.mcu.streaming.outer import stream_step, units_of, values_within
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.backend.mcu.values.states import StatePlan, plan_states
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import TensorType


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
