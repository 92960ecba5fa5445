# SPDX-License-Identifier: MIT
"""gemmlowp's fixed-point functions on arrays: 32-bit numbers Qm.n (m + n = 31) held in int64.

A Qm.n number of raw value r stands for r / 2**n. Every function takes raw values in the range of
int32 and gives the raw values that gemmlowp's scalar C++ gives, rounding by rounding.
"""

from __future__ import annotations

import numpy as np

from milliwatt.ir.types import Array
from milliwatt.quant.arith import (
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    wrap_int32,
)

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1
_ONE_Q2 = 1 << 29


def rescale(x: Array, source_bits: int, target_bits: int) -> Array:
    """Q`source_bits` to Q`target_bits`: to fewer fractional bits rounded, to more saturated."""
    exponent = source_bits - target_bits
    if exponent <= 0:
        return rounding_divide_by_pot(x, -exponent)
    return np.clip(np.asarray(x, np.int64) << exponent, INT32_MIN, INT32_MAX)


def exp_on_negative_values(x: Array, integer_bits: int) -> Array:
    """exp(x) in Q0.31, for x <= 0 in Q`integer_bits` with at most 5 integer bits."""
    value = np.asarray(x, np.int64)
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    within = (value & (quarter - 1)) - quarter
    result = _exp_near_zero(rescale(within, integer_bits, 0))
    whole_quarters = within - value
    for exponent, factor in _EXP_OF_MINUS_POWERS.items():
        if exponent < integer_bits:
            chosen = (whole_quarters >> (fractional_bits + exponent)) & 1
            product = saturating_rounding_doubling_high_mul(result, factor)
            result = np.where(chosen == 1, product, result)
    return np.where(value == 0, INT32_MAX, result)


def one_over_one_plus_x(x: Array) -> Array:
    """1 / (1 + x) in Q0.31, for x in [0, 1] in Q0.31."""
    return rescale(_reciprocal_of_half_sum(x), 1, 0)


def one_minus_x_over_one_plus_x(x: Array) -> Array:
    """(1 - x) / (1 + x) in Q0.31, for x in [0, 1] in Q0.31."""
    return rescale(_reciprocal_of_half_sum(x) - _ONE_Q2, 2, 0)


def logistic(x: Array, integer_bits: int) -> Array:
    """1 / (1 + exp(-x)) in Q0.31, for x in Q`integer_bits`."""
    value = np.asarray(x, np.int64)
    of_magnitude = one_over_one_plus_x(exp_on_negative_values(-np.abs(value), integer_bits))
    result = np.where(value > 0, of_magnitude, INT32_MAX - of_magnitude)
    return np.where(value == 0, 1 << 30, result)


def tanh(x: Array, integer_bits: int) -> Array:
    """Hyperbolic tangent in Q0.31, for x in Q`integer_bits` with at most 4 integer bits."""
    value = np.asarray(x, np.int64)
    squared = exp_on_negative_values(-np.abs(value), integer_bits + 1)
    return np.sign(value) * one_minus_x_over_one_plus_x(squared)


def reciprocal(x: Array, integer_bits: int) -> tuple[Array, Array]:
    """1 / x for x > 0 in Q`integer_bits`: (r, b) with 1 / x ~ r / 2**31 * 2**-b, r in Q0.31."""
    value = np.asarray(x, np.int64)
    headroom = leading_zeros(value)
    fraction = (value << headroom) - (1 << 31)
    return one_over_one_plus_x(fraction), integer_bits - headroom


