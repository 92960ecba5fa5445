# SPDX-License-Identifier: MIT
"""The fixed-point functions against the real ones; their exactness is shown by the operators."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.ir.types import Array
from milliwatt.quant import fixed_point
from milliwatt.quant.fixed_point import INT32_MAX, INT32_MIN

STEPS = 20_001


def real(raw: Array, integer_bits: int) -> Array:
    return raw / 2.0 ** (31 - integer_bits)


def raw(x: Array, integer_bits: int) -> Array:
    return np.round(x * 2.0 ** (31 - integer_bits)).astype(np.int64)


def test_exponential() -> None:
    x = raw(np.linspace(-31.99, 0, STEPS), 5)
    made = fixed_point.exp_on_negative_values(x, 5)
    assert np.abs(real(made, 0) - np.exp(real(x, 5))).max() < 3e-7
    assert made[-1] == INT32_MAX


def test_exponential_multipliers_are_the_rounded_powers() -> None:
    for exponent in range(-2, 5):
        x = np.array([-(1 << (26 + exponent))])
        (made,) = fixed_point.exp_on_negative_values(x, 5)
        assert abs(int(made) - math.exp(-(2.0**exponent)) * 2**31) < 600


def test_logistic_and_tanh() -> None:
    x = raw(np.linspace(-15.99, 15.99, STEPS), 4)
    wide = real(x, 4)
    logistic, tanh = fixed_point.logistic(x, 4), fixed_point.tanh(x, 4)
    assert np.abs(real(logistic, 0) - 1 / (1 + np.exp(-wide))).max() < 1e-7
    assert np.abs(real(tanh, 0) - np.tanh(wide)).max() < 2e-7
    assert logistic[STEPS // 2] == 1 << 30
    assert tanh[STEPS // 2] == 0
    np.testing.assert_array_equal(tanh, -fixed_point.tanh(-x, 4))


def test_reciprocals() -> None:
    x = np.linspace(0, INT32_MAX, STEPS).astype(np.int64)
    wide = real(x, 0)
    inverse = fixed_point.one_over_one_plus_x(x)
    assert np.abs(real(inverse, 0) - 1 / (1 + wide)).max() < 1e-8
    ratio = fixed_point.one_minus_x_over_one_plus_x(x)
    assert np.abs(real(ratio, 0) - (1 - wide) / (1 + wide)).max() < 1e-8


@given(st.integers(1, INT32_MAX), st.integers(0, 12))
def test_reciprocal_of_anything_positive(value: int, integer_bits: int) -> None:
    mantissa, bits = fixed_point.reciprocal(np.array([value]), integer_bits)
    exact = 2.0 ** (31 - integer_bits) / value
    made = float(mantissa[0]) / 2**31 * 2.0 ** -int(bits[0])
    assert math.isclose(made, exact, rel_tol=1e-8)


@given(st.integers(1 << 19, INT32_MAX))
def test_logarithm(value: int) -> None:
    (made,) = fixed_point.log_of_at_least_one(np.array([value]), 12, 5)
    assert abs(float(made) / 2**26 - math.log(value / 2**19)) < 1e-6


@given(st.integers(INT32_MIN, INT32_MAX), st.integers(0, 12), st.integers(0, 12))
def test_rescaling_rounds_or_saturates(value: int, source: int, target: int) -> None:
    made = int(fixed_point.rescale(np.array([value]), source, target)[0])
    exact = value * 2.0 ** (source - target)
    if source >= target:
        assert made == max(INT32_MIN, min(INT32_MAX, int(exact)))
    else:
        assert made == int(math.copysign(math.floor(abs(exact) + 0.5), exact))


@given(st.integers(0, (1 << 32) - 1))
def test_leading_zeros(value: int) -> None:
    assert int(fixed_point.leading_zeros(np.array([value]))[0]) == 32 - value.bit_length()
