# SPDX-License-Identifier: MIT
"""Ranges of nodes that may run alone or as a stream: the memory and the cost of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.streaming.build import source_of
from milliwatt.backend.mcu.streaming.needs import Surroundings
from milliwatt.backend.mcu.streaming.outer import range_step
from milliwatt.backend.mcu.streaming.rows import map_inputs, window_of
from milliwatt.backend.mcu.streaming.schedule import Pace, Schedule, make_schedule
from milliwatt.backend.mcu.streaming.work import CODE_BYTES_PER_LAYER, extra_work, lean_work
from milliwatt.ir.graph import Graph

ROWS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Rows of the result a turn that are tried."""
Price = Callable[[float, int], float]
"""What so many more instructions and bytes of flash cost."""
Key = tuple[range, Pace | None, int | None, int]
LEAST_WORK = 1.0
"""Instructions that anything but whole layers by the objective's own kernels costs."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What every segment of a network is weighed by."""

    graph: Graph
    core: Core
    around: Surroundings
    price: Price


@dataclass(frozen=True, slots=True)
class Segment:
    """Nodes of a network as one step: a node alone, or a stream at a pace, in a number of bands.

    `need_bytes` is the smallest arena with which it may run, `cost` what it costs beyond the
    objective's own code of whole layers. Until it is `built` need and cost may be more than that.
    `variant` numbers the choice of its kernels, 0 being the objective's own; None stands for
    all other kernels of a node, or for all streams of several in so many bands.
    """

    nodes: range
    pace: Pace | None
    variant: int | None
    fed: bool
    need_bytes: int
    cost: float
    built: bool
    bands: int = 1

    @property
    def key(self) -> Key:
        """What tells it from the other segments of a network."""
        return self.nodes, self.pace, self.variant, self.bands


def find_alive(graph: Graph, arena: frozenset[str]) -> tuple[frozenset[str], ...]:
    """What is alive before each node and after the last, of the values in the arena."""
    needed = set(graph.kept_values() & arena)
    before: list[frozenset[str]] = [frozenset(needed)]
    for node in reversed(graph.nodes):
        needed -= set(node.outputs)
        needed |= set(node.inputs) & arena
        before.append(frozenset(needed))
    return tuple(before[::-1])


def stream_ranges(graph: Graph, alive: Sequence[frozenset[str]], *, fed: bool) -> Iterator[range]:
    """The ranges of nodes that make one value from one and work by rows, longest last.

    `alive` is that of `find_alive`. `fed`: those that begin with the network's first node, and
    after which nobody needs its input.
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
            alone = alive[stop] & made == frozenset(node.outputs)
            if alone and not read & alive[stop] if fed else alone and stop - start > 1:
                yield range(start, stop)


def paces(graph: Graph, nodes: range) -> list[Pace]:
    """Those worth trying: from one row of the source a turn to many of the result."""
    slowest = make_schedule(graph, [graph.nodes[i] for i in nodes], Pace())
    if slowest is None:
        return []
    steps = max(end.step for end in slowest.ends.values())
    height = graph.types[graph.nodes[nodes[-1]].outputs[0]].shape[1]
    slow = [Pace(1, turns) for turns in range(steps, 1, -1) if steps % turns == 0]
    return [*slow, *(Pace(rows) for rows in ROWS if rows < height or rows == 1)]


def any_other(
    nodes: range, around: Surroundings, price: Price, step: memory.Step, *, fed: bool = False
) -> Segment:
    """What stands for several segments, none of which needs less than `step`."""
    need = around.need_bytes(nodes, step)
    return Segment(nodes, None, None, fed, need, price(LEAST_WORK, 0), built=False)


def any_stream(terms: Terms, nodes: range, inner_bytes: int, *, fed: bool) -> Segment:
    """What stands for all streams of these nodes, each of which needs so much of its own."""
    step = _least_step(terms.graph, nodes, inner_bytes, fed=fed)
    return any_other(nodes, terms.around, terms.price, step, fed=fed)


def stream_segments(
    terms: Terms, nodes: range, variants: Mapping[int, bool], *, fed: bool
) -> Iterator[Segment]:
    """Streams of these nodes at every pace.

    `variants` says which there are, and whether their kernels gather less at a time.
    """
    graph = terms.graph
    for pace in paces(graph, nodes):
        schedule = make_schedule(graph, [graph.nodes[i] for i in nodes], pace)
        if schedule is None:
            continue
        inner = inner_bytes(graph, nodes, schedule, fed=fed)
        need = terms.around.need_bytes(nodes, _least_step(graph, nodes, inner, fed=fed))
        work = LEAST_WORK + extra_work(graph, terms.core, nodes, schedule)
        code = CODE_BYTES_PER_LAYER * (len(nodes) + 1)
        for variant, lean in variants.items():
            more = lean_work(graph, nodes, schedule) if lean else 0
            cost = terms.price(work + more, code)
            yield Segment(nodes, pace, variant, fed, need, cost, built=False)


def _least_step(graph: Graph, nodes: range, inner_bytes: int, *, fed: bool) -> memory.Step:
    """A stream that needs no more than any of these nodes."""
    source, result = source_of(graph, nodes), graph.nodes[nodes[-1]].outputs[0]
    return range_step(nodes, None if fed else source, result, inner_bytes, 0)


def inner_bytes(graph: Graph, nodes: range, schedule: Schedule, *, fed: bool) -> int:
    """The least memory of a stream's own: strips that keep rows, and the largest of the others.

    A strip made from one that keeps rows may lie where that one has rows to spare.
    """
    source, result = source_of(graph, nodes), graph.nodes[nodes[-1]].outputs[0]
    whole = {result} if fed else {source, result}
    sizes = {v: strip_bytes(graph, schedule, v) for v in schedule.ends if v not in whole}
    kept = {v for v in sizes if schedule.spans[v].keeps_rows or v == source}
    return kept_and_passing(graph, nodes, sizes, kept)


def strip_bytes(graph: Graph, schedule: Schedule, value: str) -> int:
    """All the rows of a value that are needed at once."""
    kind = graph.types[value]
    return schedule.spans[value].capacity * kind.size_bytes // kind.shape[1]


def kept_and_passing(
    graph: Graph, nodes: range, sizes: Mapping[str, int], kept: Collection[str]
) -> int:
    """Strips of these sizes: those kept, and the largest other that is not made from one kept."""
    passing = 0
    for i in nodes:
        node = graph.nodes[i]
        maps = [node.inputs[at] for at in map_inputs(graph, node)]
        if not (len(maps) == 1 and maps[0] in kept):
            passing = max(passing, *(sizes.get(v, 0) * (v not in kept) for v in node.outputs))
    return sum(sizes[v] for v in kept) + passing
