# SPDX-License-Identifier: MIT
"""Graph and core to Plan: kernels chosen, memory solved and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choose import Lowering, Lowerings, lower_graph
from milliwatt.backend.mcu.decide import Arena
from milliwatt.backend.mcu.kernel import Core, Overlap
from milliwatt.backend.mcu.objective import SPEED, Objective
from milliwatt.backend.mcu.plan import Place, PlacedStream, Plan, StateCopy, Step
from milliwatt.backend.mcu.states import StatePlan, plan_states, separate_outputs
from milliwatt.backend.mcu.streaming.check import check_stream
from milliwatt.backend.mcu.streaming.outer import stream_step, units_of, values_within
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.backend.mcu.support import refuse_unsupported
from milliwatt.backend.mcu.tables import pool_tables
from milliwatt.backend.mcu.views import view_shifts_bytes
from milliwatt.backend.mcu.wide import divide_wide
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import TensorType
from milliwatt.ops.shape import Reshape

BUFFER_ALIGNMENT_BYTES = 4
"""Buffers start at a multiple of this, so that kernels load words at one cycle each. Parts of
another buffer start where they lie, at a multiple of their element's size."""


def make_plan(
    graph: Graph,
    core: Core,
    name: str,
    *,
    objective: Objective = SPEED,
    kept: Mapping[str, str] | None = None,
    streams: tuple[Stream, ...] = (),
) -> Plan:
    """Place `graph` (verified, passes done) on a microcontroller core.

    `name` prefixes the C symbols; `kept` names the kernels of nodes already decided. Raises
    UnsupportedError where no kernel computes a node or C has no form for a value, OptionError
    where a kept kernel does not compute its node, VerifyError where the memory plan is wrong.
    """
    refuse_unsupported(graph)
    graph = separate_outputs(divide_wide(graph))
    lowerings = lower_graph(graph, core, objective, kept or {}, partial(_arena, graph))
    states, problem, units = _memory_problem(graph, lowerings, streams)
    solution = memory.solve(problem)
    memory.check(problem, solution)
    placed = _place_streams(streams, solution)
    for one in placed.values():
        check_stream(graph, one.stream, solution.offsets, one.offset_bytes, solution.arena_bytes)
    places = _places(graph, states, solution, placed)
    steps = _steps(graph, lowerings, placed, units, places, solution)
    return Plan(
        name=name,
        graph=graph,
        core=core,
        steps=steps,
        tables=pool_tables(name, [(step.index, step.lowered) for step in steps]),
        places=places,
        arena_bytes=solution.arena_bytes,
        arena_bound_bytes=solution.lower_bound_bytes,
        proven_optimal=solution.proven_optimal,
        state_bytes=states.total_bytes,
        state_copies=tuple(StateCopy(s, graph.types[s.before].size_bytes) for s in states.copied),
        memory=problem,
        solution=solution,
        units=units,
        streams=_with_steps(placed, steps),
        objective=objective,
    )


def arena_under(graph: Graph, core: Core, kept: Mapping[str, str]) -> Arena:
    """The arena where `kept` names kernels of nodes, by heuristics; `full_at` indexes nodes."""
    graph = separate_outputs(divide_wide(graph))
    arena_of = partial(_arena, graph)
    return arena_of(lower_graph(graph, core, SPEED, kept, arena_of))


def _arena(graph: Graph, lowerings: Lowerings) -> Arena:
    _, problem, _ = _memory_problem(graph, lowerings, ())
    solution = memory.solve(problem, effort=0)
    usage = memory.usage_over_time(problem, solution)
    most = max((step.live_bytes for step in usage), default=0)
    full = (i for i, step in zip(solution.order, usage, strict=True) if step.live_bytes == most)
    return Arena(solution.arena_bytes, tuple(sorted(full)))


def _memory_problem(
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
        else _memory_step(graph, unit[0], graph.nodes[unit[0]], alone[unit[0]], arena)
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


def _memory_step(
    graph: Graph, index: int, node: Node, lowering: Lowering | None, arena: frozenset[str]
) -> memory.Step:
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
        _in_place(node, o)
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


def _in_place(node: Node, overlap: Overlap) -> memory.InPlace:
    read, write = node.inputs[overlap.input], node.outputs[overlap.output]
    if overlap.exact:
        return memory.InPlace(read, write, -overlap.gap_bytes, -overlap.gap_bytes)
    return memory.InPlace.trailing(read, write, overlap.gap_bytes)


def _steps(
    graph: Graph,
    lowerings: Lowerings,
    streams: Mapping[range, PlacedStream],
    units: Sequence[range],
    places: Mapping[str, Place],
    solution: memory.Solution,
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for unit in (units[i] for i in solution.order):
        lowering, node = lowerings[unit[0]], graph.nodes[unit[0]]
        if unit in streams:
            steps += _stream_steps(graph, streams[unit], list(streams).index(unit), len(steps))
        elif lowering is not None and not _stays_in_place(node, places):
            scratch = solution.scratch_offsets.get(f"{unit[0]}:{node.name}")
            steps.append(_step(graph, len(steps), node, lowering, scratch))
    return tuple(steps)


def _step(
    graph: Graph, index: int, node: Node, lowering: Lowering, scratch_offset_bytes: int | None
) -> Step:
    return Step(
        index=index,
        node=node,
        kernel=lowering.kernel,
        header=lowering.header,
        lowered=lowering.lowered,
        scratch_offset_bytes=scratch_offset_bytes,
        macs=node.op.macs(graph.input_types(node), graph.output_types(node)),
    )


def _stream_steps(graph: Graph, placed: PlacedStream, number: int, first_index: int) -> list[Step]:
    steps: list[Step] = []
    for index, call in enumerate(placed.stream.calls, start=first_index):
        inner = call.scratch_offset_bytes
        scratch = None if inner is None else placed.offset_bytes + inner
        lowering = Lowering(call.kernel, call.header, call.lowered)
        step = _step(graph, index, graph.nodes[call.node_index], lowering, scratch)
        steps.append(replace(step, stream=number))
    return steps


def _with_steps(
    streams: Mapping[range, PlacedStream], steps: Sequence[Step]
) -> tuple[PlacedStream, ...]:
    """Each stream with the range of its steps."""
    of = [[step.index for step in steps if step.stream == i] for i in range(len(streams))]
    return tuple(
        replace(placed, steps=range(indices[0], indices[-1] + 1))
        for placed, indices in zip(streams.values(), of, strict=True)
    )


def _stays_in_place(node: Node, places: Mapping[str, Place]) -> bool:
    """Whether a copy ends where it began, as one from a state to the value that it becomes."""
    return isinstance(node.op, Reshape) and places[node.inputs[0]] == places[node.outputs[0]]


def _place_streams(
    streams: Sequence[Stream], solution: memory.Solution
) -> dict[range, PlacedStream]:
    offsets = solution.scratch_offsets
    return {
        stream.nodes: PlacedStream(stream, offsets.get(stream.step_name, 0), range(0))
        for stream in streams
    }


def _places(
    graph: Graph,
    states: StatePlan,
    solution: memory.Solution,
    streams: Mapping[range, PlacedStream],
) -> dict[str, Place]:
    places = {v: Place("flash", 0) for v in graph.constants}
    places |= {v: Place("state", offset) for v, offset in states.offsets.items()}
    places |= {v: Place("arena", offset) for v, offset in solution.offsets.items()}
    for placed in streams.values():
        strips = (strip for strip in placed.stream.strips.values() if not strip.whole)
        places |= {
            strip.value: Place("arena", placed.offset_bytes + strip.offset_bytes)
            for strip in strips
        }
    return places
