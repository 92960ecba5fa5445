# SPDX-License-Identifier: MIT
"""Streams as steps of the network's memory problem."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.streaming.build import ALIGNMENT_BYTES
from milliwatt.backend.mcu.streaming.stream import Stream
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
    reads = () if stream.fed else (stream.source,)
    shared = (
        (memory.InPlace.trailing(stream.source, stream.result, stream.gap_bytes),)
        if reads and stream.gap_bytes is not None
        else ()
    )
    return memory.Step(
        stream.step_name,
        reads,
        (stream.result,),
        scratch_bytes=stream.inner_bytes,
        scratch_alignment=ALIGNMENT_BYTES,
        in_place=shared,
    )
