# SPDX-License-Identifier: MIT
"""Memory that every stream of a range of nodes needs, at any pace and in any bands.

Between two turns a stream has made e rows of its result, for some e from 1 to one less than all.
Of every other value it then has `slope * e + offset` rows, as many as these take. A layer whose
windows overlap reads some of its rows again: they stay from turn to turn, in a strip of its own
that holds all rows of a window. In bands each of these holds a part of the columns, all of them
together no fewer than their reader needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from milliwatt.backend.mcu.streaming.columns import ColumnChain, Held
from milliwatt.backend.mcu.streaming.rows import Window, column_window_of, map_inputs, window_of
from milliwatt.ir.graph import Graph, Node

_ROWS, _COLUMNS = 1, 2


@dataclass(frozen=True, slots=True)
class _Needed:
    """Rows and columns of a value: those that e rows of the result take, and those of all."""

    slope: int
    offset: int
    rows: int
    columns: int

    def by(self, made: int) -> int:
        """The rows that exist when `made` rows of the result do."""
        return min(self.rows, max(0, self.slope * made + self.offset))


@dataclass(frozen=True, slots=True)
class _Staying:
    """Rows of a value that stay for the node of that index, which needs so many columns of them."""

    reader: int
    column_bytes: int
    columns: int


@dataclass(frozen=True, slots=True)
class Least:
    """What streams with one result need of their own at least, by their first node.

    `whole_bytes` without bands, `shared_bytes` all bands together. Nodes are left out where no
    stream begins. The source's rows are not counted.
    """

    whole_bytes: Mapping[int, int]
    shared_bytes: Mapping[int, int]
    staying: Mapping[str, Sequence[_Staying]]

    def band_bytes(self, chain: ColumnChain, bands: Sequence[Held]) -> int:
        """What the band of a chain that needs most takes at least; `bands` are all of them."""
        made = {layer.makes for layer in chain.layers}
        layers = {layer.index: layer for layer in chain.layers}

        def columns(reader: int, held: Held) -> int:
            piece = layers[reader].piece(held[layers[reader].makes])
            return 0 if piece is None else piece.in_rows

        return max(
            sum(
                max((s.column_bytes * columns(s.reader, held) for s in self.staying[v]), default=0)
                for v in made & self.staying.keys()
            )
            for held in bands
        )


@dataclass(slots=True)
class _Walk:
    """From a result backwards: what is needed of each value, and what stays for its readers.

    `height` is the result's.
    """

    graph: Graph
    height: int
    needed: dict[str, _Needed] = field(default_factory=dict[str, _Needed])
    staying: dict[str, list[_Staying]] = field(default_factory=dict[str, "list[_Staying]"])

    def read(self, index: int, node: Node) -> bool:
        """Go back over a node whose output is known; False where no stream has it."""
        made = self.needed.get(node.outputs[0])
        rows, columns = window_of(self.graph, node), column_window_of(self.graph, node)
        if made is None or rows is None:
            return False
        for value in (node.inputs[i] for i in map_inputs(self.graph, node)):
            found = _through(rows, columns, made, self.graph.types[value].shape)
            known = self.needed.get(value, found)
            if known.slope != found.slope:
                return False
            column_bytes = self._column_bytes(value, rows, made, found)
            staying = _Staying(index, column_bytes, found.columns)
            self.staying.setdefault(value, []).append(staying)
            self.needed[value] = _Needed(
                found.slope,
                max(found.offset, known.offset),
                max(found.rows, known.rows),
                max(found.columns, known.columns),
            )
        return True

    def _column_bytes(self, value: str, window: Window, made: _Needed, found: _Needed) -> int:
        """Rows of a value that stay for this reader; 0 where all may be gone after each turn."""

        def low(result_rows: int) -> int:
            top = window.top(made.slope * result_rows + made.offset)
            return min(found.rows, max(0, top), max(0, window.top(made.rows)))

        # Both are lines with a floor and an end: what is so at both ends is so between.
        ends = (1, self.height - 1)
        if self.height < 2 or any(found.by(e) <= low(e) for e in ends):
            return 0
        kind = self.graph.types[value]
        pixel_bytes = kind.size_bytes // (kind.shape[_ROWS] * kind.shape[_COLUMNS])
        within = min(max(0, -(-window.pad // window.stride)), made.rows - 1)
        held = min(found.rows, window.end(within + 1)) - max(0, window.top(within))
        return max(1, held) * pixel_bytes


def _through(rows: Window, columns: Window | None, made: _Needed, shape: Sequence[int]) -> _Needed:
    """What a layer needs of a map of that shape."""
    return _Needed(
        slope=made.slope * rows.stride,
        offset=rows.end(made.offset),
        rows=max(0, min(shape[_ROWS], rows.end(made.rows))),
        columns=_columns(columns, made.columns, shape[_COLUMNS]),
    )


def _columns(window: Window | None, made: int, width: int) -> int:
    """Columns that bands are sure to hold together; none where windows leave gaps."""
    if window is None:
        return width
    return max(0, min(width, window.end(made))) if window.reach >= window.stride else 0


def least_memory(graph: Graph, stop: int) -> Least:
    """What each stream that ends before node `stop` needs of its own."""
    result = graph.nodes[stop - 1].outputs[0]
    shape = graph.types[result].shape
    if window_of(graph, graph.nodes[stop - 1]) is None:
        return Least({}, {}, {})
    walk = _Walk(graph, shape[_ROWS])
    walk.needed[result] = _Needed(1, 0, shape[_ROWS], shape[_COLUMNS])
    whole: dict[int, int] = {}
    shared: dict[int, int] = {}
    all_columns, some_columns = 0, 0
    for index in range(stop - 1, -1, -1):
        node = graph.nodes[index]
        value = node.outputs[0]
        staying = walk.staying.get(value, [])
        if staying:
            width = graph.types[value].shape[_COLUMNS]
            all_columns += width * max(s.column_bytes for s in staying)
            some_columns += max(s.column_bytes * s.columns for s in staying)
        if not walk.read(index, node):
            break
        whole[index], shared[index] = all_columns, some_columns
    return Least(whole, shared, walk.staying)
