# SPDX-License-Identifier: MIT
"""Checks of operators whose result has a quantisation of its own, whatever the model says."""

from __future__ import annotations

from milliwatt.errors import UnsupportedError
from milliwatt.ir.types import TensorType
from milliwatt.ops.base import Op


def expect_output_quant(op: Op, y: TensorType, scale: float, zero_point: int) -> None:
    """An UnsupportedError unless y has exactly this scale and zero point."""
    _expect(op, y, scale, zero_point, 0.0)


def expect_near_output_quant(op: Op, y: TensorType, scale: float, zero_point: int) -> None:
    """An UnsupportedError unless y has this zero point and, within 0.1 %, this scale."""
    _expect(op, y, scale, zero_point, 0.001)


def expect_row_below(op: Op, x: TensorType, limit: int) -> None:
    """An UnsupportedError where a row is so long that a sum over it could overflow."""
    if x.shape[-1] >= limit:
        raise UnsupportedError(
            f"{op.kind}: rows of {x.shape[-1]} elements in {x}; supported: fewer than {limit}"
        )


def _expect(op: Op, y: TensorType, scale: float, zero_point: int, tolerance: float) -> None:
    quant = y.quant
    if (
        quant is None
        or len(quant.scale) != 1
        or abs(quant.scale[0] - scale) > tolerance * scale
        or quant.zero_point[0] != zero_point
    ):
        raise UnsupportedError(
            f"{op.kind}: output {y} has {quant}; supported: scale 1/{round(1 / scale)}, "
            f"zero point {zero_point}"
        )
