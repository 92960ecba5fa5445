# SPDX-License-Identifier: MIT
"""Segments looked at closely: the streams, bands and kernels that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from milliwatt.backend.mcu.streaming.alone import LoneLayers
from milliwatt.backend.mcu.streaming.band_segments import (
    ANY_COUNT,
    ANY_STREAM,
    COUNTS,
    Costs,
    any_banded,
    banded_segments,
    so_many_bands,
)
from milliwatt.backend.mcu.streaming.banded import (
    Banded,
    apart_bound_bytes,
    banded_need_bytes,
    make_banded,
    with_banded,
)
from milliwatt.backend.mcu.streaming.bands import Bands, make_bands
from milliwatt.backend.mcu.streaming.build import make_stream
from milliwatt.backend.mcu.streaming.columns import column_chain
from milliwatt.backend.mcu.streaming.least import Least, least_memory
from milliwatt.backend.mcu.streaming.lower import Kernels
from milliwatt.backend.mcu.streaming.moves import Layers
from milliwatt.backend.mcu.streaming.outer import stream_step
from milliwatt.backend.mcu.streaming.schedule import Pace
from milliwatt.backend.mcu.streaming.segments import Key, Segment, any_stream, stream_segments
from milliwatt.backend.mcu.streaming.stream import Stream


@dataclass(frozen=True, slots=True)
class Variant:
    """Kernels that streams of some nodes may use, best first.

    `nodes`: those at which they are others than the objective's own. `lean` ones gather less at a
    time.
    """

    kernels: Kernels
    nodes: frozenset[int]
    lean: bool


@dataclass(frozen=True, slots=True)
class Builder:
    """What segments of one network are; what was built once is kept.

    `variants` are the kernels that streams may use, the first the objective's own.
    """

    layers: LoneLayers
    variants: tuple[Variant, ...]
    _streams: dict[Key, Stream] = field(default_factory=dict[Key, Stream])
    _banded: dict[Key, Banded] = field(default_factory=dict[Key, Banded])
    _bands: dict[tuple[range, int], Bands] = field(default_factory=dict[tuple[range, int], Bands])
    _leasts: dict[int, Least] = field(default_factory=dict[int, Least])

    def build(self, segment: Segment) -> list[Segment]:
        """What a segment is when it is looked at closely: nothing where it cannot be."""
        if segment.pace is not None:
            make = self._stream if segment.bands == 1 else self._stream_in_bands
            need = make(segment, segment.pace, self.variants[segment.variant or 0].kernels)
            return [] if need is None else [replace(segment, need_bytes=need, built=True)]
        if len(segment.nodes) == 1 and not segment.fed:
            return self.layers.build(segment.nodes.start)
        if segment.bands == ANY_STREAM:
            return self._whole_or_banded(segment.nodes)
        return self._streams_of(segment) if segment.bands == 1 else self._banded_of(segment)

    def place(self, path: Sequence[Segment]) -> tuple[Layers, tuple[Bands, ...]]:
        """The network with the streams and kernels of built segments, and what was cut for them."""
        lowerings = {**self.layers.lowerings}
        for segment in path:
            if segment.pace is None and segment.variant:
                at = segment.nodes.start
                lowerings[at] = self.layers.lowered[at, segment.variant]
        streams = (self._streams[s.key] for s in path if s.key in self._streams)
        layers: Layers = self.layers.graph, lowerings, tuple(streams)
        cuts: list[Bands] = []
        for banded in (self._banded[s.key] for s in reversed(path) if s.key in self._banded):
            layers = with_banded(layers, self.layers.core, banded)
            cuts.append(banded.bands)
        return layers, tuple(cuts)

    def starts(self, path: Sequence[Segment]) -> list[int]:
        """The first node of each segment in the network of `place`."""
        found: list[int] = []
        at = 0
        for segment in path:
            found.append(at)
            banded = self._banded.get(segment.key)
            at += len(segment.nodes) if banded is None else len(banded.bands.nodes) + 1
        return found

    def _stream(self, segment: Segment, pace: Pace, kernels: Kernels) -> int | None:
        """Build it; what it needs, or None where it cannot be."""
        layers = self.layers
        stream = make_stream(layers.graph, segment.nodes, pace, kernels, fed=segment.fed)
        if stream is None:
            return None
        self._streams[segment.key] = stream
        return layers.around.need_bytes(segment.nodes, stream_step(stream))

    def _stream_in_bands(self, segment: Segment, pace: Pace, kernels: Kernels) -> int | None:
        """The same of several streams."""
        layers, bands = self.layers, self._bands[segment.nodes, segment.bands]
        banded = make_banded(layers.graph, bands, pace, kernels)
        if banded is None:
            return None
        self._banded[segment.key] = banded
        inner = [stream.inner_bytes for stream in banded.streams]
        need = banded_need_bytes(layers.graph, layers.around, bands.cut, inner, bands.result_bytes)
        return max(need, apart_bound_bytes(layers.graph, layers.core, banded))

    def any_of(self, nodes: range, *, fed: bool) -> Segment | None:
        """What stands for all streams of some nodes, in bands or not; None where there are none."""
        least = self._least(nodes.stop)
        if nodes.start not in least.whole_bytes:
            return None
        if fed:
            return any_stream(self.layers.terms, nodes, least.whole_bytes[nodes.start], fed=True)
        inner = least.shared_bytes[nodes.start] // COUNTS[-1]
        return replace(any_stream(self.layers.terms, nodes, inner, fed=False), bands=ANY_STREAM)

    def _whole_or_banded(self, nodes: range) -> list[Segment]:
        """What stands for streams without bands, and for those with."""
        terms, least = self.layers.terms, self._least(nodes.stop)
        whole = any_stream(terms, nodes, least.whole_bytes[nodes.start], fed=False)
        chain = column_chain(terms.graph, nodes)
        bands = [] if chain is None else [held for n in COUNTS if (held := chain.bands(n))]
        if chain is None or not bands:
            return [whole]
        inner = min(least.band_bytes(chain, held) for held in bands)
        banded = any_banded(self._costs, chain, any_stream(terms, nodes, inner, fed=False))
        return [whole] if banded is None else [whole, banded]

    def _least(self, stop: int) -> Least:
        if stop not in self._leasts:
            self._leasts[stop] = least_memory(self.layers.graph, stop)
        return self._leasts[stop]

    def _streams_of(self, segment: Segment) -> list[Segment]:
        """The streams of some nodes at every pace, without bands."""
        variants = self._lean_variants(segment.nodes)
        found = stream_segments(self.layers.terms, segment.nodes, variants, fed=segment.fed)
        return list(found)

    def _banded_of(self, segment: Segment) -> list[Segment]:
        """The streams of some nodes in bands, by the number of these, or at each pace."""
        graph, count, variants = (
            self.layers.graph,
            segment.bands,
            self._lean_variants(segment.nodes),
        )
        chain = column_chain(graph, segment.nodes)
        assert chain is not None  # As when what stands for them was made.
        if count == ANY_COUNT:
            return list(so_many_bands(self._costs, chain, segment))
        bands = make_bands(graph, chain, count)
        assert bands is not None
        self._bands[segment.nodes, count] = bands
        return list(banded_segments(self._costs, chain, bands, variants))

    @property
    def _costs(self) -> Costs:
        return Costs(self.layers.terms, self.layers.instructions)

    def _lean_variants(self, nodes: range) -> dict[int, bool]:
        """The variants that differ at these nodes, and whether they are lean."""
        return {
            i: variant.lean
            for i, variant in enumerate(self.variants)
            if i == 0 or not variant.nodes.isdisjoint(nodes)
        }
