# SPDX-License-Identifier: MIT
"""A range of nodes to a Stream: schedule, kernels, and the memory inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.kernel import Lowered
from milliwatt.backend.mcu.lowering.common.overlap import in_order
from milliwatt.backend.mcu.streaming.hosts import with_hosts
from milliwatt.backend.mcu.streaming.lower import Kernels, RowKernel, lower_rows
from milliwatt.backend.mcu.streaming.rows import Window, map_inputs
from milliwatt.backend.mcu.streaming.schedule import Pace, Schedule, make_schedule
from milliwatt.backend.mcu.streaming.stream import Call, Stream, Strip
from milliwatt.backend.mcu.values.sharing import in_place
from milliwatt.ir.graph import Graph, Node

ALIGNMENT_BYTES = 4


def make_stream(
    graph: Graph, nodes: range, pace: Pace, options: Kernels, *, fed: bool = False
) -> Stream | None:
    """The nodes of `graph` numbered `nodes` as a stream; see Stream.

    They make one value from one value. None where an operator does not work by rows, or a kernel
    cannot be called for some of them.
    """
    schedule = make_schedule(graph, [graph.nodes[i] for i in nodes], pace)
    if schedule is None:
        return None
    kernels = _kernels(graph, nodes, schedule, options)
    if kernels is None:
        return None
    source, result = source_of(graph, nodes), graph.nodes[nodes[-1]].outputs[0]
    outside = {result} if fed else {source, result}
    strips = {v: _strip(graph, schedule, v, whole=v in outside) for v in schedule.ends}
    if fed:
        strips[source] = replace(strips[source], keeps_rows=True)
    strips = with_hosts(graph, nodes, schedule, kernels, strips)
    problem = _problem(graph, nodes, schedule, kernels, strips)
    solution = memory.solve(problem)
    memory.check(problem, solution)
    return Stream(
        nodes=nodes,
        pace=pace,
        turns=schedule.turns,
        source=source,
        result=result,
        fed=fed,
        strips={v: _placed(strip, solution) for v, strip in strips.items()},
        calls=_calls(graph, nodes, schedule, kernels, solution),
        inner_bytes=solution.arena_bytes,
        gap_bytes=_gap_bytes(graph, nodes, schedule, strips[source], strips[result]),
        memory=problem,
        solution=solution,
    )


def source_of(graph: Graph, nodes: range) -> str:
    """The value from outside that the nodes read."""
    made = {v for i in nodes for v in graph.nodes[i].outputs}
    first = graph.nodes[nodes[0]]
    return next(v for i in map_inputs(graph, first) if (v := first.inputs[i]) not in made)


def _kernels(
    graph: Graph, nodes: range, schedule: Schedule, options: Kernels
) -> list[RowKernel] | None:
    found: list[RowKernel] = []
    for index, window in zip(nodes, schedule.windows, strict=True):
        node = graph.nodes[index]
        height = graph.types[node.inputs[map_inputs(graph, node)[0]]].shape[1]
        slices = [s for _, s in schedule.slices(node.outputs[0], window, height)]
        kernel = lower_rows(graph, index, slices, options)
        if kernel is None:
            return None
        found.append(kernel)
    return found


def _strip(graph: Graph, schedule: Schedule, value: str, *, whole: bool) -> Strip:
    kind = graph.types[value]
    return Strip(
        value=value,
        end=schedule.ends[value],
        low=schedule.lows[value],
        height=kind.shape[1],
        row_bytes=kind.size_bytes // kind.shape[1],
        capacity=schedule.spans[value].capacity,
        keeps_rows=schedule.spans[value].keeps_rows,
        whole=whole,
    )


def _placed(strip: Strip, solution: memory.Solution) -> Strip:
    return replace(strip, offset_bytes=solution.offsets.get(strip.host or strip.value, 0))


def _calls(
    graph: Graph,
    nodes: range,
    schedule: Schedule,
    kernels: Sequence[RowKernel],
    solution: memory.Solution,
) -> tuple[Call, ...]:
    return tuple(
        Call(
            nodes[i],
            kernels[i].kernel,
            kernels[i].header,
            kernels[i].lowered,
            schedule.windows[i],
            solution.scratch_offsets.get(_step_name(nodes[i], graph.nodes[nodes[i]])),
        )
        for i in solution.order
    )


def _step_name(index: int, node: Node) -> str:
    return f"{index}:{node.name}"


def _problem(
    graph: Graph,
    nodes: range,
    schedule: Schedule,
    kernels: Sequence[RowKernel],
    strips: Mapping[str, Strip],
) -> memory.Problem:
    """The memory of one turn; strips that keep rows from turn to turn share it with nothing."""
    inside = {v: s for v, s in strips.items() if not s.whole and s.host is None}
    kept = tuple(v for v, strip in inside.items() if strip.keeps_rows)
    steps: list[memory.Step] = []
    for index, kernel, window in zip(nodes, kernels, schedule.windows, strict=True):
        node = graph.nodes[index]
        maps = {node.inputs[i] for i in map_inputs(graph, node)}
        passing = {
            v
            for v in (*maps, *node.outputs)
            if v in inside
            and v not in kept
            and (v not in maps or _is_read_from_start(schedule, node, window, inside[v]))
        }
        steps.append(_step(graph, index, kernel.lowered, frozenset(inside), passing))
    return memory.Problem(
        buffers=tuple(
            memory.Buffer(v, strip.size_bytes, ALIGNMENT_BYTES) for v, strip in inside.items()
        ),
        steps=tuple(steps),
        persistent=kept,
    )


def _is_read_from_start(schedule: Schedule, node: Node, window: Window, strip: Strip) -> bool:
    """Whether a layer's calls all read from the first row in the strip."""
    calls = schedule.slices(node.outputs[0], window, strip.height)
    return all(piece.first == strip.first_row(turn) for turn, piece in calls)


def _step(
    graph: Graph, index: int, lowered: Lowered, inside: frozenset[str], passing: set[str]
) -> memory.Step:
    node = graph.nodes[index]
    pairs = [(node.inputs[o.input], node.outputs[o.output], o) for o in lowered.overlaps]
    return memory.Step(
        _step_name(index, node),
        tuple(dict.fromkeys(v for v in node.inputs if v in inside)),
        tuple(v for v in node.outputs if v in inside),
        scratch_bytes=lowered.scratch_bytes,
        scratch_alignment=ALIGNMENT_BYTES,
        in_place=tuple(
            dict.fromkeys(
                in_place(read, write, o)
                for read, write, o in pairs
                if read in passing and write in passing
            )
        ),
    )


def _gap_bytes(
    graph: Graph, nodes: range, schedule: Schedule, source: Strip, result: Strip
) -> int | None:
    """The least distance of the result below the source at which no row is lost.

    What a turn writes lies below all that later turns read; below what it reads itself too,
    where the last layer reads the source.
    """
    last = graph.nodes[nodes[-1]]
    delay = 0 if source.value in last.inputs else 1
    turns = list(schedule.turns)
    nothing = np.iinfo(np.int64).max // 2
    read = [source.low.at(t + delay) * source.row_bytes for t in turns]
    if delay:
        read[-1] = nothing
    written = [result.end.at(t) * result.row_bytes for t in turns]
    size = graph.types[result.value].size_bytes
    found = in_order(np.array(read), np.array(written), size)
    return found[0].gap_bytes if found else None
