# SPDX-License-Identifier: MIT
"""The integer arithmetic of requantisation: gemmlowp's, with its two roundings, as TFLM has it."""

from __future__ import annotations

import math

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Activation

_INT32_MAX = (1 << 31) - 1

_REAL_BOUNDS: dict[Activation, tuple[float | None, float | None]] = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU6: (0.0, 6.0),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
}


def quantize_multiplier(real: float) -> tuple[int, int]:
    """`real` (finite, not negative) as (m, shift), real ~ m * 2**(shift - 31), m in [2**30, 2**31).

    Zero and anything below 2**-32 becomes (0, 0).
    """
    if not math.isfinite(real) or real < 0:
        raise ModelError(f"requantisation multiplier {real} must be finite and not negative")
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mantissa = round_half_away(fraction * (1 << 31))
    if mantissa == 1 << 31:
        mantissa //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise ModelError(f"requantisation multiplier {real} is above 2**30")
    return mantissa, shift


def round_half_away(x: float) -> int:
    """The nearest integer, ties away from zero: C's `round`."""
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def saturating_rounding_doubling_high_mul(a: Array, b: Array | int) -> Array:
    """2*a*b / 2**32 rounded to nearest with ties upwards; int32 range in, int64 out."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    product += 1 << 30
    product >>= 31
    return np.asarray(np.minimum(product, _INT32_MAX))


def rounding_divide_by_pot(x: Array, exponent: Array | int) -> Array:
    """x / 2**exponent rounded to nearest, ties away from zero; 0 <= exponent <= 31, int64 out."""
    value = np.asarray(x, np.int64)
    power = np.asarray(exponent, np.int64)
    half = (np.int64(1) << power) >> 1
    # A tie below zero must fall, so a negative value starts one lower; not where nothing is cut.
    result = np.asarray((value >> 63) & np.where(power > 0, np.int64(-1), np.int64(0)))
    result += value
    result += half
    result >>= power
    return result


def multiply_by_quantized_multiplier(
    x: Array, multiplier: Array | int, shift: Array | int
) -> Array:
    """x * multiplier * 2**(shift - 31) with gemmlowp's two roundings; int32 range in, int64 out.

    `multiplier` and `shift` broadcast against `x` (per-channel along the last axis).
    """
    shifts = np.asarray(shift, np.int64)
    value = np.asarray(x, np.int64)
    if np.any(shifts > 0):
        value = wrap_int32(value << np.maximum(shifts, 0))
    high = saturating_rounding_doubling_high_mul(value, multiplier)
    return rounding_divide_by_pot(high, np.maximum(-shifts, 0))


def multiply_by_quantized_multiplier_64(
    x: Array, multiplier: Array | int, shift: Array | int
) -> Array:
    """x * multiplier * 2**(shift - 31) for 64-bit x: a 16-bit multiplier and one rounding.

    TFLM's way with the 64-bit accumulators of int16 activations: the multiplier is first rounded
    to 16 bits, ties of the product go upwards, and the result is taken modulo 2**32. `shift` is
    below 8 and x in 48 bits.
    """
    wide = np.asarray(multiplier, np.int64)
    reduced = np.where(wide < 0x7FFF0000, (wide + (1 << 15)) >> 16, 0x7FFF)
    total_shift = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * reduced
    return wrap_int32((product + (np.int64(1) << (total_shift - 1))) >> total_shift)


def wrap_int32(x: Array) -> Array:
    """x modulo 2**32 as a signed 32-bit number, in int64: what a C int32 would hold."""
    return np.asarray(x, np.int64).astype(np.int32).astype(np.int64)


def activation_range(activation: Activation, output: TensorType) -> tuple[int, int]:
    """The clamp of an integer output: its type's range cut by the activation's real bounds."""
    low, high = output.dtype.integer_range
    real_low, real_high = _REAL_BOUNDS[activation]
    low = low if real_low is None else max(low, quantize_bound(real_low, output))
    high = high if real_high is None else min(high, quantize_bound(real_high, output))
    return low, high


def clamp_float(x: Array, activation: Activation) -> Array:
    """x as float32, cut by the activation's bounds."""
    value = np.asarray(x, np.float32)
    low, high = _REAL_BOUNDS[activation]
    if low is not None:
        value = np.maximum(value, np.float32(low))
    if high is not None:
        value = np.minimum(value, np.float32(high))
    return value


def quantize_bound(real: float, output: TensorType) -> int:
    """zero_point + round(real / scale), in float32 with ties away from zero, as TFLM does."""
    ratio = np.float32(real) / np.float32(output.scale)
    return output.zero_point + round_half_away(float(ratio))
