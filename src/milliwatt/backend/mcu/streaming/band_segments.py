# SPDX-License-Identifier: MIT
"""Segments in bands: what chains cut across their columns need, and what that costs.

They are looked at in three steps, so that little is done for networks that need none: all bands of
some nodes, then each number of bands, then each pace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from milliwatt.backend.mcu.streaming.banded import banded_need_bytes
from milliwatt.backend.mcu.streaming.bands import Bands, with_bands
from milliwatt.backend.mcu.streaming.columns import AXIS, ColumnChain, Held, part_bytes
from milliwatt.backend.mcu.streaming.schedule import Pace, Schedule, make_schedule
from milliwatt.backend.mcu.streaming.segments import (
    LEAST_WORK,
    Segment,
    Terms,
    inner_bytes,
    kept_and_passing,
    paces,
)
from milliwatt.backend.mcu.streaming.work import (
    CODE_BYTES_PER_BAND_LAYER,
    CODE_BYTES_PER_LAYER,
    InstructionsOf,
    copy_work,
    extra_work,
    halo_work,
    lean_work,
)
from milliwatt.ir.graph import Graph

COUNTS = (2, 3, 4)
"""Numbers of bands that are tried."""
ANY_COUNT = 0
"""Stands for all of them."""
ANY_STREAM = -1
"""Stands for all of them, and for none."""
_MOST_ROWS = 2
"""A turn: more of them would widen what bands are to narrow."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What bands of a network are weighed by."""

    terms: Terms
    instructions: InstructionsOf


def any_banded(costs: Costs, chain: ColumnChain, least: Segment) -> Segment | None:
    """What stands for all bands of a chain, None where it has none; they need what `least` does."""
    bands = chain.bands(COUNTS[0])
    if not bands:
        return None
    work = halo_work(costs.terms.graph, costs.instructions, chain, bands)
    cost = least.cost + costs.terms.price(max(0.0, work), 0)
    return replace(least, cost=cost, bands=ANY_COUNT)


def so_many_bands(costs: Costs, chain: ColumnChain, any_count: Segment) -> Iterator[Segment]:
    """What stands for the streams in each number of bands, given what stands for all of them."""
    terms, graph, nodes = costs.terms, costs.terms.graph, any_count.nodes
    found = (make_schedule(graph, [graph.nodes[i] for i in nodes], p) for p in _paces(graph, nodes))
    schedules = [schedule for schedule in found if schedule is not None]
    for count in COUNTS if schedules else ():
        bands = chain.bands(count)
        if bands:
            inner = [min(_inner_bytes(graph, chain, s, held) for s in schedules) for held in bands]
            made = [part_bytes(graph, chain.layers[-1].makes, held) for held in bands]
            need = banded_need_bytes(graph, terms.around, nodes, inner, made)
            yield replace(any_count, need_bytes=need, bands=count)


def _inner_bytes(graph: Graph, chain: ColumnChain, schedule: Schedule, held: Held) -> int:
    """The least memory of one band's own, that of the columns of the source that it copies too."""
    source, result = chain.layers[0].reads[0], chain.layers[-1].makes
    kept = {v for v, span in schedule.spans.items() if span.keeps_rows} - {result}
    sizes = {
        v: schedule.spans[v].capacity * part_bytes(graph, v, held) // graph.types[v].shape[1]
        for v in schedule.ends
    }
    if held[source] == (0, graph.types[source].shape[AXIS]):
        kept, sizes = kept - {source}, {**sizes, source: 0}
    copied = sizes[source] * (source not in kept)
    return max(copied, kept_and_passing(graph, chain.nodes, {**sizes, result: 0}, kept))


def _paces(graph: Graph, nodes: range) -> list[Pace]:
    return [pace for pace in paces(graph, nodes) if pace.rows <= _MOST_ROWS]


def banded_segments(
    costs: Costs, chain: ColumnChain, bands: Bands, variants: Mapping[int, bool]
) -> Iterator[Segment]:
    """Streams in these bands at every pace; `variants` as in `stream_segments`."""
    terms, graph = costs.terms, costs.terms.graph
    count, cut = len(bands.bands), with_bands(graph, bands)
    again = halo_work(graph, costs.instructions, chain, chain.bands(count)) + copy_work(bands)
    code = CODE_BYTES_PER_LAYER * (len(bands.cut) + 1)
    code += CODE_BYTES_PER_BAND_LAYER * (len(bands.nodes) + 1 - len(bands.cut))
    for pace in _paces(graph, bands.cut):
        found = [make_schedule(cut, [cut.nodes[i] for i in nodes], pace) for nodes in bands.chains]
        schedules = [schedule for schedule in found if schedule is not None]
        if len(schedules) < count:
            continue
        chains = list(zip(bands.chains, schedules, strict=True))
        inner = [inner_bytes(cut, *one, fed=False) for one in chains]
        need = banded_need_bytes(graph, terms.around, bands.cut, inner, bands.result_bytes)
        work = LEAST_WORK + again + sum(extra_work(cut, terms.core, *one) for one in chains)
        for variant, lean in variants.items():
            more = sum(lean_work(cut, *one) for one in chains) if lean else 0
            cost = terms.price(work + more, code)
            yield Segment(*(bands.cut, pace, variant, False, need, cost), built=False, bands=count)
