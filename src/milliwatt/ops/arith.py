# SPDX-License-Identifier: MIT
"""Element-wise arithmetic of two operands with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, DType, Shape, TensorType
from milliwatt.ops._linear import centred
from milliwatt.ops._operands import expect_count, expect_dtype, expect_zero_point
from milliwatt.ops.base import Activation, Op, Types
from milliwatt.quant.arith import (
    activation_range,
    clamp_float,
    multiply_by_quantized_multiplier,
)
from milliwatt.quant.scaling import (
    AdditionFactors,
    Factor,
    addition_factors,
    product_factor,
)


@dataclass(frozen=True, slots=True)
class Add(Op):
    """a + b."""

    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_broadcast(self, inputs),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _check_binary(self, inputs, outputs)
        if not outputs[0].dtype.is_float:
            addition_factors(inputs[0], inputs[1], outputs[0])

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (a, b), (y,) = values, outputs
        if y.dtype.is_float:
            return (clamp_float(a + b, self.activation),)
        factors = addition_factors(inputs[0], inputs[1], y)
        total = _rescaled(a, inputs[0], factors, factors.a)
        total = total + _rescaled(b, inputs[1], factors, factors.b)
        total = multiply_by_quantized_multiplier(total, *factors.output)
        return (_clamped(total, y, self.activation),)


@dataclass(frozen=True, slots=True)
class Sub(Op):
    """a - b."""

    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_broadcast(self, inputs),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _check_binary(self, inputs, outputs)
        if not outputs[0].dtype.is_float:
            addition_factors(inputs[0], inputs[1], outputs[0])

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (a, b), (y,) = values, outputs
        if y.dtype.is_float:
            return (clamp_float(a - b, self.activation),)
        factors = addition_factors(inputs[0], inputs[1], y)
        total = _rescaled(a, inputs[0], factors, factors.a)
        total = total - _rescaled(b, inputs[1], factors, factors.b)
        total = multiply_by_quantized_multiplier(total, *factors.output)
        return (_clamped(total, y, self.activation),)


@dataclass(frozen=True, slots=True)
class Mul(Op):
    """a * b."""

    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_broadcast(self, inputs),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _check_binary(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (a, b), (y,) = values, outputs
        if y.dtype.is_float:
            return (clamp_float(a * b, self.activation),)
        product = centred(a, inputs[0]) * centred(b, inputs[1])
        total = multiply_by_quantized_multiplier(product, *product_factor(inputs[0], inputs[1], y))
        return (_clamped(total, y, self.activation),)


def _broadcast(op: Op, inputs: Types) -> Shape:
    expect_count(op, inputs, 2)
    a, b = inputs
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError as error:
        raise ModelError(f"{op.kind}: {a} and {b} do not broadcast") from error


def _check_binary(op: Op, inputs: Types, outputs: Types) -> None:
    a, b = inputs
    expect_dtype(op, "first operand", a, (DType.INT8, DType.INT16, DType.FLOAT32))
    expect_dtype(op, "second operand", b, (a.dtype,))
    expect_dtype(op, "output", outputs[0], (a.dtype,))
    if not a.dtype.is_float:
        expect_zero_point(op, "first operand", a)
        expect_zero_point(op, "second operand", b)
        expect_zero_point(op, "output", outputs[0])


def _rescaled(value: Array, kind: TensorType, factors: AdditionFactors, factor: Factor) -> Array:
    """An operand of a sum, brought to the scale common to both."""
    shifted = centred(value, kind).astype(np.int64) << factors.left_shift
    return multiply_by_quantized_multiplier(shifted, *factor)


def _clamped(total: Array, y: TensorType, activation: Activation) -> Array:
    low, high = activation_range(activation, y)
    return np.clip(total + y.zero_point, low, high).astype(y.dtype.numpy)
