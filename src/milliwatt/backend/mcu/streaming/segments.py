# SPDX-License-Identifier: MIT
"""Ranges of nodes that may run alone or as a stream: the memory and the extra work of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from milliwatt.backend.mcu.kernel import Lowered
from milliwatt.backend.mcu.streaming.build import source_of
from milliwatt.backend.mcu.streaming.rows import map_inputs, window_of
from milliwatt.backend.mcu.streaming.schedule import Pace, Schedule, make_schedule
from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D

_ROWS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Rows of the result a turn that are tried."""
# Extra instructions, roughly, as counted on a Cortex-M4.
_PER_TURN = 25
_PER_CALL = 40
_PER_LEAN_READ = 0.75
_PER_MOVED_BYTE = 0.75
_PER_CHANNEL_CALL = 60
_PER_REREAD = 3.0
_PER_ODD_MAC = 0.6
_PIXELS_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """Nodes of a network as one step: alone (`pace` None) or as a stream.

    `peak_bytes` is the arena it needs, what passes by included; `extra_work` instructions more
    than without streams, roughly. The peak is no more than that until the stream is built. A
    `lean` one prefers kernels of less scratch memory.
    """

    nodes: range
    pace: Pace | None
    fed: bool
    peak_bytes: int
    extra_work: float
    lean: bool = False

    @property
    def key(self) -> tuple[range, Pace | None, bool]:
        """What tells it from the other segments of a network."""
        return self.nodes, self.pace, self.lean


@dataclass(frozen=True, slots=True)
class Alive:
    """Bytes of every value in the arena, and which are alive before each node."""

    sizes: Mapping[str, int]
    before: Sequence[frozenset[str]]

    def size_bytes(self, values: frozenset[str]) -> int:
        """Bytes of several values."""
        return sum(self.sizes[v] for v in values)


def find_alive(graph: Graph, arena: frozenset[str]) -> Alive:
    """What is alive between nodes, of the values in the arena."""
    needed = set(graph.kept_values() & arena)
    before: list[frozenset[str]] = [frozenset(needed)]
    for node in reversed(graph.nodes):
        needed -= set(node.outputs)
        needed |= set(node.inputs) & arena
        before.append(frozenset(needed))
    sizes = {v: graph.types[v].size_bytes for v in arena}
    return Alive(sizes, before[::-1])


def lone_segments(
    graph: Graph, alive: Alive, lowered: Mapping[int, Lowered | None]
) -> Iterator[Segment]:
    """Every node by itself."""
    for i, node in enumerate(graph.nodes):
        peak = _lone_peak(alive, node, i, lowered[i])
        yield Segment(range(i, i + 1), None, False, peak, 0.0)


def _lone_peak(alive: Alive, node: Node, index: int, lowered: Lowered | None) -> int:
    made = frozenset(v for v in node.outputs if v in alive.sizes)
    total = alive.size_bytes(alive.before[index] | made)
    if lowered is None:
        return total - alive.size_bytes(made)
    dying = alive.before[index] - alive.before[index + 1]
    saved = 0
    for overlap in lowered.overlaps:
        read, write = node.inputs[overlap.input], node.outputs[overlap.output]
        if read in dying and write in made:
            saved = max(saved, shared_bytes(alive, read, write, overlap.gap_bytes))
    return total - saved + lowered.scratch_bytes


def shared_bytes(alive: Alive, read: str, write: str, gap_bytes: int) -> int:
    """Bytes that a result saves which begins `gap_bytes` below what it is made from."""
    read_bytes, write_bytes = alive.sizes[read], alive.sizes[write]
    return max(0, read_bytes + write_bytes - max(write_bytes, read_bytes + gap_bytes))


def stream_ranges(graph: Graph, alive: Alive, *, fed: bool) -> Iterator[range]:
    """The ranges of nodes that make one value from one and work by rows, longest last.

    `fed`: those that begin with the network's first node.
    """
    outside = {v for s in graph.states for v in (s.before, s.after)}
    for start in range(1 if fed else len(graph.nodes)):
        made: set[str] = set()
        read: set[str] = set()
        for stop in range(start + 1, len(graph.nodes) + 1):
            node = graph.nodes[stop - 1]
            if window_of(graph, node) is None:
                break
            maps = [node.inputs[i] for i in map_inputs(graph, node)]
            if not maps or outside & {*maps, *node.outputs}:
                break
            read |= {v for v in maps if v not in made}
            made |= set(node.outputs)
            if len(read) > 1:
                break
            needed = alive.before[stop] & made
            if needed == frozenset(node.outputs) and (fed or stop - start > 1):
                yield range(start, stop)


def paces(graph: Graph, nodes: range) -> list[Pace]:
    """Those worth trying: from one row of the source a turn to many of the result."""
    slowest = make_schedule(graph, [graph.nodes[i] for i in nodes], Pace())
    if slowest is None:
        return []
    steps = max(end.step for end in slowest.ends.values())
    height = graph.types[graph.nodes[nodes[-1]].outputs[0]].shape[1]
    slow = [Pace(1, turns) for turns in range(steps, 1, -1) if steps % turns == 0]
    return [*slow, *(Pace(rows) for rows in _ROWS if rows < height or rows == 1)]


