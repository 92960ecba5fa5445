# SPDX-License-Identifier: MIT
"""Pooling and averaging."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, DType, Shape, TensorType
from milliwatt.ops._convolve import pad_image, tap
from milliwatt.ops._operands import (
    expect_axis,
    expect_count,
    expect_dtype,
    expect_rank,
    expect_same_quant,
    expect_zero_point,
)
from milliwatt.ops.base import Activation, Op, Padding, Types
from milliwatt.ops.window import HW, image_hw, window_output_hw
from milliwatt.quant.arith import (
    activation_range,
    clamp_float,
    multiply_by_quantized_multiplier,
    wrap_int32,
)
from milliwatt.quant.scaling import mean_factor

_TYPES = (DType.INT8, DType.INT16, DType.FLOAT32)


@dataclass(frozen=True, slots=True)
class AveragePool2D(Op):
    """Mean of each window of x[N,H,W,C], over its real (not padded) elements."""

    filter_hw: tuple[int, int]
    stride_hw: tuple[int, int]
    padding: Padding
    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_pooled(self, inputs, self.filter_hw, self.stride_hw, self.padding),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _check_pool(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (x,), (y,) = values, outputs
        wide = np.float64 if y.dtype.is_float else np.int64
        padded = pad_image(x.astype(wide), self.padding)
        sums = np.zeros(y.shape, wide)
        for seen in _windows(padded, self.filter_hw, self.stride_hw, image_hw(y.shape)):
            sums += seen
        counts = self._counts(image_hw(x.shape), image_hw(y.shape))
        if y.dtype.is_float:
            return (clamp_float(sums / counts, self.activation),)
        # To nearest, ties away from zero.
        halves = counts // 2
        mean = np.where(sums > 0, (sums + halves) // counts, -((halves - sums) // counts))
        return (_clamped(mean, y, self.activation),)

    def _counts(self, input_hw: HW, output_hw: HW) -> Array:
        """How many real elements each window holds, [OH,OW,1]."""
        before = (self.padding.top, self.padding.left)
        extents: list[Array] = []
        for axis in range(2):
            start = np.arange(output_hw[axis]) * self.stride_hw[axis] - before[axis]
            stop = np.minimum(start + self.filter_hw[axis], input_hw[axis])
            extents.append(stop - np.maximum(start, 0))
        return (extents[0][:, None] * extents[1])[..., None]


@dataclass(frozen=True, slots=True)
class MaxPool2D(Op):
    """Largest real (not padded) element of each window of x[N,H,W,C]."""

    filter_hw: tuple[int, int]
    stride_hw: tuple[int, int]
    padding: Padding
    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_pooled(self, inputs, self.filter_hw, self.stride_hw, self.padding),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _check_pool(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (x,), (y,) = values, outputs
        lowest = float("-inf") if y.dtype.is_float else y.dtype.integer_range[0]
        padded = pad_image(x, self.padding, lowest)
        largest = np.full(y.shape, lowest, x.dtype)
        for seen in _windows(padded, self.filter_hw, self.stride_hw, image_hw(y.shape)):
            np.maximum(largest, seen, out=largest)
        return (_clamped(largest, y, self.activation),)


@dataclass(frozen=True, slots=True)
class Mean(Op):
    """Mean of x over `axes` (ascending, counted from the front); they stay as 1 or go."""

    axes: tuple[int, ...]
    keep_dims: bool

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        shape = inputs[0].shape
        if not self.axes or list(self.axes) != sorted(set(self.axes)):
            raise ModelError(f"{self.kind}: axes {self.axes} must be ascending and not empty")
        for axis in self.axes:
            expect_axis(self, axis, len(shape))
        if self.keep_dims:
            return (tuple(1 if i in self.axes else d for i, d in enumerate(shape)),)
        return (tuple(d for i, d in enumerate(shape) if i not in self.axes),)

    def check(self, inputs: Types, outputs: Types) -> None:
        (x,), (y,) = inputs, outputs
        expect_dtype(self, "input", x, _TYPES)
        expect_dtype(self, "output", y, (x.dtype,))
        if not x.dtype.is_float:
            expect_zero_point(self, "input", x)
            expect_zero_point(self, "output", y)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,), (y,) = values, inputs, outputs
        count = prod(x.shape[axis] for axis in self.axes)
        if x.dtype.is_float:
            sums = value.sum(axis=self.axes, keepdims=self.keep_dims, dtype=np.float64)
            return (np.asarray(sums / count, np.float32),)
        sums = value.sum(axis=self.axes, keepdims=self.keep_dims, dtype=np.int64)
        multiplier, shift = mean_factor(x, y, count)
        total = wrap_int32(sums - x.zero_point * count)
        mean = multiply_by_quantized_multiplier(total, multiplier, shift) + y.zero_point
        return (np.clip(mean, *y.dtype.integer_range).astype(y.dtype.numpy),)


def _pooled(op: Op, inputs: Types, filter_hw: HW, stride_hw: HW, padding: Padding) -> Shape:
    expect_count(op, inputs, 1)
    x = inputs[0]
    expect_rank(op, "input", x, 4)
    if max(padding.top, padding.bottom) >= filter_hw[0] or (
        max(padding.left, padding.right) >= filter_hw[1]
    ):
        raise ModelError(f"{op.kind}: {padding} leaves a window of {filter_hw} without elements")
    rows, columns = window_output_hw(op, image_hw(x.shape), filter_hw, stride_hw, padding)
    return (x.shape[0], rows, columns, x.shape[3])


def _check_pool(op: Op, inputs: Types, outputs: Types) -> None:
    expect_dtype(op, "input", inputs[0], _TYPES)
    expect_same_quant(op, inputs[0], outputs[0])
    if not inputs[0].dtype.is_float:
        expect_zero_point(op, "input", inputs[0])


def _windows(padded: Array, filter_hw: HW, stride_hw: HW, output_hw: HW) -> Iterator[Array]:
    """What each position of the window sees, for all outputs at once."""
    for row in range(filter_hw[0]):
        for column in range(filter_hw[1]):
            yield tap(padded, (row, column), stride_hw, output_hw)


def _clamped(value: Array, y: TensorType, activation: Activation) -> Array:
    if y.dtype.is_float:
        return clamp_float(value, activation)
    return np.clip(value, *activation_range(activation, y)).astype(y.dtype.numpy)
