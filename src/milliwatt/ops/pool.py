# SPDX-License-Identifier: MIT
"""Pooling and averaging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, Shape
from milliwatt.ops._operands import expect_axis, expect_count, expect_rank
from milliwatt.ops.base import Activation, Op, Padding, Types
from milliwatt.ops.window import window_output_hw


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
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


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
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


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
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


def _pooled(
    op: Op, inputs: Types, filter_hw: tuple[int, int], stride_hw: tuple[int, int], padding: Padding
) -> Shape:
    expect_count(op, inputs, 1)
    x = inputs[0]
    expect_rank(op, "input", x, 4)
    if max(padding.top, padding.bottom) >= filter_hw[0] or (
        max(padding.left, padding.right) >= filter_hw[1]
    ):
        raise ModelError(f"{op.kind}: {padding} leaves a window of {filter_hw} without elements")
    rows, columns = window_output_hw(op, x.shape[1:3], filter_hw, stride_hw, padding)
    return (x.shape[0], rows, columns, x.shape[3])
