# SPDX-License-Identifier: MIT
"""Checks of operands that several operators share; each names the operator in its message."""

from __future__ import annotations

from collections.abc import Collection

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.base import Op, Types


def expect_count(op: Op, inputs: Types, count: int) -> None:
    """A ModelError unless there are exactly `count` operands."""
    if len(inputs) != count:
        raise ModelError(f"{op.kind} takes {count} operands, not {len(inputs)}")


def expect_rank(op: Op, operand: str, value: TensorType, rank: int) -> None:
    """A ModelError unless `value` has `rank` dimensions."""
    if len(value.shape) != rank:
        raise ModelError(f"{op.kind}: {operand} {value} must have {rank} dimensions")


def expect_axis(op: Op, axis: int, rank: int) -> None:
    """A ModelError unless `axis` counts a dimension from the front."""
    if not 0 <= axis < rank:
        raise ModelError(f"{op.kind}: axis {axis} is outside 0..{rank - 1}")


def expect_dtype(op: Op, operand: str, value: TensorType, allowed: Collection[DType]) -> None:
    """An UnsupportedError unless `value` has one of the allowed element types."""
    if value.dtype not in allowed:
        names = ", ".join(sorted(d.value for d in allowed))
        raise UnsupportedError(f"{op.kind}: {operand} is {value}; supported: {names}")


def expect_per_tensor(op: Op, operand: str, value: TensorType) -> None:
    """An UnsupportedError unless `value` has one scale and one zero point."""
    if value.quant is None or len(value.quant.scale) != 1:
        raise UnsupportedError(
            f"{op.kind}: {operand} {value} needs one scale and zero point for the whole tensor"
        )


def expect_zero_point(op: Op, operand: str, value: TensorType) -> None:
    """An UnsupportedError unless an activation has one scale, and zero point 0 if it is int16."""
    expect_per_tensor(op, operand, value)
    if value.dtype is DType.INT16 and value.zero_point:
        raise UnsupportedError(
            f"{op.kind}: {operand} {value} has zero point {value.zero_point}; int16 needs 0"
        )


def expect_same_quant(op: Op, x: TensorType, y: TensorType) -> None:
    """An UnsupportedError unless two values agree in element type and quantisation."""
    if x.dtype != y.dtype or x.quant != y.quant:
        raise UnsupportedError(
            f"{op.kind} keeps the number format: {x} with {x.quant} and {y} with {y.quant} "
            "must agree"
        )
