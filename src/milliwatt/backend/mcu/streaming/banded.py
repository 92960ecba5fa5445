# SPDX-License-Identifier: MIT
"""The streams of a chain in bands: one after another, each with the memory of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choice.choose import Lowerings, lowering_of
from milliwatt.backend.mcu.choice.select import select_kernel, site_of
from milliwatt.backend.mcu.choice.steps import lone_step
from milliwatt.backend.mcu.kernel import Core, Kernel, Site
from milliwatt.backend.mcu.streaming.bands import Bands, with_bands
from milliwatt.backend.mcu.streaming.build import ALIGNMENT_BYTES, make_stream, source_of
from milliwatt.backend.mcu.streaming.lower import Kernels
from milliwatt.backend.mcu.streaming.moves import Layers
from milliwatt.backend.mcu.streaming.needs import Surroundings
from milliwatt.backend.mcu.streaming.outer import stream_step
from milliwatt.backend.mcu.streaming.schedule import Pace
from milliwatt.backend.mcu.streaming.stream import Band, Stream, shifted, stream_name
from milliwatt.ir.graph import Graph

_EFFORT = 0.1
"""Of the memory solver, for a few steps."""


@dataclass(frozen=True, slots=True)
class Banded:
    """Bands and their streams, whose nodes are those of `with_bands`."""

    bands: Bands
    streams: tuple[Stream, ...]


def make_banded(graph: Graph, bands: Bands, pace: Pace, kernels: Kernels) -> Banded | None:
    """Each band of `graph` as a stream; None where one of them cannot be."""
    origins = [one.origin for one in bands.nodes]
    names = tuple(graph.nodes[i].name for i in bands.cut)

    def options(index: int, site: Site) -> Sequence[Kernel]:
        return kernels(origins[index - bands.cut.start], site)

    cut = with_bands(graph, bands)
    more_macs = cut.macs() - graph.macs()
    found: list[Stream] = []
    for number, nodes in enumerate(bands.chains, start=1):
        stream = make_stream(cut, nodes, pace, options)
        if stream is None:
            return None
        band = Band(number, len(bands.bands), names, more_macs)
        found.append(replace(stream, band=band))
    return Banded(bands, tuple(found))


def with_banded(layers: Layers, core: Core, banded: Banded) -> Layers:
    """The network with these bands; its layers up to the last of the chain are as in `banded`."""
    graph, lowerings, streams = layers
    start, stop = banded.bands.cut.start, banded.bands.cut.stop
    cut = with_bands(graph, banded.bands)
    more = len(cut.nodes) - len(graph.nodes)
    join = stop + more - 1
    site = site_of(cut, cut.nodes[join])
    kernel = select_kernel(cut.nodes[join].name, site, core)
    found: Lowerings = {
        **{i: one for i, one in lowerings.items() if i < start},
        **dict.fromkeys(range(start, join)),
        join: lowering_of(kernel, site),
        **{i + more: one for i, one in lowerings.items() if i >= stop},
    }
    before = (s for s in streams if s.nodes.stop <= start)
    after = (shifted(s, more) for s in streams if s.nodes.start >= stop)
    ordered = dict(sorted(found.items()))
    return cut, ordered, (*before, *banded.streams, *after)


def banded_need_bytes(
    graph: Graph,
    around: Surroundings,
    nodes: range,
    inner_bytes: Sequence[int],
    made_bytes: Sequence[int],
) -> int:
    """The smallest arena for `nodes` in bands, in any order.

    Each needs `inner_bytes` of its own and makes `made_bytes` of the result. Counted are the source
    and the results of the bands before, and of the band itself unless it is the last, which may
    write over the source; and at the end the results and where they are joined, over the last.
    """
    orders = permutations(range(len(made_bytes)))
    least = min(_most_bytes(order, inner_bytes, made_bytes) for order in orders)
    source, result = source_of(graph, nodes), graph.nodes[nodes[-1]].outputs[0]
    apart = _step(nodes, (source,), (), least)
    joined = _step(nodes, (), (result,), sum(made_bytes[:-1]))
    return max(around.need_bytes(nodes, step) for step in (apart, joined))


def apart_bound_bytes(graph: Graph, core: Core, banded: Banded) -> int:
    """What the source, the bands and the result need together, whatever else is in memory."""
    cut, lowerings, _ = with_banded((graph, {}, ()), core, banded)
    source, result = banded.streams[0].source, banded.bands.join.outputs[0]
    made = (stream.result for stream in banded.streams)
    values = dict.fromkeys((source, *made, result))
    join = banded.streams[-1].nodes.stop
    arena = frozenset(values)
    problem = memory.Problem(
        buffers=tuple(memory.Buffer(v, cut.types[v].size_bytes, ALIGNMENT_BYTES) for v in values),
        steps=(
            *(stream_step(stream) for stream in banded.streams),
            lone_step(cut, join, lowerings[join], arena),
        ),
        inputs=(source,),
        outputs=(result,),
    )
    return memory.solve(problem, _EFFORT).lower_bound_bytes


def _most_bytes(order: Sequence[int], inner_bytes: Sequence[int], made_bytes: Sequence[int]) -> int:
    """Most memory besides the source where the bands come in this order."""
    most, there = 0, 0
    for i in order:
        own = made_bytes[i] if i != order[-1] else 0
        most = max(most, there + own + inner_bytes[i])
        there += made_bytes[i]
    return most


def _step(
    nodes: range, reads: tuple[str, ...], writes: tuple[str, ...], scratch_bytes: int
) -> memory.Step:
    return memory.Step(
        stream_name(nodes),
        reads,
        writes,
        scratch_bytes=scratch_bytes,
        scratch_alignment=ALIGNMENT_BYTES,
    )
