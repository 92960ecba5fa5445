# SPDX-License-Identifier: MIT
"""Proof that bands compute what whole layers do, column by column.

Each column of each value of a band is labelled with the column of the network's value that it
holds. Nothing of what makes bands is used but what it says that each node makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.streaming.bands import BandNode, Bands
from milliwatt.errors import VerifyError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Op
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.shape import Concat, Slice

_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class _Label:
    """The value of the network, and which of its columns, that a value of a band holds."""

    value: str
    columns: Array


def check_bands(graph: Graph, bands: Bands) -> None:
    """Raise VerifyError, naming the layer, unless the bands of `graph` make the whole result.

    Right means: every layer is the one that it stands for, but for padding at its sides; each
    window holds the columns that it has in the whole map, and padding only where that has it; and
    the results, joined, are all columns in their order.
    """
    labels: dict[str, _Label] = {}
    kinds = {**graph.types, **{one.node.outputs[0]: one.kind for one in bands.nodes}}
    for one in bands.nodes:
        node, value = one.node, graph.types[one.part.value]
        if one.kind != _of_width(value, one.kind.shape[_COLUMNS]):
            raise VerifyError(f"'{node.name}' makes {one.kind}, of {value}")
        check = _copied if one.is_copy else _computed
        labels[node.outputs[0]] = check(graph, bands, one, labels)
        if node.op.infer([kinds[v] for v in node.inputs]) != (one.kind.shape,):
            raise VerifyError(f"'{node.name}' does not make {one.kind}")
    _check_join(graph, bands, labels)


def _copied(graph: Graph, bands: Bands, one: BandNode, labels: Mapping[str, _Label]) -> _Label:
    """The columns that a copy takes."""
    (read,), op = one.node.inputs, one.node.op
    label = _label(graph, read, labels)
    if isinstance(op, Slice):
        begin, width = op.begin[_COLUMNS], op.size[_COLUMNS]
        takes_columns = [begin if axis == _COLUMNS else 0 for axis in range(len(op.begin))]
        if list(op.begin) == takes_columns and set(op.strides) == {1}:
            return replace(label, columns=label.columns[begin : begin + width])
    raise VerifyError(f"'{one.node.name}' is no copy of columns")


def _computed(graph: Graph, bands: Bands, one: BandNode, labels: Mapping[str, _Label]) -> _Label:
    """The columns that a layer makes, once it is sure that it reads what they need."""
    node, whole = one.node, graph.nodes[one.origin]
    made = whole.outputs[0]
    if one.origin not in bands.cut or _without_sides(node.op) != _without_sides(whole.op):
        raise VerifyError(f"'{node.name}' is not '{whole.name}'")
    first, stop = one.part.columns
    columns = np.arange(first, stop)
    if one.part.value != made or len(columns) != one.kind.shape[_COLUMNS]:
        raise VerifyError(f"'{node.name}' does not make columns {first} to {stop} of '{made}'")
    for read, wanted in zip(node.inputs, whole.inputs, strict=True):
        if wanted in graph.constants:
            found = read == wanted
        else:
            label = _label(graph, read, labels)
            found = label.value == wanted and _reads_right(graph, node, whole, columns, label)
        if not found:
            raise VerifyError(
                f"'{node.name}' reads other columns than '{whole.name}' of '{wanted}'"
            )
    return _Label(made, columns)


def _reads_right(graph: Graph, node: Node, whole: Node, columns: Array, read: _Label) -> bool:
    """Whether every window of these output columns holds what it has in the whole map."""
    width = graph.types[read.value].shape[_COLUMNS]
    taps = _taps(graph, whole)
    given = _window_starts(node.op, np.arange(len(columns)))[:, None] + taps
    wanted = _window_starts(whole.op, columns)[:, None] + taps
    inside = (given >= 0) & (given < len(read.columns))
    held = read.columns[np.clip(given, 0, len(read.columns) - 1)]
    padding = (wanted < 0) | (wanted >= width)
    return bool(np.where(inside, held == wanted, padding).all())


def _window_starts(op: Op, columns: Array) -> Array:
    if isinstance(op, Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D):
        return columns * op.stride_hw[1] - op.padding.left
    return columns


def _taps(graph: Graph, node: Node) -> Array:
    match node.op:
        case Conv2D(dilation_hw=dilation) | DepthwiseConv2D(dilation_hw=dilation):
            return np.arange(graph.types[node.inputs[1]].shape[_COLUMNS]) * dilation[1]
        case AveragePool2D(filter_hw=extent) | MaxPool2D(filter_hw=extent):
            return np.arange(extent[1])
        case _:
            return np.zeros(1, np.int64)


def _without_sides(op: Op) -> Op:
    """The operator without what depends on how many columns there are."""
    if isinstance(op, Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D):
        return replace(op, padding=replace(op.padding, left=0, right=0))
    if isinstance(op, Slice):
        return replace(op, size=(*op.size[:_COLUMNS], 0, *op.size[_COLUMNS + 1 :]))
    return op


def _check_join(graph: Graph, bands: Bands, labels: Mapping[str, _Label]) -> None:
    join, result = bands.join, graph.nodes[bands.cut[-1]].outputs[0]
    parts = [_label(graph, v, labels) for v in join.inputs]
    columns = np.concatenate([part.columns for part in parts])
    width = graph.types[result].shape[_COLUMNS]
    is_whole = join.outputs == (result,) and join.op == Concat(_COLUMNS)
    if not is_whole or {part.value for part in parts} != {result}:
        raise VerifyError(f"'{join.name}' does not join the bands of '{result}'")
    if not np.array_equal(columns, np.arange(width)):
        raise VerifyError(f"the bands joined in '{join.name}' are not all columns of '{result}'")


def _label(graph: Graph, value: str, labels: Mapping[str, _Label]) -> _Label:
    if value in labels:
        return labels[value]
    if value not in graph.types:
        raise VerifyError(f"'{value}' is read before it is made")
    return _Label(value, np.arange(graph.types[value].shape[_COLUMNS]))


def _of_width(kind: TensorType, width: int) -> TensorType:
    return replace(kind, shape=(*kind.shape[:_COLUMNS], width, *kind.shape[_COLUMNS + 1 :]))
