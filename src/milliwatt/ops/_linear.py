# SPDX-License-Identifier: MIT
"""What convolutions and fully connected layers share: sums of products, and their way out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops._operands import expect_dtype, expect_zero_point
from milliwatt.ops.base import Activation, Op, Types
from milliwatt.quant.arith import (
    activation_range,
    clamp_float,
    multiply_by_quantized_multiplier,
    multiply_by_quantized_multiplier_64,
    wrap_int32,
)

IntegerProduct = Callable[[Array, Array], Array]
"""Computes what `exact_product` does."""

_BIAS = {
    DType.INT8: (DType.INT32,),
    DType.INT16: (DType.INT32, DType.INT64),
    DType.FLOAT32: (DType.FLOAT32,),
}
_WEIGHTS = {
    DType.INT8: (DType.INT8, DType.INT4, DType.INT2),
    DType.INT16: (DType.INT8, DType.INT4, DType.INT2),
    DType.FLOAT32: (DType.FLOAT32,),
}


def check_linear(op: Op, inputs: Types, outputs: Types, channel_axis: int) -> None:
    """Raise UnsupportedError unless x, weights, bias and y have types that go together."""
    x, weights, bias = inputs
    expect_dtype(op, "input", x, _BIAS)
    expect_dtype(op, "weights", weights, _WEIGHTS[x.dtype])
    expect_dtype(op, "bias", bias, _BIAS[x.dtype])
    expect_dtype(op, "output", outputs[0], (x.dtype,))
    if x.dtype.is_float:
        return
    expect_zero_point(op, "input", x)
    expect_zero_point(op, "output", outputs[0])
    quant = weights.quant
    if quant is None:
        raise UnsupportedError(f"{op.kind}: weights {weights} have no quantisation")
    if len(quant.scale) > 1 and quant.axis != channel_axis:
        raise UnsupportedError(
            f"{op.kind}: weights {weights} are quantised along axis {quant.axis}; supported: "
            f"{channel_axis}, or one scale for all"
        )
    if len(quant.scale) > 1 and any(quant.zero_point):
        raise UnsupportedError(f"{op.kind}: per-channel weights must have zero points 0")


def centred(value: Array, kind: TensorType) -> Array:
    """The value less its zero point, in int32; float32 as it is."""
    if kind.dtype.is_float:
        return value
    zero = 0 if kind.quant is None or len(kind.quant.scale) > 1 else kind.zero_point
    return value.astype(np.int32) - np.int32(zero)


def exact_float(x: Array, weights: Array, channel_axis: int) -> npt.DTypeLike:
    """The narrowest floating type in which every sum of products, whole or part, is exact.

    For float operands float64, in which no sum is exact but each is far better than float32.
    """
    if x.dtype.kind == "f":
        return np.float64
    bound = largest_sum(x, weights, channel_axis)
    if bound >= 1 << 53:
        raise ModelError(f"sums of products up to {bound} do not fit 53 bits")
    return np.float32 if bound < 1 << 24 else np.float64


def exact_product(x: Array, weights: Array) -> Array:
    """Sums [..., kernels] in int64 of integers x[..., depth] with weights[kernels, depth]."""
    kind = exact_float(x, weights, 0)
    return (x.astype(kind) @ weights.astype(kind).T).astype(np.int64)


def largest_sum(x: Array, weights: Array, channel_axis: int) -> int:
    """A bound of every sum of products of one output channel."""
    others = tuple(i for i in range(weights.ndim) if i != channel_axis)
    per_channel = np.abs(weights).sum(axis=others, dtype=np.int64)
    return int(np.abs(x).max(initial=0)) * int(per_channel.max(initial=0))


def finish(
    sums: Array,
    bias: Array,
    factors: tuple[Array, Array],
    y: TensorType,
    bias_type: TensorType,
    activation: Activation,
) -> Array:
    """Integer sums of products [..., channels] to y: bias, requantisation, zero point, clamp.

    The accumulator has the bias's element type: 32-bit ones wrap and are rescaled with the full
    multiplier, 64-bit ones with TFLM's 16-bit multiplier.
    """
    total = sums.astype(np.int64) + bias.astype(np.int64)
    multiplier, shift = factors
    if bias_type.dtype is DType.INT64:
        scaled = multiply_by_quantized_multiplier_64(total, multiplier, shift)
    else:
        scaled = multiply_by_quantized_multiplier(wrap_int32(total), multiplier, shift)
    scaled += y.zero_point
    low, high = activation_range(activation, y)
    return np.clip(scaled, low, high, out=scaled).astype(y.dtype.numpy)


def finish_float(sums: Array, bias: Array, activation: Activation) -> Array:
    """Float64 sums of products plus bias, rounded once to float32 and clamped."""
    return clamp_float((sums + bias.astype(np.float64)).astype(np.float32), activation)
