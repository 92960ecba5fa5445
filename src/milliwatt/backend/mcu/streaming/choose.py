# SPDX-License-Identifier: MIT
"""Which layers become streams, and the kernels of the others: the least cost in a given memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator
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
    rank,
)
from milliwatt.backend.mcu.streaming.segments import (
    Key,
    Segment,
    find_alive,
    stream_ranges,
)
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.ir.graph import Graph

ArenaOf = Callable[[Layers], int]
"""The arena that kernels of layers and streams need."""
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

    `floor_of` says what values that are needed at once take in every order. With `fed` the
    network's input comes by rows: its first layers are a fed stream.
    """

    builder: Builder
    arena_of: ArenaOf
    floor_of: ArenaOf
    fed: bool = False
    _starts: list[list[Segment]] | None = None
    _arenas: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    _floors: dict[Hashable, int] = field(default_factory=dict[Hashable, int])

    @property
    def layers(self) -> LoneLayers:
        """The layers outside streams."""
        return self.builder.layers

    def choose(self, arena_bytes: int) -> Choice | None:
        """The least cost whose arena has at most so many bytes, or None.

        With more bytes the cost is never more. None does not prove that there is none.
        """
        best: Choice | None = None
        for path in self._paths(arena_bytes):
            if best is not None and path_cost(path) >= best.cost:
                break
            fitting = (c for c in self._choices(path) if c.arena_bytes <= arena_bytes)
            found = next(fitting, None)
            if found is not None and (best is None or found.cost < best.cost):
                best = found
        return best

    def fastest(self) -> Choice:
        """The least cost, whatever the arena."""
        path = self._path(sys.maxsize)
        assert path is not None  # As in bound_bytes.
        return self._choice(path)

    def smallest(self) -> Choice:
        """The smallest arena that was found, of least cost.

        Equal choosers find the same, whatever they were asked before.
        """
        path = self._path(self.bound_bytes())
        assert path is not None
        found = self._smallest_of(path)
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
        arena_bytes = self._arena_bytes(_key(path), layers)
        return Choice(*layers, arena_bytes, path_cost(path), bands)

    def _choices(self, path: list[Segment]) -> Iterator[Choice]:
        """The path as it is, then with one value moved, the cheapest first.

        Nothing is moved where that cannot help.
        """
        plain = self._choice(path)
        yield plain
        if plain.arena_bytes <= self._floor_bytes(path):
            return
        layers = plain.graph, plain.lowerings, plain.streams
        for work, index, value in self._moves(path, plain.graph):
            moved = with_move(layers, self.layers.core, index, value)
            arena_bytes = self._arena_bytes((_key(path), index, value), moved)
            cost = plain.cost + self.layers.price(work, 0)
            yield Choice(*moved, arena_bytes, cost, plain.bands)

    def _moves(self, path: list[Segment], graph: Graph) -> list[tuple[float, int, str]]:
        """What moving a value costs, the node before which it is moved, and the value."""
        tight = [at for at, s in enumerate(path) if s.need_bytes > _TIGHT * peak_bytes(path)]
        starts = self.builder.starts(path)[tight[0] + 1 : tight[-1] + 2]
        return sorted(
            (_PER_MOVED_BYTE * graph.types[value].size_bytes, index, value)
            for index in starts[:_MOST_MOVES]
            for value in movable(graph, index)
        )

    def _smallest_of(self, path: list[Segment]) -> Choice:
        """The smallest arena with the segments of a path."""
        best: Choice | None = None
        for found in self._choices(path):
            if best is None or found.arena_bytes < best.arena_bytes:
                best = found
            if best.arena_bytes <= self._floor_bytes(path):
                break
        assert best is not None  # The path as it is.
        return best

    def _floor_bytes(self, path: list[Segment]) -> int:
        """No order, no placement and no move makes the arena of these segments smaller."""
        key = _key(path)
        if key not in self._floors:
            layers, _ = self.builder.place(path)
            self._floors[key] = max(peak_bytes(path), self.floor_of(layers))
        return self._floors[key]

    def _arena_bytes(self, key: Hashable, layers: Layers) -> int:
        if key not in self._arenas:
            self._arenas[key] = self.arena_of(layers)
        return self._arenas[key]

    def _paths(self, limit_bytes: int) -> Iterator[list[Segment]]:
        """The cheapest of all that need no more, then of those with a lower peak, and so on."""
        while (path := self._path(limit_bytes)) is not None:
            yield path
            if not path:
                return
            limit_bytes = min(limit_bytes, peak_bytes(path)) - 1

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
                found = self.builder.any_of(nodes, fed=fed)
                highest = max((own[i] for i in nodes if i in own), default=0)
                if found and (fed or (found.need_bytes < highest and nodes.start in own)):
                    yield found

    def _build_all(self, path: list[Segment]) -> None:
        for segment in path:
            if not segment.built:
                there = self._all()[segment.nodes.start]
                there.remove(segment)
                there += self.builder.build(segment)
                there.sort(key=rank)


def _key(path: list[Segment]) -> tuple[Key, ...]:
    """What tells ways through a network apart."""
    return tuple(segment.key for segment in path if segment.pace or segment.variant)
