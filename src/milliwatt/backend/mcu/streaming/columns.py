# SPDX-License-Identifier: MIT
"""The columns of each map from which a chain of layers makes some columns of its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from milliwatt.backend.mcu.streaming.rows import Slice, Window, column_window_of, map_inputs
from milliwatt.ir.graph import Graph

AXIS = 2
Columns = tuple[int, int]
"""The first column, and the one after the last."""
Held = Mapping[str, Columns]
"""Of each value of a chain, the source too, the columns that a band needs."""


@dataclass(frozen=True, slots=True)
class ColumnLayer:
    """A node that works by columns: the maps it reads, all `width` wide, and the one it makes."""

    index: int
    reads: tuple[str, ...]
    makes: str
    window: Window
    width: int

    def piece(self, columns: Columns) -> Slice | None:
        """The columns that are read for some of the output; None where there are none."""
        found = self.window.slice(*columns, self.width)
        return found if found.in_rows > 0 else None


@dataclass(frozen=True, slots=True)
class ColumnChain:
    """Layers that make one value, of `width` columns, from one."""

    layers: tuple[ColumnLayer, ...]
    width: int

    @property
    def nodes(self) -> range:
        """The layers' indices."""
        return range(self.layers[0].index, self.layers[-1].index + 1)

    def bands(self, count: int) -> list[Held]:
        """What each of `count` bands of equal width needs.

        Nothing where there are too few columns, some are made from padding alone, or a layer makes
        what none of them reads.
        """
        if count > self.width:
            return []
        cuts = [number * self.width // count for number in range(count + 1)]
        found = [held for band in pairwise(cuts) if (held := self._held(band)) is not None]
        return found if len(found) == count else []

    def _held(self, columns: Columns) -> Held | None:
        held = {self.layers[-1].makes: columns}
        for layer in reversed(self.layers):
            made = held.get(layer.makes)
            piece = None if made is None else layer.piece(made)
            if piece is None:
                return None
            begin, end = piece.first, piece.first + piece.in_rows
            for value in layer.reads:
                known = held.get(value, (begin, end))
                held[value] = min(begin, known[0]), max(end, known[1])
        return held


def column_chain(graph: Graph, nodes: range) -> ColumnChain | None:
    """The nodes, which make one value from one; None where one does not work by columns."""
    layers: list[ColumnLayer] = []
    for index in nodes:
        node = graph.nodes[index]
        window = column_window_of(graph, node)
        if window is None:
            return None
        reads = tuple(node.inputs[i] for i in map_inputs(graph, node))
        width = graph.types[reads[0]].shape[AXIS]
        layers.append(ColumnLayer(index, reads, node.outputs[0], window, width))
    return ColumnChain(tuple(layers), graph.types[layers[-1].makes].shape[AXIS])


def part_bytes(graph: Graph, value: str, held: Held) -> int:
    """The columns of a value that a band needs, in all rows."""
    begin, end = held[value]
    kind = graph.types[value]
    return kind.size_bytes // kind.shape[AXIS] * (end - begin)
