# SPDX-License-Identifier: MIT
"""How many rows of a map exist in each turn of a stream, and which of them a layer reads."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TypeVar

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.shape import Concat
from milliwatt.ops.shape import Slice as SliceOp
from milliwatt.units import ceil_div

_RANK = 4
_ROWS, _COLUMNS = 1, 2
Count = TypeVar("Count", int, Array)
_POINTWISE: tuple[type[Op], ...] = (
    *(Add, Sub, Mul, Quantize, Dequantize),
    *(Relu, LeakyRelu, Logistic, Tanh, Softmax, LogSoftmax),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A number of rows by turn: `scale * ((step * turn + phase) // period) + offset`.

    It lies between `least` and `total`. Turns count from 0; `phase` lies between 0 and `period`.
    """

    step: int
    phase: int
    period: int
    scale: int
    offset: int
    total: int
    least: int = 0

    def at(self, turn: int) -> int:
        """Rows in `turn`."""
        whole = (self.step * turn + self.phase) // self.period
        return min(max(self.scale * whole + self.offset, self.least), self.total)

    def over(self, turns: range) -> Array:
        """Rows in each of `turns`."""
        counts = self.step * np.arange(turns.start, turns.stop) + self.phase
        rows = self.scale * (counts // self.period) + self.offset
        return np.minimum(np.maximum(rows, self.least), self.total)

    def shifted(self, turns: int) -> Rows:
        """The rows `turns` later: what `at(turn + turns)` is here is there `at(turn)`."""
        whole, phase = divmod(self.phase + self.step * turns, self.period)
        offset = self.offset + self.scale * whole
        return Rows(self.step, phase, self.period, self.scale, offset, self.total, self.least)

    def first_turn(self) -> int:
        """The first turn, possibly negative, in which there is any row."""
        periods = ceil_div(1 - self.offset, self.scale)
        return ceil_div(periods * self.period - self.phase, self.step)


@dataclass(frozen=True, slots=True)
class Window:
    """The rows one row of a layer's output reads: `reach` of them, `stride` further for each.

    The first output row's window begins `pad` rows above the map.
    """

    stride: int = 1
    pad: int = 0
    reach: int = 1

    def end(self, outputs: Count) -> Count:
        """The rows that `outputs` rows of output need, counted from the map's first."""
        return (outputs - 1) * self.stride + self.reach - self.pad

    def top(self, row: Count) -> Count:
        """The first row of the window of an output row, negative above the map."""
        return row * self.stride - self.pad

    def slice(self, begin: int, end: int, height: int) -> Slice:
        """What output rows begin..end read of a map of `height` rows."""
        top, bottom = self.top(begin), self.end(end)
        first = max(top, 0)
        return Slice(
            first=first,
            in_rows=min(bottom, height) - first,
            out_rows=end - begin,
            pad_rows=max(-top, 0),
            pad_below=max(bottom - height, 0),
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """One call of a layer: `in_rows` of the input from row `first`, `out_rows` of the output.

    The windows reach `pad_rows` rows above the input's and `pad_below` below them: padding.
    """

    first: int
    in_rows: int
    out_rows: int
    pad_rows: int
    pad_below: int


def window_of(graph: Graph, node: Node) -> Window | None:
    """How a node's rows of output depend on rows of its inputs; None where it is not by rows."""
    return _window(graph, node, _ROWS)


def column_window_of(graph: Graph, node: Node) -> Window | None:
    """The same of columns."""
    return _window(graph, node, _COLUMNS)


def _window(graph: Graph, node: Node, axis: int) -> Window | None:
    if not _is_by_rows(graph, node):
        return None
    op, at = node.op, axis - _ROWS
    match op:
        case Conv2D() | DepthwiseConv2D():
            taps = graph.types[node.inputs[1]].shape[axis]
            reach = (taps - 1) * op.dilation_hw[at] + 1
            return Window(op.stride_hw[at], _pad(op.padding, axis), reach)
        case AveragePool2D() | MaxPool2D():
            return Window(op.stride_hw[at], _pad(op.padding, axis), op.filter_hw[at])
        case Concat(axis=joined):
            maps_alone = len(map_inputs(graph, node)) == len(node.inputs)
            return Window() if joined == _RANK - 1 and maps_alone else None
        case SliceOp():
            return Window() if _takes_all(op, graph.types[node.inputs[0]], axis) else None
        case _:
            pointwise = isinstance(op, _POINTWISE) and _keeps_shape(graph, node, axis)
            return Window() if pointwise else None


def _pad(padding: Padding, axis: int) -> int:
    return padding.top if axis == _ROWS else padding.left


def _takes_all(op: SliceOp, kind: TensorType, axis: int) -> bool:
    return (op.begin[axis], op.size[axis], op.strides[axis]) == (0, kind.shape[axis], 1)


def map_inputs(graph: Graph, node: Node) -> tuple[int, ...]:
    """The positions of the inputs of `node` that are maps, not constants."""
    return tuple(i for i, v in enumerate(node.inputs) if v not in graph.constants)


def _is_by_rows(graph: Graph, node: Node) -> bool:
    """Whether the node makes one image from images, in whole bytes."""
    values = [*(node.inputs[i] for i in map_inputs(graph, node)), *node.outputs]
    kinds = [graph.types[v] for v in values]
    return len(node.outputs) == 1 and all(
        len(kind.shape) == _RANK and kind.shape[0] == 1 and kind.dtype.bits >= 8 for kind in kinds
    )


def _keeps_shape(graph: Graph, node: Node, axis: int) -> bool:
    """Whether all maps have the output's shape and constants are the same all along `axis`."""
    shape = graph.types[node.outputs[0]].shape
    maps = [node.inputs[i] for i in map_inputs(graph, node)]
    constants = [v for v in node.inputs if v in graph.constants]
    return all(graph.types[v].shape == shape for v in maps) and all(
        prod(graph.types[v].shape[: axis - _RANK + 1]) == 1 for v in constants
    )
