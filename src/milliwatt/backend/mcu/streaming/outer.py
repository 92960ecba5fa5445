# SPDX-License-Identifier: MIT
"""Streams as steps of the network's memory problem."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.streaming.build import ALIGNMENT_BYTES
from milliwatt.backend.mcu.streaming.stream import Stream, stream_name
from milliwatt.ir.graph import Graph


def units_of(graph: Graph, streams: Sequence[Stream]) -> tuple[range, ...]:
    """The nodes of each step, in order: a stream's together, the others one by one."""
    starts = {stream.nodes.start: stream.nodes for stream in streams}
    units: list[range] = []
    at = 0
    while at < len(graph.nodes):
        units.append(starts.get(at, range(at, at + 1)))
        at = units[-1].stop
    return tuple(units)


def values_within(streams: Sequence[Stream]) -> frozenset[str]:
    """The values that never exist as a whole."""
    return frozenset(v for s in streams for v, strip in s.strips.items() if not strip.whole)


def stream_step(stream: Stream) -> memory.Step:
    """A stream as one step: its own memory is scratch, its result may trail its source."""
    source = None if stream.fed else stream.source
    return range_step(stream.nodes, source, stream.result, stream.inner_bytes, stream.gap_bytes)


def range_step(
    nodes: range, source: str | None, result: str, inner_bytes: int, gap_bytes: int | None
) -> memory.Step:
    """The step of a stream that makes `result` from `source`, None where its rows are fed."""
    shared = (
        (memory.InPlace.trailing(source, result, gap_bytes),)
        if source is not None and gap_bytes is not None
        else ()
    )
    return memory.Step(
        stream_name(nodes),
        () if source is None else (source,),
        (result,),
        scratch_bytes=inner_bytes,
        scratch_alignment=ALIGNMENT_BYTES,
        in_place=shared,
    )
