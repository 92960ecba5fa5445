# SPDX-License-Identifier: MIT
"""Resizing images x[N,H,W,C]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import Array, DType, Shape
from milliwatt.ops._operands import expect_count, expect_dtype, expect_rank, expect_same_quant
from milliwatt.ops.base import Op, Types

Line = tuple[Array, Array, Array]
"""For each output row (column): the two input ones it blends, and the weight of the second."""

_POINT = 10
"""Bits below the point of an integer position."""


@dataclass(frozen=True, slots=True)
class ResizeNearest(Op):
    """Each output pixel copies the nearest input pixel."""

    output_hw: tuple[int, int]
    align_corners: bool
    half_pixel_centers: bool

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_resized(self, inputs, self.output_hw),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _check_resize(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        rows, columns = (
            self._nearest(inputs[0].shape[1 + axis], self.output_hw[axis]) for axis in range(2)
        )
        return (np.ascontiguousarray(values[0][:, rows[:, None], columns]),)

    def _nearest(self, extent: int, output: int) -> Array:
        """The input row (column) that each output row (column) copies; in float32 as TFLM."""
        corners = self.align_corners and output > 1
        scale = np.float32(extent - corners) / np.float32(output - corners)
        offset = np.float32(0.5 if self.half_pixel_centers else 0)
        position = (np.arange(output, dtype=np.float32) + offset) * scale
        if self.align_corners:
            position = position.astype(np.float64) + 0.5
        return np.minimum(np.floor(position).astype(np.int64), extent - 1)


@dataclass(frozen=True, slots=True)
class ResizeBilinear(Op):
    """Each output pixel blends the four input pixels around it."""

    output_hw: tuple[int, int]
    align_corners: bool
    half_pixel_centers: bool

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_resized(self, inputs, self.output_hw),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _check_resize(self, inputs, outputs)
        if self.align_corners and self.half_pixel_centers:
            raise UnsupportedError(f"{self.kind}: align_corners excludes half_pixel_centers")

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (x,) = values
        if inputs[0].dtype.is_float:
            rows = float_line(self, x.shape[1], self.output_hw[0])
            columns = float_line(self, x.shape[2], self.output_hw[1])
            return (_blend(x.astype(np.float64), rows, columns, 1).astype(np.float32),)
        rows = integer_line(self, x.shape[1], self.output_hw[0])
        columns = integer_line(self, x.shape[2], self.output_hw[1])
        total = _blend(x.astype(np.int64), rows, columns, 1 << _POINT)
        half = 1 << (2 * _POINT - 1)
        # To nearest, ties away from zero.
        mean = np.where(
            total > 0, (total + half) >> (2 * _POINT), -((half - total) >> (2 * _POINT))
        )
        return (mean.astype(x.dtype),)


def _resized(op: Op, inputs: Types, output_hw: tuple[int, int]) -> Shape:
    expect_count(op, inputs, 1)
    x = inputs[0]
    expect_rank(op, "input", x, 4)
    if min(output_hw) < 1:
        raise ModelError(f"{op.kind}: output {output_hw} must be positive")
    return (x.shape[0], *output_hw, x.shape[3])


def _check_resize(op: Op, inputs: Types, outputs: Types) -> None:
    expect_dtype(op, "input", inputs[0], (DType.INT8, DType.INT16, DType.FLOAT32))
    expect_same_quant(op, inputs[0], outputs[0])


def integer_line(op: ResizeBilinear, extent: int, output: int) -> Line:
    """For each output row (column): the two input ones, and the second's weight of 2**10.

    Positions have 10 bits below the point, as TFLM's integer kernel has them.
    """
    corners = op.align_corners and output > 1
    steps, parts = extent - corners, output - corners
    scale = ((steps << _POINT) + parts // 2) // parts
    position = np.arange(output, dtype=np.int64) * scale
    if op.half_pixel_centers:
        position = position + scale // 2 - (1 << (_POINT - 1))
    # C's division cuts towards zero, and what it differs in is cut to 0 here.
    first = np.minimum(np.maximum(position >> _POINT, 0), extent - 1)
    second = np.maximum((position + (1 << _POINT) - 1) >> _POINT, 0)
    return first, np.minimum(second, extent - 1), position - (first << _POINT)


def float_line(op: ResizeBilinear, extent: int, output: int) -> Line:
    """For each output row (column): the two input ones, and the second's weight of 1."""
    corners = op.align_corners and output > 1
    scale = np.float32(extent - corners) / np.float32(output - corners)
    position = np.arange(output, dtype=np.float32)
    if op.half_pixel_centers:
        position = (position + np.float32(0.5)) * scale - np.float32(0.5)
    else:
        position = position * scale
    first = np.minimum(np.maximum(np.floor(position), 0), extent - 1).astype(np.int64)
    second = np.maximum(np.minimum(np.ceil(position), extent - 1), 0).astype(np.int64)
    return first, second, (position - first.astype(np.float32)).astype(np.float64)


def _blend(x: Array, rows: Line, columns: Line, one: int) -> Array:
    """The four pixels around each output position, weighted by nearness; weights add to one²."""
    (top, bottom, down), (left, right, along) = rows, columns
    below, after = down[:, None, None], along[:, None]
    upper, lower = x[:, top], x[:, bottom]
    return (
        upper[:, :, left] * (one - below) * (one - after)
        + lower[:, :, left] * below * (one - after)
        + upper[:, :, right] * (one - below) * after
        + lower[:, :, right] * below * after
    )
