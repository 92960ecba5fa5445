# SPDX-License-Identifier: MIT
"""Graph and core to Plan: kernels chosen, memory solved and checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choice.choose import Lowering, Lowerings, lower_graph
from milliwatt.backend.mcu.choice.objective import SPEED, SRAM, Objective
from milliwatt.backend.mcu.choice.support import refuse_unsupported
from milliwatt.backend.mcu.choice.wide import divide_wide
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.planning.arena import arena_problem
from milliwatt.backend.mcu.planning.budget import (
    CHOICE_EFFORT,
    arenas_of_frontier,
    choice_within,
    stream_chooser,
)
from milliwatt.backend.mcu.planning.plan import (
    PUSH_STATE_BYTES,
    Place,
    PlacedStream,
    Plan,
    StateCopy,
    Step,
)
from milliwatt.backend.mcu.streaming.check import check_stream
from milliwatt.backend.mcu.streaming.check_bands import check_bands
from milliwatt.backend.mcu.streaming.choose import Choice, StreamChooser
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.backend.mcu.values.states import StatePlan, separate_outputs, state_bytes
from milliwatt.backend.mcu.values.tables import pool_tables
from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.shape import Reshape
from milliwatt.passes.use_image_input import use_image_input


def make_plan(
    graph: Graph,
    core: Core,
    name: str,
    *,
    objective: Objective = SPEED,
    kept: Mapping[str, str] | None = None,
    sram_bytes: int | None = None,
    push_rows: bool = False,
) -> Plan:
    """Place `graph` (verified, passes done) on a microcontroller core.

    `name` prefixes the C symbols; `kept` names the kernels of nodes already decided. Where arena
    and state need more than `sram_bytes`, or SRAM counts in the objective, layers are computed by
    rows or by kernels of less scratch memory: the objective's best that fits, or the smallest
    found if nothing does. What fits SRAM alone fits any objective; under the limit kept kernels
    give way where nothing else fits. With `push_rows` the caller gives the input row by row. Raises
    UnsupportedError where no kernel computes a node or C has no form for a value, OptionError
    where a kept kernel does not compute its node or rows cannot be pushed, VerifyError where the
    memory plan is wrong.
    """
    graph = prepared(graph, push_rows=push_rows)
    names = kept or {}
    lowerings = lower_graph(graph, core, objective, names)
    if not push_rows and not objective.sram:
        plan = place_layers(graph, core, name, lowerings, (), objective)
        if sram_bytes is None or plan.static_bytes <= sram_bytes:
            return plan
    arena_bytes = None
    if sram_bytes is not None:
        arena_bytes = max(0, sram_bytes - _kept_bytes(graph, push_rows=push_rows))
    plans: list[Plan] = []
    for aim, fixed in _aims(objective, names, limited=sram_bytes is not None):
        own = lowerings if aim is objective else lower_graph(graph, core, aim, names)
        chooser = stream_chooser(graph, core, own, aim, kept=fixed, push_rows=push_rows)
        best = choice_within(chooser, aim, arena_bytes)
        plans.append(_place_choice(chooser, best, name, objective))
        if sram_bytes is None or plans[-1].static_bytes <= sram_bytes:
            break
    bounds = [plan.choice_bound_bytes for plan in plans if plan.choice_bound_bytes is not None]
    smallest = min(plans, key=lambda plan: plan.static_bytes)
    return replace(smallest, choice_bound_bytes=min(bounds))


def _aims(
    objective: Objective, kept: Mapping[str, str], *, limited: bool
) -> Iterator[tuple[Objective, Collection[str]]]:
    """What is tried until a plan fits: the objective, with the nodes whose kernels are fixed.

    Under a limit next come the plan for SRAM alone, which so fits wherever it is what SRAM alone
    would give; and kept kernels only where they need no more than others.
    """
    for fixed in (kept, {}) if kept and limited else (kept,):
        yield objective, fixed
        if limited and not objective.is_sram:
            yield SRAM, fixed


def _place_choice(chooser: StreamChooser, best: Choice, name: str, objective: Objective) -> Plan:
    """The plan of a choice; its arena is no larger than the choice's."""
    for bands in best.bands:
        check_bands(chooser.layers.graph, bands)
    parts = (best.graph, chooser.layers.core, name, best.lowerings, best.streams, objective)
    plan = place_layers(*parts)
    if plan.arena_bytes > best.arena_bytes:
        plan = place_layers(*parts, effort=CHOICE_EFFORT)
    return replace(plan, choice_bound_bytes=chooser.bound_bytes())


def place_layers(
    graph: Graph,
    core: Core,
    name: str,
    lowerings: Lowerings,
    streams: Sequence[Stream] = (),
    objective: Objective = SPEED,
    *,
    effort: float = 1.0,
) -> Plan:
    """Place nodes whose kernels and streams are chosen; `graph` is one of `separate_outputs`.

    `effort` is the memory solver's. Raises VerifyError where the memory plan or a stream is wrong.
    """
    states, problem, units = arena_problem(graph, lowerings, streams)
    solution = memory.solve(problem, effort)
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


def frontier_bytes(
    graph: Graph,
    core: Core,
    points: int,
    *,
    objective: Objective = SPEED,
    kept: Mapping[str, str] | None = None,
    push_rows: bool = False,
) -> tuple[list[int], int]:
    """SRAM needs, largest first, each of a plan that `make_plan` makes with it; and their bound.

    From the plan with the least work to the smallest that was found, up to `points` of them or one
    more. No choice of streams and kernels needs less than the bound. Raises as `make_plan` does.
    """
    graph = prepared(graph, push_rows=push_rows)
    lowerings = lower_graph(graph, core, objective, kept or {})
    chooser = stream_chooser(
        graph, core, lowerings, objective, kept=kept or {}, push_rows=push_rows
    )
    kept_bytes = _kept_bytes(graph, push_rows=push_rows)
    arenas = arenas_of_frontier(chooser, points)
    return [arena + kept_bytes for arena in arenas], chooser.bound_bytes() + kept_bytes


def prepared(graph: Graph, *, push_rows: bool = False) -> Graph:
    """The graph whose nodes get kernels; its input is an image where it can be and rows count."""
    refuse_unsupported(graph)
    graph = separate_outputs(divide_wide(graph))
    return use_image_input(graph) if push_rows else graph


def _kept_bytes(graph: Graph, *, push_rows: bool) -> int:
    """Static memory besides the arena."""
    return state_bytes(graph) + bool(graph.states) + PUSH_STATE_BYTES * push_rows


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
