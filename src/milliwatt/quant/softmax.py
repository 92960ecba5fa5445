# SPDX-License-Identifier: MIT
"""Integer softmax and log-softmax along the last axis, as TFLM has them."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.types import Array
from milliwatt.quant.arith import (
    multiply_by_quantized_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from milliwatt.quant.fixed_point import (
    INT32_MIN,
    exp_on_negative_values,
    leading_zeros,
    log_of_at_least_one,
    reciprocal,
    rescale,
)
from milliwatt.quant.nonlinear import (
    SOFTMAX_INTEGER_BITS,
    SUM_INTEGER_BITS,
    BoundedFactor,
    LogSoftmaxFactors,
)
from milliwatt.quant.scaling import Factor
from milliwatt.quant.tables import exp_table, look_up, one_over_one_plus_x_table


def softmax_int8(x: Array, factor: BoundedFactor, output_bits: int) -> Array:
    """Softmax of int8 rows in Q0.`output_bits` less half the range, as int8 or int16."""
    below_max = _below_max(x)
    exponentials = exponentials_int8(factor)
    total = _sum_of_exponentials(below_max, exponentials)
    inverse, bits_over_unit = reciprocal(total, SUM_INTEGER_BITS)
    product = saturating_rounding_doubling_high_mul(exponentials[below_max], inverse)
    scaled = rounding_divide_by_pot(product, bits_over_unit + 31 - output_bits)
    half = 1 << (output_bits - 1)
    kept = np.where(below_max <= factor.radius, scaled - half, -half)
    return np.clip(kept, -half, half - 1).astype(np.int8 if output_bits == 8 else np.int16)


def softmax_int16(x: Array, factor: Factor) -> Array:
    """Softmax of int16 rows in Q0.15, int16."""
    scaled = multiply_by_quantized_multiplier(-_below_max(x), *factor)
    exponentials = look_up(np.maximum(scaled + 32767, -32768), exp_table())
    total = exponentials.sum(axis=-1, keepdims=True)
    headroom = leading_zeros(total)
    mantissa = ((total << (headroom - 1)) + (1 << 13)) >> 14
    centred = np.clip(mantissa - ((1 << 15) + (1 << 16)), -32768, 32767)
    inverse = look_up(centred, one_over_one_plus_x_table())
    shift = 31 - headroom
    product = exponentials * inverse + (np.int64(1) << (shift - 1))
    return np.clip(product >> shift, 0, 32767).astype(np.int16)


def log_softmax_int8(x: Array, factors: LogSoftmaxFactors) -> Array:
    """Log-softmax of int8 rows in units of 1/16 with zero point 127, int8."""
    below_max = _below_max(x)
    total = _sum_of_exponentials(below_max, exponentials_int8(factors.difference))
    log_total = log_of_at_least_one(total, SUM_INTEGER_BITS, SOFTMAX_INTEGER_BITS)
    # A difference is cut where it, or it less the logarithm, leaves Q5.26.
    deepest = multiply_by_quantized_multiplier(log_total + INT32_MIN, *factors.inverse)
    limit = np.maximum(-factors.difference.radius - 1, deepest)
    scaled = _scaled_differences(factors.difference)[below_max] - log_total
    result = rounding_divide_by_pot(scaled, 31 - SOFTMAX_INTEGER_BITS - 4) + 127
    return np.where(-below_max > limit, np.clip(result, -128, 127), -128).astype(np.int8)


def _below_max(x: Array) -> Array:
    """How far each element lies below its row's largest, int64."""
    value = x.astype(np.int64)
    return value.max(axis=-1, keepdims=True) - value


def _scaled_differences(factor: BoundedFactor) -> Array:
    """-0..-255 rescaled to Q5.26; those beyond the radius as the radius itself."""
    differences = -np.minimum(np.arange(256), factor.radius)
    return multiply_by_quantized_multiplier(differences, factor.multiplier, factor.shift)


def exponentials_int8(factor: BoundedFactor) -> Array:
    """exp of differences -0..-255 in Q0.31; 0 beyond the radius."""
    exponentials = exp_on_negative_values(_scaled_differences(factor), SOFTMAX_INTEGER_BITS)
    return np.where(np.arange(256) <= factor.radius, exponentials, 0)


def _sum_of_exponentials(below_max: Array, exponentials: Array) -> Array:
    rescaled = rescale(exponentials, 0, SUM_INTEGER_BITS)
    return rescaled[below_max].sum(axis=-1, keepdims=True)