def stream_segment(
    graph: Graph,
    alive: Alive,
    lowered: Mapping[int, Lowered | None],
    nodes: range,
    pace: Pace,
    *,
    fed: bool,
    lean: bool,
) -> Segment | None:
    """A stream, its memory estimated from below; None where it cannot be one."""
    schedule = make_schedule(graph, [graph.nodes[i] for i in nodes], pace)
    if schedule is None:
        return None
    inner = _inner_bytes(graph, lowered, nodes, schedule, fed=fed)
    peak = stream_peak(graph, alive, nodes, inner, 0, fed=fed)
    work = _extra_work(graph, nodes, schedule)
    if lean:
        work += _PER_LEAN_READ * sum(_gathered(graph, graph.nodes[i], schedule) for i in nodes)
    return Segment(nodes, pace, fed, peak, work, lean)


def _gathered(graph: Graph, node: Node, schedule: Schedule) -> int:
    """Elements that a depthwise convolution reads, those read again in later turns included."""
    if not isinstance(node.op, DepthwiseConv2D):
        return 0
    _, _, width, channels = graph.types[node.inputs[0]].shape
    rows = graph.types[node.inputs[1]].shape[1]
    return schedule.calls(node.outputs[0]) * rows * width * channels


def stream_peak(
    graph: Graph,
    alive: Alive,
    nodes: range,
    inner_bytes: int,
    gap_bytes: int | None,
    *,
    fed: bool,
) -> int:
    """The arena of a stream: what passes by, source and result, its own memory."""
    source, result = source_of(graph, nodes), graph.nodes[nodes[-1]].outputs[0]
    passing = alive.before[nodes.start] - ({source} if fed else set())
    total = alive.size_bytes(passing | {result}) + inner_bytes
    if fed or gap_bytes is None or source in alive.before[nodes.stop]:
        return total
    return total - shared_bytes(alive, source, result, gap_bytes)


def _inner_bytes(
    graph: Graph,
    lowered: Mapping[int, Lowered | None],
    nodes: range,
    schedule: Schedule,
    *,
    fed: bool,
) -> int:
    """Strips that keep rows, and the most that any call needs besides them, from below.

    What a depthwise convolution makes may lie where its strip has rows to spare.
    """
    source, result = source_of(graph, nodes), graph.nodes[nodes[-1]].outputs[0]
    whole = {result} if fed else {source, result}
    sizes = {
        v: schedule.spans[v].capacity * graph.types[v].size_bytes // graph.types[v].shape[1]
        for v in schedule.ends
        if v not in whole
    }
    kept = {v for v in sizes if schedule.spans[v].keeps_rows or v == source}
    guests = {
        graph.nodes[i].outputs[0] for i in nodes if isinstance(graph.nodes[i].op, DepthwiseConv2D)
    }
    passing = max(
        _scratch_bytes(lowered[i])
        + max(sizes.get(v, 0) * (v not in kept | guests) for v in _values(graph.nodes[i]))
        for i in nodes
    )
    return sum(sizes[v] for v in kept) + passing


def _scratch_bytes(lowered: Lowered | None) -> int:
    return 0 if lowered is None else lowered.scratch_bytes


def _values(node: Node) -> tuple[str, ...]:
    return (*node.inputs, *node.outputs)


def _extra_work(graph: Graph, nodes: range, schedule: Schedule) -> float:
    work = 0.0
    for index, window in zip(nodes, schedule.windows, strict=True):
        node = graph.nodes[index]
        read, made = node.inputs[map_inputs(graph, node)[0]], node.outputs[0]
        calls = schedule.calls(made)
        work += _PER_TURN * len(schedule.turns) + _PER_CALL * calls
        work += _PER_MOVED_BYTE * _moved_bytes(graph, schedule, made)
        match node.op:
            case DepthwiseConv2D():
                _, _, width, channels = graph.types[read].shape
                again = max(0, window.reach - window.stride) * width * _PER_REREAD
                work += max(0, calls - 1) * channels * (again + _PER_CHANNEL_CALL)
            case Conv2D():
                work += (
                    _odd_pixels(graph, schedule, made)
                    * _PER_ODD_MAC
                    * prod(graph.types[node.inputs[1]].shape)
                )
            case _:
                pass
    return work


def _moved_bytes(graph: Graph, schedule: Schedule, value: str) -> int:
    span = schedule.spans[value]
    if not span.keeps_rows:
        return 0
    drops = span.low > schedule.lows[value].shifted(-1).over(schedule.turns)
    rows = int((span.begin - span.low)[drops].sum())
    return rows * graph.types[value].size_bytes // graph.types[value].shape[1]


def _odd_pixels(graph: Graph, schedule: Schedule, value: str) -> int:
    """Pixels that are left of blocks of four, beyond those without a stream."""
    _, height, width, _ = graph.types[value].shape
    span = schedule.spans[value]
    by_turn = (span.end - span.begin) * width % _PIXELS_TOGETHER
    return max(0, int(by_turn.sum()) - height * width % _PIXELS_TOGETHER)
