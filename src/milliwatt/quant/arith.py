# SPDX-License-Identifier: MIT
"""The integer arithmetic of requantisation: gemmlowp's, with its two roundings, as TFLM has it."""

from __future__ import annotations

import math

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Activation

_INT32_MIN, _INT32_MAX = -(1 << 31), (1 << 31) - 1


def quantize_multiplier(real: float) -> tuple[int, int]:
    """`real` (finite, not negative) as (m, shift), real ~ m * 2**(shift - 31), m in [2**30, 2**31).

    Zero and anything below 2**-32 becomes (0, 0).
    """
    if not math.isfinite(real) or real < 0:
        raise ModelError(f"requantisation multiplier {real} must be finite and not negative")
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mantissa = _round_half_away(fraction * (1 << 31))
    if mantissa == 1 << 31:
        mantissa //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise ModelError(f"requantisation multiplier {real} is above 2**30")
    return mantissa, shift


def _round_half_away(x: float) -> int:
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def saturating_rounding_doubling_high_mul(a: Array, b: Array | int) -> Array:
    """High 32 bits of 2*a*b, rounded to nearest with ties away from zero; int64 in and out."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    total = product + nudge
    # C division truncates towards zero; a shift would floor.
    high = np.where(total >= 0, total >> 31, -((-total) >> 31))
    return np.minimum(high, _INT32_MAX)


def rounding_divide_by_pot(x: Array, exponent: Array | int) -> Array:
    """x / 2**exponent rounded to nearest, ties away from zero; exponent >= 0."""
    value = np.asarray(x, np.int64)
    power = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << power) - 1
    remainder = value & mask
    threshold = (mask >> 1) + (value < 0)
    return (value >> power) + (remainder > threshold)


def multiply_by_quantized_multiplier(x: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """x * multiplier * 2**(shift - 31) with gemmlowp's two roundings; int32 range in, int64 out.

    `multiplier` and `shift` broadcast against `x` (per-channel along the last axis).
    """
    shifts = np.asarray(shift, np.int64)
    left = np.maximum(shifts, 0)
    right = np.maximum(-shifts, 0)
    shifted = wrap_int32(np.asarray(x, np.int64) << left)
    return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(shifted, multiplier), right)


def wrap_int32(x: Array) -> Array:
    """x modulo 2**32 as a signed 32-bit number, in int64: what a C int32 would hold."""
    return ((np.asarray(x, np.int64) + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def activation_range(activation: Activation, output: TensorType) -> tuple[int, int]:
    """The clamp of an integer output: its type's range cut by the activation's real bounds."""
    low, high = output.dtype.integer_range
    if activation is Activation.NONE:
        return low, high
    bounds: dict[Activation, tuple[float, float | None]] = {
        Activation.RELU: (0.0, None),
        Activation.RELU6: (0.0, 6.0),
        Activation.RELU_N1_TO_1: (-1.0, 1.0),
    }
    real_low, real_high = bounds[activation]
    low = max(low, quantize_bound(real_low, output))
    high = high if real_high is None else min(high, quantize_bound(real_high, output))
    return low, high


def quantize_bound(real: float, output: TensorType) -> int:
    """zero_point + round(real / scale), in float32 with ties away from zero, as TFLM does."""
    ratio = np.float32(real) / np.float32(output.scale)
    return output.zero_point + _round_half_away(float(ratio))