def log_of_at_least_one(x: Array, integer_bits: int, output_integer_bits: int) -> Array:
    """Natural logarithm in Q`output_integer_bits`, for x >= 1 in Q`integer_bits`.

    x = 2**power * r with r near 2**-1/4; a rational approximation gives the logarithm of r.
    """
    high_mul = saturating_rounding_doubling_high_mul
    sum_bits = output_integer_bits + 1
    r, power = _split_power(np.asarray(x, np.int64), integer_bits, sum_bits)
    half_sum = (r + _ROOT_4_OF_HALF + 1) >> 1
    q = 2 * (r - _ROOT_4_OF_HALF)
    square = high_mul(q, q)
    numerator = high_mul(q, r) + high_mul(high_mul(q, square), _LOG_NUMERATOR)
    inner = _LOG_CONSTANT + q + high_mul(square, _LOG_DENOMINATOR)
    denominator = high_mul(half_sum, inner) + high_mul(q, _LOG_LINEAR)
    of_r = high_mul(rescale(numerator, 0, sum_bits), one_over_one_plus_x(denominator))
    return rescale(high_mul(power, _LOG_2) + of_r, sum_bits, output_integer_bits)


def leading_zeros(x: Array) -> Array:
    """Zero bits above the highest set bit of a 32-bit number; 32 for 0."""
    _, exponent = np.frexp(np.asarray(x, np.float64))
    return 32 - exponent.astype(np.int64)


def _exp_near_zero(x: Array) -> Array:
    """exp(x) for x in [-1/4, 0) in Q0.31: a Taylor series of four terms around -1/8."""
    high_mul = saturating_rounding_doubling_high_mul
    offset = x + (1 << 28)
    square = high_mul(offset, offset)
    cube = high_mul(square, offset)
    fourth = high_mul(square, square)
    cubic_terms = high_mul(rounding_divide_by_pot(fourth, 2) + cube, _ONE_THIRD)
    higher_terms = rounding_divide_by_pot(cubic_terms + square, 1)
    return wrap_int32(_EXP_MINUS_EIGHTH + high_mul(offset + higher_terms, _EXP_MINUS_EIGHTH))


def _reciprocal_of_half_sum(x: Array) -> Array:
    """2 / (1 + x) in Q2.29, for x in [0, 1] in Q0.31: three Newton-Raphson steps."""
    high_mul = saturating_rounding_doubling_high_mul
    half_sum = (np.asarray(x, np.int64) + INT32_MAX + 1) >> 1
    estimate = _48_OVER_17 + high_mul(half_sum, -_32_OVER_17)
    for _ in range(3):
        error = _ONE_Q2 - high_mul(half_sum, estimate)
        estimate = estimate + rescale(high_mul(estimate, error), 4, 2)
    return estimate


def _split_power(x: Array, integer_bits: int, power_bits: int) -> tuple[Array, Array]:
    """x > 0 as (r, power): r in Q0.31 in [2**-3/4, 2**1/4), power in Q`power_bits`.

    Two candidates, a quarter below and above a whole power: the lower r goes with the higher power.
    """
    high_mul = saturating_rounding_doubling_high_mul
    unit = 31 - power_bits
    quarter = 1 << (unit - 2)
    headroom = leading_zeros(x) - 1
    r_above = np.minimum(high_mul(x << headroom, _ROOT_OF_HALF) << 1, INT32_MAX)
    power_above = ((integer_bits - 1 - headroom) << unit) + quarter
    headroom_below = leading_zeros(high_mul(x, _ROOT_OF_HALF)) - 1
    r_below = np.minimum(x << headroom_below, INT32_MAX)
    power_below = ((integer_bits - headroom_below) << unit) - quarter
    return np.minimum(r_above, r_below), np.maximum(power_above, power_below)


# Constants in Q0.31, of _reciprocal_of_half_sum in Q2.29.
_EXP_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883
_48_OVER_17 = 1515870810
_32_OVER_17 = 1010580540

_LOG_2 = 1488522236
_ROOT_OF_HALF = 1518500250
_ROOT_4_OF_HALF = 1805811301
# With s = 2**1/4: 11 s / 240, s / 20, 2 / s - s, s / 4.
_LOG_NUMERATOR = 117049297
_LOG_DENOMINATOR = 127690142
_LOG_CONSTANT = 1057819769
_LOG_LINEAR = 638450708

# exp(-2**e) in Q0.31, for each e.
_EXP_OF_MINUS_POWERS = {
    -2: 1672461947,
    -1: 1302514674,
    0: 790015084,
    1: 290630308,
    2: 39332535,
    3: 720401,
    4: 242,
}
