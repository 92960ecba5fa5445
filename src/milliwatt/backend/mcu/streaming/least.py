# SPDX-License-Identifier: MIT
"""Memory that every stream of a range of nodes needs, at any pace and in any bands.

Between two turns a stream has made e rows of its result, for some e from 1 to one less than all.
Of every other value it then has `slope * e + offset` rows, as many as these take. A layer whose
windows overlap reads some of its rows again: they stay from turn to turn, in a strip of its own
that holds all rows of a window. In bands each of these holds a part of the columns, all of them
together no fewer than one without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class _Walk:
    """From a result backwards: what is needed of each value, and bytes that stay for its readers.

    `height` is the result's.
    """

    graph: Graph
    height: int
    needed: dict[str, _Needed] = field(default_factory=dict[str, _Needed])
    staying: dict[str, int] = field(default_factory=dict[str, int])

    def read(self, node: Node) -> bool:
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
            staying = self._staying_bytes(value, rows, made, found)
            self.staying[value] = max(staying, self.staying.get(value, 0))
            self.needed[value] = _Needed(
                found.slope,
                max(found.offset, known.offset),
                max(found.rows, known.rows),
                max(found.columns, known.columns),
            )
        return True

    def _staying_bytes(self, value: str, window: Window, made: _Needed, found: _Needed) -> int:
        """The least strip of a value for this reader; 0 where rows may be gone after each turn."""

        def low(result_rows: int) -> int:
            top = window.top(made.slope * result_rows + made.offset)
            return min(found.rows, max(0, top), max(0, window.top(made.rows)))

        # Both are lines with a floor and an end: what is so at both ends is so between.
        ends = (1, self.height - 1)
        if self.height < 2 or any(found.by(e) <= low(e) for e in ends):
            return 0
        kind = self.graph.types[value]
        row_bytes = kind.size_bytes // kind.shape[_ROWS]
        within = min(max(0, -(-window.pad // window.stride)), made.rows - 1)
        held = min(found.rows, window.end(within + 1)) - max(0, window.top(within))
        return max(1, held) * row_bytes * found.columns // kind.shape[_COLUMNS]


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


def least_inner_bytes(graph: Graph, stop: int) -> dict[int, int]:
    """By first node, what each stream that ends before node `stop` needs of its own at least.

    Nodes are left out where no stream begins. The source's rows are not counted.
    """
    result = graph.nodes[stop - 1].outputs[0]
    shape = graph.types[result].shape
    if window_of(graph, graph.nodes[stop - 1]) is None:
        return {}
    walk = _Walk(graph, shape[_ROWS])
    walk.needed[result] = _Needed(1, 0, shape[_ROWS], shape[_COLUMNS])
    found: dict[int, int] = {}
    total = 0
    for index in range(stop - 1, -1, -1):
        node = graph.nodes[index]
        total += walk.staying.get(node.outputs[0], 0)
        if not walk.read(node):
            break
        found[index] = total
    return found
