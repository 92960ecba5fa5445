# SPDX-License-Identifier: MIT
"""Where states live, and which of them can be updated without a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from milliwatt.backend.mcu.kernel import Lowered
from milliwatt.errors import UnsupportedError
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ops.shape import Reshape
from milliwatt.passes.rewrite import unused_name
from milliwatt.units import align_up

STATE_ALIGNMENT_BYTES = 8


@dataclass(frozen=True, slots=True)
class StatePlan:
    """Offsets in the state region by value; `copied` states take their new value by a copy."""

    offsets: Mapping[str, int]
    copied: tuple[State, ...]
    total_bytes: int


def state_bytes(graph: Graph) -> int:
    """Bytes of all states, however they are updated."""
    sizes = (graph.types[state.before].size_bytes for state in graph.states)
    return sum(align_up(size, STATE_ALIGNMENT_BYTES) for size in sizes)


def separate_outputs(graph: Graph) -> Graph:
    """`graph` with a copy of each state that is an output as the call found it.

    The caller reads outputs after the call, when the state's memory holds its next value.
    """
    changing = {s.before for s in graph.states if s.after != s.before}
    copies = {v: unused_name(graph, f"{v}/output") for v in graph.outputs if v in changing}
    nodes = [Node(copy, Reshape(graph.types[v].shape), (v,), (copy,)) for v, copy in copies.items()]
    types = {**graph.types, **{copy: graph.types[v] for v, copy in copies.items()}}
    renamed = replace(graph, outputs=tuple(copies.get(v, v) for v in graph.outputs))
    return renamed.with_nodes([*graph.nodes, *nodes], types=types)


def plan_states(graph: Graph, lowered: Mapping[int, Lowered]) -> StatePlan:
    """Give each state its memory.

    The new value is written straight over the old one where, in every valid order, all reads of
    the old value come before that write, or are the writer's own and its kernel allows it.
    `graph` is one of `separate_outputs`; `lowered` goes by node index, and nodes that are views
    have none.
    """
    offsets: dict[str, int] = {}
    copied: list[State] = []
    end = 0
    for state in graph.states:
        offsets[state.before] = end
        if state.after != state.before:
            if _writes_over(graph, lowered, state) and state.after not in offsets:
                offsets[state.after] = end
            else:
                copied.append(state)
        end = align_up(end + graph.types[state.before].size_bytes, STATE_ALIGNMENT_BYTES)
    return StatePlan(offsets, _copy_order(copied), end)


def _copy_order(copied: list[State]) -> tuple[State, ...]:
    """The copies, each before its target's old value is needed by none of the rest."""
    ordered: list[State] = []
    rest = list(copied)
    while rest:
        free = [s for s in rest if all(s.before != other.after for other in rest)]
        if not free:
            names = ", ".join(s.before for s in rest)
            raise UnsupportedError(f"states that exchange their values in a cycle: {names}")
        ordered += free
        rest = [s for s in rest if s not in free]
    return tuple(ordered)


def _writes_over(graph: Graph, lowered: Mapping[int, Lowered], state: State) -> bool:
    if any(state.before == s.after for s in graph.states):
        return False
    producers = {v: i for i, node in enumerate(graph.nodes) for v in node.outputs}
    writer = producers.get(state.after)
    if writer is None or writer not in lowered:
        return False
    readers = {i for i, node in enumerate(graph.nodes) if state.before in node.inputs}
    if writer in readers and not _kernel_allows(graph, lowered[writer], writer, state):
        return False
    return readers - {writer} <= _ancestors(graph, producers, writer)


def _kernel_allows(graph: Graph, lowered: Lowered, writer: int, state: State) -> bool:
    node = graph.nodes[writer]
    reads = [i for i, v in enumerate(node.inputs) if v == state.before]
    write = node.outputs.index(state.after)
    allowed = {o.input for o in lowered.overlaps if o.output == write and o.gap_bytes == 0}
    return all(i in allowed for i in reads)


def _ancestors(graph: Graph, producers: Mapping[str, int], index: int) -> set[int]:
    found: set[int] = set()
    pending = [index]
    while pending:
        for value in graph.nodes[pending.pop()].inputs:
            producer = producers.get(value)
            if producer is not None and producer not in found:
                found.add(producer)
                pending.append(producer)
    return found
