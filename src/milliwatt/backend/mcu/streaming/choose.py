# SPDX-License-Identifier: MIT
"""Which layers become streams: the least extra work that fits a given memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from milliwatt.backend.mcu.kernel import Lowered
from milliwatt.backend.mcu.streaming.build import make_stream
from milliwatt.backend.mcu.streaming.lower import Kernels, lean_first
from milliwatt.backend.mcu.streaming.schedule import Pace
from milliwatt.backend.mcu.streaming.segments import (
    Alive,
    Segment,
    lone_segments,
    paces,
    stream_peak,
    stream_ranges,
    stream_segment,
)
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.ir.graph import Graph

Key = tuple[range, Pace | None, bool]
"""Which segment: its nodes, their pace, whether their kernels are lean."""
ArenaOf = Callable[[tuple[Stream, ...]], int]
"""The arena that a choice of streams needs."""
_TRIES = 12
"""How often a choice whose arena is larger than its parts promise is made again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Streams, and the arena they need."""

    streams: tuple[Stream, ...]
    arena_bytes: int


@dataclass(slots=True)
class StreamChooser:
    """Choices of streams of one network; what was found out once is kept.

    `lowered` are the kernels of the nodes without streams, `lean` those of less scratch memory for
    some of the nodes, `kernels` all that a stream may use, best first. With `fed` the network's
    input comes by rows: its first layers are a fed stream.
    """

    graph: Graph
    alive: Alive
    lowered: Mapping[int, Lowered | None]
    lean: Mapping[int, Lowered]
    kernels: Kernels
    arena_of: ArenaOf
    fed: bool = False
    _segments: list[Segment] | None = None
    _built: dict[Key, Stream | None] = field(default_factory=dict[Key, "Stream | None"])
    _arenas: dict[tuple[Key, ...], int] = field(default_factory=dict[tuple[Key, ...], int])

    def choose(self, arena_bytes: int) -> Choice | None:
        """The streams of least extra work whose arena has at most so many bytes, or None.

        None does not prove that there are none.
        """
        limit = arena_bytes
        for _ in range(_TRIES):
            path = self._path(limit)
            if path is None:
                return None
            choice = self._choice(path)
            if choice.arena_bytes <= arena_bytes:
                return choice
            limit = min(limit, self._peak(path)) - 1
        return None

    def fastest(self) -> Choice:
        """The least extra work, whatever the arena."""
        path = self._path(self._peak(self._all()))
        assert path is not None
        return self._choice(path)

    def smallest(self) -> Choice:
        """The smallest arena that was found."""
        found = self._choice(self._least_path())
        while (better := self.choose(found.arena_bytes - 1)) is not None:
            found = better
        return found

    def _least_path(self) -> list[Segment]:
        """The path of the lowest peak; not None, as every node may run alone unless fed."""
        low, high = 0, self._peak(self._all())
        path = self._path(high)
        while low < high:
            middle = (low + high) // 2
            found = self._path(middle)
            if found is None:
                low = middle + 1
            else:
                path, high = found, min(middle, self._peak(found))
        assert path is not None
        return path

    def without_streams(self) -> Choice:
        """Every layer alone."""
        return self._choice([])

    def _choice(self, path: list[Segment]) -> Choice:
        streams = tuple(s for segment in path if (s := self._stream(segment)) is not None)
        key = tuple(segment.key for segment in path if self._stream(segment) is not None)
        if key not in self._arenas:
            self._arenas[key] = self.arena_of(streams)
        return Choice(streams, self._arenas[key])

    @staticmethod
    def _peak(path: list[Segment]) -> int:
        return max((segment.peak_bytes for segment in path), default=0)

    def _path(self, limit_bytes: int) -> list[Segment] | None:
        """The segments of least extra work with no higher peak; streams among them are built."""
        while True:
            path = _shortest(len(self.graph.nodes), self._all(), limit_bytes)
            if path is None:
                return None
            fresh = [s for s in path if s.pace and s.key not in self._built]
            if not fresh:
                return path
            for segment in fresh:
                self._build(segment)

    def _all(self) -> list[Segment]:
        if self._segments is None:
            self._segments = self._find_segments()
        return self._segments

    def _find_segments(self) -> list[Segment]:
        lone = lone_segments(self.graph, self.alive, self.lowered)
        found = [s for s in lone if not (self.fed and s.nodes.start == 0)]
        alone = {s.nodes.start: s.peak_bytes for s in found}
        for fed in (False, True) if self.fed else (False,):
            for nodes in stream_ranges(self.graph, self.alive, fed=fed):
                if self.fed and nodes.start == 0 and not fed:
                    continue
                highest = max((alone.get(i, 0) for i in nodes), default=0)
                found += self._paced(nodes, highest, fed=fed)
        return found

    def _paced(self, nodes: range, highest_bytes: int, *, fed: bool) -> Iterator[Segment]:
        """Streams of these nodes at all paces that make the arena smaller."""
        for pace in paces(self.graph, nodes):
            for lean in (False, True) if any(i in self.lean for i in nodes) else (False,):
                lowered = {**self.lowered, **self.lean} if lean else self.lowered
                segment = stream_segment(
                    self.graph, self.alive, lowered, nodes, pace, fed=fed, lean=lean
                )
                if segment is None:
                    continue
                if fed or segment.peak_bytes < highest_bytes:
                    yield segment
                elif lean or not self.lean:
                    return  # Faster paces need more.

    def _stream(self, segment: Segment) -> Stream | None:
        return None if segment.pace is None else self._built[segment.key]

    def _build(self, segment: Segment) -> None:
        """Build a stream; its segment learns its real memory, or goes where it cannot be."""
        assert segment.pace is not None
        nodes = segment.nodes
        kernels = lean_first(self.kernels) if segment.lean else self.kernels
        stream = make_stream(self.graph, nodes, segment.pace, kernels, fed=segment.fed)
        self._built[segment.key] = stream
        segments = self._all()
        at = segments.index(segment)
        if stream is None:
            del segments[at]
            return
        peak = stream_peak(
            self.graph, self.alive, nodes, stream.inner_bytes, stream.gap_bytes, fed=segment.fed
        )
        segments[at] = replace(segment, peak_bytes=peak)


def _shortest(length: int, segments: list[Segment], limit_bytes: int) -> list[Segment] | None:
    """From node 0 to the last by segments within the limit: least work, then lowest peak."""
    best: list[tuple[float, int, list[Segment]] | None] = [None] * (length + 1)
    best[0] = (0.0, 0, [])
    for segment in sorted(segments, key=lambda s: (s.nodes.start, s.nodes.stop)):
        before = best[segment.nodes.start]
        if before is None or segment.peak_bytes > limit_bytes:
            continue
        work, peak, path = before
        found = (work + segment.extra_work, max(peak, segment.peak_bytes), [*path, segment])
        there = best[segment.nodes.stop]
        if there is None or found[:2] < there[:2]:
            best[segment.nodes.stop] = found
    last = best[length]
    return None if last is None else last[2]
