# SPDX-License-Identifier: MIT
"""Changing a tensor's number format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.ir.types import Array, DType, Shape, TensorType
from milliwatt.ops._operands import expect_count, expect_dtype, expect_per_tensor
from milliwatt.ops.base import Op, Types
from milliwatt.quant.arith import multiply_by_quantized_multiplier, wrap_int32
from milliwatt.quant.scaling import rescale_factor

_INTEGERS = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32)
_DEQUANTIZED = (DType.INT8, DType.UINT8, DType.INT16)


@dataclass(frozen=True, slots=True)
class Quantize(Op):
    """x to integers of the output's quantisation, from float32 or from other integers.

    From float32: zero point + x / scale, the quotient in float32 and rounded to nearest with
    ties away from zero, then clamped to the type; NaN gives the type's lowest value.
    """

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        return (inputs[0].shape,)

    def check(self, inputs: Types, outputs: Types) -> None:
        (x,), (y,) = inputs, outputs
        expect_dtype(self, "input", x, (DType.FLOAT32, *_INTEGERS))
        expect_dtype(self, "output", y, _INTEGERS)
        expect_per_tensor(self, "output", y)
        if not x.dtype.is_float:
            expect_per_tensor(self, "input", x)
            rescale_factor(x, y)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (value,), (x,), (y,) = values, inputs, outputs
        if x.dtype.is_float:
            return (_quantized(value, y),)
        low, high = y.dtype.integer_range
        centre = wrap_int32(value.astype(np.int64) - x.zero_point)
        scaled = multiply_by_quantized_multiplier(centre, *rescale_factor(x, y))
        return (np.clip(scaled + y.zero_point, low, high).astype(y.dtype.numpy),)


@dataclass(frozen=True, slots=True)
class Dequantize(Op):
    """Integers x to the float32 values they stand for."""

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        return (inputs[0].shape,)

    def check(self, inputs: Types, outputs: Types) -> None:
        expect_dtype(self, "input", inputs[0], _DEQUANTIZED)
        expect_dtype(self, "output", outputs[0], (DType.FLOAT32,))
        expect_per_tensor(self, "input", inputs[0])

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        (x,) = inputs
        centre = values[0].astype(np.int64) - x.zero_point
        return ((centre * x.scale).astype(np.float32),)


def _quantized(value: Array, y: TensorType) -> Array:
    low, high = y.dtype.integer_range
    ratio = (value / np.float32(y.scale)).astype(np.float64)
    nearest = np.copysign(np.floor(np.abs(ratio) + 0.5), ratio) + y.zero_point
    # Not greater than the lowest: NaN too.
    bounded = np.where(nearest > low, np.minimum(nearest, high), low)
    return bounded.astype(y.dtype.numpy)
