# SPDX-License-Identifier: MIT
"""Graph and core to Plan: kernels chosen, memory solved and checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choose import Lowering, Lowerings, lower_graph
from milliwatt.backend.mcu.decide import Arena
from milliwatt.backend.mcu.kernel import Core, Overlap
from milliwatt.backend.mcu.objective import SPEED, Objective
from milliwatt.backend.mcu.plan import Place, Plan, StateCopy, Step
from milliwatt.backend.mcu.states import StatePlan, plan_states, separate_outputs
from milliwatt.backend.mcu.support import refuse_unsupported
from milliwatt.backend.mcu.tables import pool_tables
from milliwatt.backend.mcu.views import view_shifts_bytes
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
) -> Plan:
    """Place `graph` (verified, passes done) on a microcontroller core.

    `name` prefixes the C symbols; `kept` names the kernels of nodes already decided. Raises
    UnsupportedError where no kernel computes a node or C has no form for a value, OptionError
    where a kept kernel does not compute its node, VerifyError where the memory plan is wrong.
    """
    refuse_unsupported(graph)
    graph = separate_outputs(graph)
    arena_of = partial(_arena, graph)
    lowerings = lower_graph(graph, core, objective, kept or {}, arena_of)
    states, problem = _memory_problem(graph, lowerings)
    solution = memory.solve(problem)
    memory.check(problem, solution)
    places = _places(graph, states, solution)
    steps = _steps(graph, lowerings, places, solution)
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
        objective=objective,
    )


def arena_under(graph: Graph, core: Core, kept: Mapping[str, str]) -> Arena:
    """The arena where `kept` names kernels of nodes, by heuristics; `full_at` indexes nodes."""
    graph = separate_outputs(graph)
    arena_of = partial(_arena, graph)
    return arena_of(lower_graph(graph, core, SPEED, kept, arena_of))


def _arena(graph: Graph, lowerings: Lowerings) -> Arena:
    _, problem = _memory_problem(graph, lowerings)
    solution = memory.solve(problem, effort=0)
    usage = memory.usage_over_time(problem, solution)
    most = max((step.live_bytes for step in usage), default=0)
    full = (i for i, step in zip(solution.order, usage, strict=True) if step.live_bytes == most)
    return Arena(solution.arena_bytes, tuple(sorted(full)))


def _memory_problem(graph: Graph, lowerings: Lowerings) -> tuple[StatePlan, memory.Problem]:
    states = plan_states(graph, {i: x.lowered for i, x in lowerings.items() if x is not None})
    parts = {v for i, n in enumerate(graph.nodes) if lowerings[i] is None for v in n.outputs}
    in_arena = [v for v in graph.types if v not in graph.constants and v not in states.offsets]
    arena = frozenset(in_arena)
    steps = tuple(
        _memory_step(graph, i, node, lowerings[i], arena) for i, node in enumerate(graph.nodes)
    )
    kept = [*graph.outputs, *(s.after for s in states.copied)]
    return states, memory.Problem(
        buffers=tuple(
            memory.Buffer(
                v, graph.types[v].size_bytes, _alignment_bytes(graph.types[v], part=v in parts)
            )
            for v in in_arena
        ),
        steps=steps,
        inputs=graph.inputs,
        outputs=tuple(dict.fromkeys(v for v in kept if v in arena)),
    )


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
    places: Mapping[str, Place],
    solution: memory.Solution,
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for i in solution.order:
        lowering, node = lowerings[i], graph.nodes[i]
        if lowering is None or _stays_in_place(node, places):
            continue
        steps.append(
            Step(
                index=len(steps),
                node=node,
                kernel=lowering.kernel,
                header=lowering.header,
                lowered=lowering.lowered,
                scratch_offset_bytes=solution.scratch_offsets.get(f"{i}:{node.name}"),
                macs=node.op.macs(graph.input_types(node), graph.output_types(node)),
            )
        )
    return tuple(steps)


def _stays_in_place(node: Node, places: Mapping[str, Place]) -> bool:
    """Whether a copy ends where it began, as one from a state to the value that it becomes."""
    return isinstance(node.op, Reshape) and places[node.inputs[0]] == places[node.outputs[0]]


def _places(graph: Graph, states: StatePlan, solution: memory.Solution) -> dict[str, Place]:
    places = {v: Place("flash", 0) for v in graph.constants}
    places |= {v: Place("state", offset) for v, offset in states.offsets.items()}
    places |= {v: Place("arena", offset) for v, offset in solution.offsets.items()}
    return places
