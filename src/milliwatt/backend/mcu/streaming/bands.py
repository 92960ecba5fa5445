# SPDX-License-Identifier: MIT
"""A chain of layers cut across its columns: the same layers again for each band of the result.

A band computes some columns of the result from the columns of the source that those need. What
bands share, the halo, is computed in each. Padding is there only where a band has the image's own
border; so each layer of a band is a layer like any other, of narrower maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from milliwatt.backend.mcu.streaming.columns import AXIS, ColumnChain, ColumnLayer, Columns
from milliwatt.backend.mcu.streaming.rows import Slice
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import TensorType
from milliwatt.ops.base import Op
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.shape import Concat
from milliwatt.ops.shape import Slice as SliceOp


@dataclass(frozen=True, slots=True)
class Part:
    """Some columns of a value of the network."""

    value: str
    columns: Columns


@dataclass(frozen=True, slots=True)
class BandNode:
    """A node of a band and what it makes, a `part` of type `kind`.

    It stands for the node of index `origin`, or copies what that one is the first to read.
    """

    node: Node
    part: Part
    kind: TensorType
    origin: int
    is_copy: bool


@dataclass(frozen=True, slots=True)
class Bands:
    """The nodes `cut` of a graph in bands, and the node that joins the results of these."""

    cut: range
    bands: tuple[tuple[BandNode, ...], ...]
    join: Node

    @property
    def nodes(self) -> tuple[BandNode, ...]:
        """Those of all bands, in order."""
        return tuple(node for band in self.bands for node in band)

    @property
    def chains(self) -> tuple[range, ...]:
        """The nodes of each band in the graph of `with_bands`; the join comes after them."""
        found: list[range] = []
        at = self.cut.start
        for band in self.bands:
            found.append(range(at, at + len(band)))
            at += len(band)
        return tuple(found)

    @property
    def result_bytes(self) -> tuple[int, ...]:
        """What each band makes of the result."""
        return tuple(band[-1].kind.size_bytes for band in self.bands)


def make_bands(graph: Graph, chain: ColumnChain, count: int) -> Bands | None:
    """The layers of `chain` in `count` bands; None where their columns are too few."""
    made: list[_Band] = []
    for number, held in enumerate(chain.bands(count), start=1):
        band = _Band(graph, number, held)
        for layer in chain.layers:
            band.add(layer)
        made.append(band)
    if not made:
        return None
    first, last = chain.layers[0], chain.layers[-1]
    name = f"{graph.nodes[last.index].name}/join"
    joined = tuple(band.name(last.makes) for band in made)
    return Bands(
        cut=range(first.index, last.index + 1),
        bands=tuple(tuple(band.nodes) for band in made),
        join=Node(name, Concat(AXIS), joined, (last.makes,)),
    )


def with_bands(graph: Graph, bands: Bands) -> Graph:
    """The graph with these bands in the place of the nodes that they stand for."""
    before, after = graph.nodes[: bands.cut.start], graph.nodes[bands.cut.stop :]
    made = {one.node.outputs[0]: one.kind for one in bands.nodes}
    nodes = (*before, *(one.node for one in bands.nodes), bands.join, *after)
    return graph.with_nodes(nodes, types={**graph.types, **made})


@dataclass(slots=True)
class _Band:
    """The nodes of one band, as they are made; `held` are the columns of each value."""

    graph: Graph
    number: int
    held: Mapping[str, Columns]
    nodes: list[BandNode] = field(default_factory=list[BandNode])
    names: dict[Part, str] = field(default_factory=dict[Part, str])
    """What holds exactly these columns."""

    def name(self, text: str) -> str:
        """What a value, or a node, of the network is called in this band."""
        return f"{text}/band {self.number}"

    def add(self, layer: ColumnLayer) -> None:
        """The layer for the columns of this band."""
        node, part = self.graph.nodes[layer.index], Part(layer.makes, self.held[layer.makes])
        piece = layer.piece(part.columns)
        assert piece is not None  # As when the columns were found.
        read = piece.first, piece.first + piece.in_rows
        inputs = tuple(
            self._read(layer, Part(v, read)) if v in layer.reads else v for v in node.inputs
        )
        made = self.name(layer.makes)
        new = Node(self.name(node.name), _op_of(node.op, piece), inputs, (made,))
        self._append(new, part, layer.index, is_copy=False)

    def _read(self, layer: ColumnLayer, part: Part) -> str:
        """What holds these columns alone: a copy where more of them are in memory."""
        value = part.value
        held = Part(value, self.held[value])
        is_made = held in self.names
        if not is_made and part.columns == (0, self.graph.types[value].shape[AXIS]):
            return value
        if part not in self.names:
            origin, first = (self.names[held], held.columns[0]) if is_made else (value, 0)
            begin, end = part.columns
            name = f"{value}/{begin}:{end} for {self.name(layer.makes)}"
            kind = _of_columns(self.graph.types[value], part.columns)
            op = SliceOp((0, 0, begin - first, 0), kind.shape, (1, 1, 1, 1))
            self._append(Node(name, op, (origin,), (name,)), part, layer.index, is_copy=True)
        return self.names[part]

    def _append(self, node: Node, part: Part, origin: int, *, is_copy: bool) -> None:
        kind = _of_columns(self.graph.types[part.value], part.columns)
        self.names[part] = node.outputs[0]
        self.nodes.append(BandNode(node, part, kind, origin, is_copy))


def _of_columns(kind: TensorType, columns: Columns) -> TensorType:
    begin, end = columns
    return replace(kind, shape=(*kind.shape[:AXIS], end - begin, *kind.shape[AXIS + 1 :]))


def _op_of(op: Op, piece: Slice) -> Op:
    """The operator for some columns: padding where they reach beyond the map, and there alone."""
    if isinstance(op, Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D):
        return replace(op, padding=replace(op.padding, left=piece.pad_rows, right=piece.pad_below))
    if isinstance(op, SliceOp):
        return replace(op, size=(*op.size[:AXIS], piece.out_rows, *op.size[AXIS + 1 :]))
    return op
