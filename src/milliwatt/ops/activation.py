# SPDX-License-Identifier: MIT
"""Functions of one value, and softmax.

Float operators compute in double and round once to float32: within one unit in the last place of
the exact function; LogSoftmax within that or 1e-14, whichever is more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, DType, Shape, TensorType
from milliwatt.ops._fixed_outputs import (
    expect_near_output_quant,
    expect_output_quant,
    expect_row_below,
)
from milliwatt.ops._operands import expect_count, expect_dtype, expect_zero_point
from milliwatt.ops.base import Activation, Op, Types
from milliwatt.quant.arith import (
    activation_range,
    clamp_float,
    multiply_by_quantized_multiplier,
    rounding_divide_by_pot,
)
from milliwatt.quant.fixed_point import logistic, tanh
from milliwatt.quant.nonlinear import (
    SIGMOID_INTEGER_BITS,
    leaky_relu_factors,
    log_softmax_factors,
    sigmoid_factor,
    softmax_factor,
    softmax_int16_factor,
)
from milliwatt.quant.scaling import rescale_factor
from milliwatt.quant.softmax import log_softmax_int8, softmax_int8, softmax_int16
from milliwatt.quant.tables import logistic_int16, sigmoid_table_factor, tanh_int16

_ACTIVATIONS = (DType.INT8, DType.INT16, DType.FLOAT32)


@dataclass(frozen=True, slots=True)
class _Unary(Op):
    """One operand; the result has its shape."""

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        return (inputs[0].shape,)

    def check(self, inputs: Types, outputs: Types) -> None:
        (x,), (y,) = inputs, outputs
        expect_dtype(self, "input", x, _ACTIVATIONS)
        expect_dtype(self, "output", y, (x.dtype,))
        if not x.dtype.is_float:
            expect_zero_point(self, "input", x)
            expect_zero_point(self, "output", y)


@dataclass(frozen=True, slots=True)
class Relu(_Unary):
    """x clamped to the bounds of `activation`, requantised where the scales differ."""

    activation: Activation

    def check(self, inputs: Types, outputs: Types) -> None:
        super(Relu, self).check(inputs, outputs)
        if not inputs[0].dtype.is_float:
            rescale_factor(inputs[0], outputs[0])

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,), (y,) = values, inputs, outputs
        if x.dtype.is_float:
            return (clamp_float(value, self.activation),)
        factor = rescale_factor(x, y)
        low, high = activation_range(self.activation, y)

        def integers(v: Array) -> Array:
            scaled = multiply_by_quantized_multiplier(v - x.zero_point, *factor)
            return np.clip(scaled + y.zero_point, low, high)

        return (_apply(integers, value, y),)


@dataclass(frozen=True, slots=True)
class LeakyRelu(_Unary):
    """x where positive, alpha * x elsewhere."""

    alpha: float

    def check(self, inputs: Types, outputs: Types) -> None:
        super(LeakyRelu, self).check(inputs, outputs)
        if not inputs[0].dtype.is_float:
            leaky_relu_factors(inputs[0], outputs[0], self.alpha)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,), (y,) = values, inputs, outputs
        if x.dtype.is_float:
            return (np.where(value > 0, value, value * np.float32(self.alpha)),)
        positive, negative = leaky_relu_factors(x, y, self.alpha)
        low, high = y.dtype.integer_range

        def integers(v: Array) -> Array:
            centre = v - x.zero_point
            scaled = np.where(
                centre >= 0,
                multiply_by_quantized_multiplier(centre, *positive),
                multiply_by_quantized_multiplier(centre, *negative),
            )
            return np.clip(scaled + y.zero_point, low, high)

        return (_apply(integers, value, y),)


@dataclass(frozen=True, slots=True)
class Logistic(_Unary):
    """1 / (1 + exp(-x)).

    The output's scale is fixed: 1/256 with zero point -128 for int8, 1/32768 for int16.
    """

    def check(self, inputs: Types, outputs: Types) -> None:
        super(Logistic, self).check(inputs, outputs)
        _expect_sigmoid_output(self, outputs[0], 1 / 256, -128)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,), (y,) = values, inputs, outputs
        if x.dtype.is_float:
            return (_logistic_float(value),)
        if x.dtype is DType.INT16:
            factor = sigmoid_table_factor(x, (0,))
            return (logistic_int16(value, factor).astype(np.int16),)
        return (_apply(_saturating(logistic, x, 23, -128), value, y),)


@dataclass(frozen=True, slots=True)
class Tanh(_Unary):
    """Hyperbolic tangent.

    The output's scale is fixed: 1/128 with zero point 0 for int8, 1/32768 for int16.
    """

    def check(self, inputs: Types, outputs: Types) -> None:
        super(Tanh, self).check(inputs, outputs)
        _expect_sigmoid_output(self, outputs[0], 1 / 128, 0)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,), (y,) = values, inputs, outputs
        if x.dtype.is_float:
            return (np.tanh(value.astype(np.float64)).astype(np.float32),)
        if x.dtype is DType.INT16:
            factor = sigmoid_table_factor(x, (0, 1))
            return (tanh_int16(value, factor).astype(np.int16),)
        return (_apply(_saturating(tanh, x, 24, 0), value, y),)


@dataclass(frozen=True, slots=True)
class Softmax(_Unary):
    """exp(beta * x) over its sum along the last axis.

    The output's scale is fixed: 1/256 with zero point -128 for int8; from int8 to int16 1/65536
    with zero point -32768, from int16 1/32768 with 0.
    """

    beta: float

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return _infer_rows(self, inputs)

    def check(self, inputs: Types, outputs: Types) -> None:
        (x,), (y,) = inputs, outputs
        expect_dtype(self, "input", x, _ACTIVATIONS)
        wider = (DType.INT16,) if x.dtype is DType.INT8 else ()
        expect_dtype(self, "output", y, (x.dtype, *wider))
        if x.dtype is DType.INT8:
            softmax_factor(x, self.beta)
            expect_row_below(self, x, 4096)
            if y.dtype is DType.INT8:
                expect_output_quant(self, y, 1 / 256, -128)
            else:
                expect_near_output_quant(self, y, 1 / 65536, -32768)
        elif x.dtype is DType.INT16:
            expect_zero_point(self, "input", x)
            softmax_int16_factor(x, self.beta)
            expect_row_below(self, x, 65536)
            expect_near_output_quant(self, y, 1 / 32768, 0)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,), (y,) = values, inputs, outputs
        if x.dtype.is_float:
            return (_softmax_float(value, self.beta),)
        if x.dtype is DType.INT16:
            return (softmax_int16(value, softmax_int16_factor(x, self.beta)),)
        return (softmax_int8(value, softmax_factor(x, self.beta), y.dtype.bits),)


@dataclass(frozen=True, slots=True)
class LogSoftmax(_Unary):
    """Logarithm of the softmax along the last axis; int8 gives scale 1/16, zero point 127."""

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return _infer_rows(self, inputs)

    def check(self, inputs: Types, outputs: Types) -> None:
        (x,), (y,) = inputs, outputs
        expect_dtype(self, "input", x, (DType.INT8, DType.FLOAT32))
        expect_dtype(self, "output", y, (x.dtype,))
        if not x.dtype.is_float:
            log_softmax_factors(x)
            expect_row_below(self, x, 4096)
            expect_output_quant(self, y, 1 / 16, 127)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,) = values, inputs
        if x.dtype.is_float:
            return (_log_softmax_float(value),)
        return (log_softmax_int8(value, log_softmax_factors(x)),)


def _infer_rows(op: Op, inputs: Types) -> tuple[Shape, ...]:
    expect_count(op, inputs, 1)
    if not inputs[0].shape:
        raise ModelError(f"{op.kind} needs at least one dimension, not {inputs[0]}")
    return (inputs[0].shape,)


def _expect_sigmoid_output(op: Op, y: TensorType, int8_scale: float, int8_zero_point: int) -> None:
    if y.dtype is DType.INT8:
        expect_output_quant(op, y, int8_scale, int8_zero_point)
    elif y.dtype is DType.INT16:
        expect_near_output_quant(op, y, 1 / 32768, 0)


def _apply(function: Callable[[Array], Array], value: Array, y: TensorType) -> Array:
    """A function of integers, as y's element type; large int8 arrays go through a table."""
    if value.dtype != np.int8 or value.size <= 256:
        return function(value.astype(np.int64)).astype(y.dtype.numpy)
    table = function(np.arange(-128, 128)).astype(y.dtype.numpy)
    return table[value.astype(np.intp) + 128]


