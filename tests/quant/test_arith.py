# SPDX-License-Identifier: MIT
"""The vectorised arithmetic equals gemmlowp's definitions, one number at a time."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import ModelError
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.base import Activation
from milliwatt.quant.arith import (
    activation_range,
    clamp_float,
    multiply_by_quantized_multiplier,
    multiply_by_quantized_multiplier_64,
    quantize_bound,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    wrap_int32,
)
from tests.quant.direct import (
    direct_divide_by_pot,
    direct_high_mul,
    direct_multiply,
    direct_multiply_64,
    wrapped,
)

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1

int32s = st.one_of(
    st.integers(INT32_MIN, INT32_MAX),
    st.sampled_from([INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX]),
    st.builds(lambda n, d: (1 << n) + d, st.integers(0, 30), st.integers(-1, 0)),
    st.builds(lambda n, d: -(1 << n) + d, st.integers(0, 30), st.integers(0, 1)),
)
multipliers = st.one_of(st.just(0), st.integers(1 << 30, INT32_MAX))


@given(int32s, int32s)
def test_high_mul(a: int, b: int) -> None:
    assert saturating_rounding_doubling_high_mul(np.array(a), b) == direct_high_mul(a, b)


@given(int32s, st.integers(0, 31))
def test_divide_by_pot(x: int, exponent: int) -> None:
    assert rounding_divide_by_pot(np.array(x), exponent) == direct_divide_by_pot(x, exponent)


@given(int32s, st.integers(0, 31))
def test_divide_by_pot_rounds_ties_away_from_zero(x: int, exponent: int) -> None:
    exact = Fraction(x, 1 << exponent)
    expected = math.floor(abs(exact) + Fraction(1, 2)) * (1 if x >= 0 else -1)
    assert rounding_divide_by_pot(np.array(x), exponent) == expected


@given(int32s, multipliers, st.integers(-31, 30))
def test_multiply(x: int, multiplier: int, shift: int) -> None:
    result = multiply_by_quantized_multiplier(np.array(x), multiplier, shift)
    assert result == direct_multiply(x, multiplier, shift)


@given(st.integers(-(1 << 47), (1 << 47) - 1), multipliers, st.integers(-31, 7))
def test_multiply_64(x: int, multiplier: int, shift: int) -> None:
    result = multiply_by_quantized_multiplier_64(np.array(x), multiplier, shift)
    assert result == direct_multiply_64(x, multiplier, shift)


@given(
    st.lists(st.tuples(multipliers, st.integers(-31, 7)), min_size=1, max_size=5),
    st.lists(int32s, min_size=1, max_size=4),
)
def test_factors_broadcast_along_the_last_axis(
    factors: list[tuple[int, int]], rows: list[int]
) -> None:
    x = np.array([[row] * len(factors) for row in rows])
    multiplier, shift = np.array(factors).T
    narrow = multiply_by_quantized_multiplier(x, multiplier, shift)
    wide = multiply_by_quantized_multiplier_64(x, multiplier, shift)
    assert narrow.tolist() == [[direct_multiply(row, *f) for f in factors] for row in rows]
    assert wide.tolist() == [[direct_multiply_64(row, *f) for f in factors] for row in rows]


@given(st.integers(-(1 << 62), 1 << 62))
def test_wrap(x: int) -> None:
    assert wrap_int32(np.array(x)) == wrapped(x)


@given(st.floats(2.0**-32, 2.0**30 - 0.5))
def test_multiplier_stands_for_the_real_number(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) / Fraction(real) - 1) <= (
        Fraction(1, 1 << 31)
    )


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (math.nextafter(1.0, 0.0), (1 << 30, 1)),  # rounds up to a power of two
        (2.0**30 - 0.5, ((1 << 31) - 1, 30)),
        (2.0**-32, (1 << 30, -31)),
        (2.0**-33, (0, 0)),
    ],
)
def test_multiplier_by_hand(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


@pytest.mark.parametrize("real", [-0.1, math.nan, math.inf, math.nextafter(2.0**30, 0), 2.0**30])
def test_impossible_multipliers(real: float) -> None:
    with pytest.raises(ModelError, match="requantisation multiplier"):
        quantize_multiplier(real)


def int8(scale: float, zero_point: int) -> TensorType:
    return TensorType((1,), DType.INT8, Quant.per_tensor(scale, zero_point))


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point", "expected"),
    [
        (Activation.NONE, 0.1, 5, (-128, 127)),
        (Activation.RELU, 0.1, -128, (-128, 127)),
        (Activation.RELU, 0.1, 5, (5, 127)),
        (Activation.RELU6, 0.1, -10, (-10, 50)),
        (Activation.RELU6, 0.01, 0, (0, 127)),
        (Activation.RELU_N1_TO_1, 0.5, 3, (1, 5)),
        (Activation.RELU_N1_TO_1, 0.4, 0, (-3, 3)),  # 2.5 goes away from zero
    ],
)
def test_activation_range(
    activation: Activation, scale: float, zero_point: int, expected: tuple[int, int]
) -> None:
    assert activation_range(activation, int8(scale, zero_point)) == expected


def test_bound_is_divided_in_float32() -> None:
    scale = 0.08053691685199738
    assert 6.0 / scale < 74.5
    assert quantize_bound(6.0, int8(scale, 0)) == 75


def test_clamp_float() -> None:
    x = np.array([-2.0, -0.5, 0.5, 7.0])
    assert clamp_float(x, Activation.NONE).tolist() == [-2.0, -0.5, 0.5, 7.0]
    assert clamp_float(x, Activation.RELU).tolist() == [0.0, 0.0, 0.5, 7.0]
    assert clamp_float(x, Activation.RELU6).tolist() == [0.0, 0.0, 0.5, 6.0]
    assert clamp_float(x, Activation.RELU_N1_TO_1).tolist() == [-1.0, -0.5, 0.5, 1.0]
    assert clamp_float(x, Activation.RELU).dtype == np.float32
