# SPDX-License-Identifier: MIT
"""Resizing images x[N,H,W,C]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, Shape
from milliwatt.ops._operands import expect_count, expect_rank
from milliwatt.ops.base import Op, Types


@dataclass(frozen=True, slots=True)
class ResizeNearest(Op):
    """Each output pixel copies the nearest input pixel."""

    output_hw: tuple[int, int]
    align_corners: bool
    half_pixel_centers: bool

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_resized(self, inputs, self.output_hw),)

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ResizeBilinear(Op):
    """Each output pixel blends the four input pixels around it."""

    output_hw: tuple[int, int]
    align_corners: bool
    half_pixel_centers: bool

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_resized(self, inputs, self.output_hw),)

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


def _resized(op: Op, inputs: Types, output_hw: tuple[int, int]) -> Shape:
    expect_count(op, inputs, 1)
    x = inputs[0]
    expect_rank(op, "input", x, 4)
    if min(output_hw) < 1:
        raise ModelError(f"{op.kind}: output {output_hw} must be positive")
    return (x.shape[0], *output_hw, x.shape[3])
