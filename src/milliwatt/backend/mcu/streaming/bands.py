# SPDX-License-Identifier: MIT
"""A chain of layers cut across its columns: the same layers again for each band of the result.

A band computes some columns of the result from the columns of the source that those need. What
bands share, the halo, is computed in each. Padding is there only where a band has the image's own
border; so each layer of a band is a layer like any other, of narrower maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from milliwatt.backend.mcu.streaming.rows import Slice, column_window_of, map_inputs
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import TensorType
from milliwatt.ops.base import Op
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.shape import Concat
from milliwatt.ops.shape import Slice as SliceOp

_AXIS = 2
Columns = tuple[int, int]
"""The first column, and the one after the last."""


@dataclass(frozen=True, slots=True)
class Bands:
    """The nodes `cut` of a graph rewritten: `nodes` stand for them, their new values in `types`.

    The nodes of each band follow one another, `lengths` of them; after all bands comes the one
    that joins their results. `parts` has for each new value the one that it holds columns of, and
    the first of them; `origins` for each node but the last the one that it stands for, or for a
    copy of columns the one that reads them first.
    """

    cut: range
    nodes: tuple[Node, ...]
    types: Mapping[str, TensorType]
    parts: Mapping[str, tuple[str, int]]
    lengths: tuple[int, ...]
    origins: tuple[int, ...]

    @property
    def chains(self) -> tuple[range, ...]:
        """The nodes of each band in the graph of `with_bands`."""
        starts = [self.cut.start + sum(self.lengths[:i]) for i in range(len(self.lengths))]
        return tuple(range(a, a + n) for a, n in zip(starts, self.lengths, strict=True))

    @property
    def join(self) -> int:
        """The index of the node that joins the bands."""
        return self.cut.start + sum(self.lengths)


def make_bands(graph: Graph, nodes: range, count: int) -> Bands | None:
    """The nodes, which make one value from one, in `count` bands of equal width.

    None where an operator does not work by columns, or the result has too few of them.
    """
    result = graph.nodes[nodes[-1]].outputs[0]
    width = graph.types[result].shape[_AXIS]
    if count > width:
        return None
    made: list[_Band] = []
    for number in range(count):
        columns = number * width // count, (number + 1) * width // count
        held = columns_held(graph, nodes, columns)
        if held is None:
            return None
        band = _Band(graph, number, held)
        for index in nodes:
            band.add(index)
        made.append(band)
    joined = tuple(band.name(result) for band in made)
    join = Node(f"{graph.nodes[nodes[-1]].name}/join", Concat(_AXIS), joined, (result,))
    return Bands(
        cut=nodes,
        nodes=(*(node for band in made for node in band.nodes), join),
        types={v: kind for band in made for v, kind in band.types.items()},
        parts={
            name: (value, first)
            for band in made
            for (value, (first, _)), name in band.names.items()
        },
        lengths=tuple(len(band.nodes) for band in made),
        origins=tuple(i for band in made for i in band.origins),
    )


def with_bands(graph: Graph, bands: Bands) -> Graph:
    """The graph with these bands in the place of the nodes that they stand for."""
    before, after = graph.nodes[: bands.cut.start], graph.nodes[bands.cut.stop :]
    types = {**graph.types, **bands.types}
    return graph.with_nodes([*before, *bands.nodes, *after], types=types)


def columns_held(graph: Graph, nodes: range, columns: Columns) -> dict[str, Columns] | None:
    """The columns of each value, the source too, from which `columns` of the result are made."""
    held = {graph.nodes[nodes[-1]].outputs[0]: columns}
    for node in (graph.nodes[i] for i in reversed(nodes)):
        piece = _piece(graph, node, held[node.outputs[0]])
        if piece is None:
            return None
        for value in (node.inputs[i] for i in map_inputs(graph, node)):
            begin, end = piece.first, piece.first + piece.in_rows
            known = held.get(value, (begin, end))
            held[value] = min(begin, known[0]), max(end, known[1])
    return held


def _piece(graph: Graph, node: Node, columns: Columns) -> Slice | None:
    """The columns that a node reads for some of its output; None where there are none."""
    window = column_window_of(graph, node)
    if window is None:
        return None
    maps = [graph.types[node.inputs[i]] for i in map_inputs(graph, node)]
    piece = window.slice(*columns, maps[0].shape[_AXIS])
    return piece if piece.in_rows > 0 else None


@dataclass(slots=True)
class _Band:
    """The nodes of one band, as they are made; `held` are the columns of each value."""

    graph: Graph
    number: int
    held: Mapping[str, Columns]
    nodes: list[Node] = field(default_factory=list[Node])
    types: dict[str, TensorType] = field(default_factory=dict[str, TensorType])
    origins: list[int] = field(default_factory=list[int])
    names: dict[tuple[str, Columns], str] = field(default_factory=dict[tuple[str, Columns], str])
    """What holds exactly these columns of a value."""

    def name(self, text: str) -> str:
        """What a value, or a node, of the network is called in this band."""
        return f"{text}/band {self.number + 1}"

    def add(self, index: int) -> None:
        """The node of that index for the columns of this band."""
        node = self.graph.nodes[index]
        made, maps = node.outputs[0], map_inputs(self.graph, node)
        piece = _piece(self.graph, node, self.held[made])
        assert piece is not None  # As in columns_held.
        read = piece.first, piece.first + piece.in_rows
        inputs = tuple(
            self._read(index, v, read) if i in maps else v for i, v in enumerate(node.inputs)
        )
        self.names[made, self.held[made]] = self.name(made)
        self._append(
            Node(self.name(node.name), _op_of(node.op, piece), inputs, (self.name(made),)),
            _of_columns(self.graph.types[made], self.held[made]),
            index,
        )

    def _read(self, index: int, value: str, columns: Columns) -> str:
        """What holds these columns alone: a copy where more of them are in memory."""
        key = value, columns
        made = self.name(value) in self.types
        if not made and columns == (0, self.graph.types[value].shape[_AXIS]):
            return value
        if key not in self.names:
            self.names[key] = f"{value}/{columns[0]}:{columns[1]} of {self.name(f'{index}')}"
            self._copy(index, value, columns)
        return self.names[key]

    def _copy(self, index: int, value: str, columns: Columns) -> None:
        made = self.name(value) in self.types
        read, first = (self.name(value), self.held[value][0]) if made else (value, 0)
        kind = _of_columns(self.graph.types[value], columns)
        begin = (0, 0, columns[0] - first, 0)
        name = self.names[value, columns]
        op = SliceOp(begin, kind.shape, (1,) * len(begin))
        self._append(Node(f"{name}/copy", op, (read,), (name,)), kind, index)

    def _append(self, node: Node, kind: TensorType, origin: int) -> None:
        self.nodes.append(node)
        self.types[node.outputs[0]] = kind
        self.origins.append(origin)


def _of_columns(kind: TensorType, columns: Columns) -> TensorType:
    begin, end = columns
    return replace(kind, shape=(*kind.shape[:_AXIS], end - begin, *kind.shape[_AXIS + 1 :]))


def _op_of(op: Op, piece: Slice) -> Op:
    """The operator for some columns: padding where they reach beyond the map, and there alone."""
    if isinstance(op, Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D):
        return replace(op, padding=replace(op.padding, left=piece.pad_rows, right=piece.pad_below))
    if isinstance(op, SliceOp):
        return replace(op, size=(*op.size[:_AXIS], piece.out_rows, *op.size[_AXIS + 1 :]))
    return op
