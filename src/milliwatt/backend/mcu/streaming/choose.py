# SPDX-License-Identifier: MIT
"""Which layers become streams, and the kernels of the others: the least cost in a given memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from milliwatt.backend.mcu.choice.choose import Lowerings
from milliwatt.backend.mcu.streaming.alone import LoneLayers
from milliwatt.backend.mcu.streaming.bands import Bands
from milliwatt.backend.mcu.streaming.builder import Builder
from milliwatt.backend.mcu.streaming.moves import Layers, movable, with_move
from milliwatt.backend.mcu.streaming.paths import (
    cheapest_path,
    lowest_peak_bytes,
    path_cost,
    peak_bytes,
)
from milliwatt.backend.mcu.streaming.segments import (
    Key,
    Segment,
    any_stream,
    find_alive,
    stream_ranges,
)
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.ir.graph import Graph

ArenaOf = Callable[[Layers], int]
"""The arena that kernels of layers and streams need."""
_TRIES = 12
"""How often a choice whose arena is larger than its parts promise is made again."""
_TIGHT = 0.75
"""Values are moved between segments that need at least this part of the most."""
_MOST_MOVES = 16
"""Places at which a move is tried."""
_PER_MOVED_BYTE = 1.5
"""Instructions that a move takes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Streams and the kernels of the layers outside them, and the arena they need.

    `graph` is the network, with `bands` in the place of chains, and with a copy where a value is
    moved. `cost` is what they cost beyond the objective's own kernels without streams.
    """

    graph: Graph
    lowerings: Lowerings
    streams: tuple[Stream, ...]
    arena_bytes: int
    cost: float
    bands: tuple[Bands, ...]


@dataclass(slots=True)
class StreamChooser:
    """Choices for one network; what was found out once is kept.

    With `fed` the network's input comes by rows: its first layers are a fed stream.
    """

    builder: Builder
    arena_of: ArenaOf
    fed: bool = False
    _starts: list[list[Segment]] | None = None
    _arenas: dict[tuple[Key, ...], int] = field(default_factory=dict[tuple[Key, ...], int])
    _moves: dict[tuple[Key, ...], Choice] = field(default_factory=dict[tuple[Key, ...], "Choice"])

    @property
    def layers(self) -> LoneLayers:
        """The layers outside streams."""
        return self.builder.layers

    def choose(self, arena_bytes: int) -> Choice | None:
        """The least cost whose arena has at most so many bytes, or None.

        None does not prove that there is none.
        """
        limit = arena_bytes
        for _ in range(_TRIES):
            path = self._path(limit)
            if path is None:
                return None
            for found in (self._choice, self._moved):
                choice = found(path)
                if choice.arena_bytes <= arena_bytes:
                    return choice
            limit = min(limit, peak_bytes(path)) - 1
        return None

    def fastest(self) -> Choice:
        """The least cost, whatever the arena."""
        path = self._path(sys.maxsize)
        assert path is not None  # As in bound_bytes.
        return self._choice(path)

    def smallest(self) -> Choice:
        """The smallest arena that was found, of least cost."""
        path = self._path(self.bound_bytes())
        assert path is not None
        found = min(self._choice(path), self._moved(path), key=lambda choice: choice.arena_bytes)
        while found.arena_bytes > self.bound_bytes():
            better = self.choose(found.arena_bytes - 1)
            if better is None:
                break
            found = better
        return self.choose(found.arena_bytes) or found

    def bound_bytes(self) -> int:
        """No choice of streams and kernels that can be made here has a smaller arena.

        Of all ways through the network it is the lowest peak, each segment counted with what it
        needs in every order and placement.
        """
        while True:
            lowest = lowest_peak_bytes(self._all())
            assert lowest is not None  # Every node may run alone, or in a fed stream.
            path = cheapest_path(self._all(), lowest)
            assert path is not None
            if all(segment.built for segment in path):
                return lowest
            self._build_all(path)

    def without_streams(self) -> Choice:
        """Every layer alone, by the objective's own kernel."""
        return self._choice([])

    def _choice(self, path: list[Segment]) -> Choice:
        layers, bands = self.builder.place(path)
        key = _key(path)
        if key not in self._arenas:
            self._arenas[key] = self.arena_of(layers)
        return Choice(*layers, self._arenas[key], path_cost(path), bands)

    def _moved(self, path: list[Segment]) -> Choice:
        """The same with one value moved where that makes the arena smallest."""
        key = _key(path)
        if key not in self._moves:
            self._moves[key] = self._find_move(path)
        return self._moves[key]

    def _find_move(self, path: list[Segment]) -> Choice:
        best = self._choice(path)
        if not path or best.arena_bytes <= peak_bytes(path):
            return best
        tight = [at for at, s in enumerate(path) if s.need_bytes > _TIGHT * peak_bytes(path)]
        starts = self.builder.starts(path)[tight[0] + 1 : tight[-1] + 2]
        graph = best.graph
        layers = graph, best.lowerings, best.streams
        for index in starts[:_MOST_MOVES]:
            for value in movable(graph, index):
                moved = with_move(layers, self.layers.core, index, value)
                arena_bytes = self.arena_of(moved)
                if arena_bytes < best.arena_bytes:
                    work = _PER_MOVED_BYTE * graph.types[value].size_bytes
                    cost = path_cost(path) + self.layers.price(work, 0)
                    best = Choice(*moved, arena_bytes, cost, best.bands)
        return best

    def _path(self, limit_bytes: int) -> list[Segment] | None:
        """The segments of least cost that need no more, all built."""
        while True:
            path = cheapest_path(self._all(), limit_bytes)
            if path is None or all(segment.built for segment in path):
                return path
            self._build_all(path)

    def _all(self) -> list[list[Segment]]:
        if self._starts is None:
            self._starts = [[] for _ in self.layers.graph.nodes]
            for segment in self._find_segments():
                self._starts[segment.nodes.start].append(segment)
        return self._starts

    def _find_segments(self) -> Iterator[Segment]:
        lone = [s for s in self.layers.segments() if not (self.fed and s.nodes.start == 0)]
        yield from lone
        own = {s.nodes.start: s.need_bytes for s in lone if s.built}
        layers = self.layers
        alive = find_alive(layers.graph, layers.arena)
        for fed in (False, True) if self.fed else (False,):
            for nodes in stream_ranges(layers.graph, alive, fed=fed):
                found = any_stream(layers.terms, nodes, fed=fed)
                highest = max((own[i] for i in nodes if i in own), default=0)
                if fed or (found.need_bytes < highest and nodes.start in own):
                    yield found

    def _build_all(self, path: list[Segment]) -> None:
        for segment in path:
            if not segment.built:
                there = self._all()[segment.nodes.start]
                there.remove(segment)
                there += self.builder.build(segment)


def _key(path: list[Segment]) -> tuple[Key, ...]:
    """What tells ways through a network apart."""
    return tuple(segment.key for segment in path if segment.pace or segment.variant)