def _saturating(
    function: Callable[[Array, int], Array], x: TensorType, shift: int, zero_point: int
) -> Callable[[Array], Array]:
    """A Q0.31 function of int8 x as int8: shifted right, with the zero point added."""
    factor = sigmoid_factor(x)

    def integers(v: Array) -> Array:
        centre = v - x.zero_point
        within = np.clip(centre, -factor.radius, factor.radius)
        scaled = multiply_by_quantized_multiplier(within, factor.multiplier, factor.shift)
        result = rounding_divide_by_pot(function(scaled, SIGMOID_INTEGER_BITS), shift)
        result = np.clip(result + zero_point, -128, 127)
        result = np.where(centre <= -factor.radius, -128, result)
        return np.where((centre >= factor.radius) & (centre > -factor.radius), 127, result)

    return integers


def _logistic_float(value: Array) -> Array:
    x = value.astype(np.float64)
    exponential = np.exp(-np.abs(x))
    return (np.where(x >= 0, 1.0, exponential) / (1.0 + exponential)).astype(np.float32)


def _softmax_float(value: Array, beta: float) -> Array:
    exponentials = np.exp(_shifted(value) * float(np.float32(beta)))
    return (exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(np.float32)


def _log_softmax_float(value: Array) -> Array:
    shifted = _shifted(value)
    total = np.exp(shifted).sum(axis=-1, keepdims=True)
    return (shifted - np.log(total)).astype(np.float32)


def _shifted(value: Array) -> Array:
    """Rows less their largest element, in double."""
    x = value.astype(np.float64)
    return x - x.max(axis=-1, keepdims=True)
