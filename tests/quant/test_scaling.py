# SPDX-License-Identifier: MIT
"""Fixed-point factors stand for the real ones, to the bit as TFLM has them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.quant.arith import quantize_multiplier
from milliwatt.quant.scaling import (
    addition_factors,
    convolution_factors,
    fully_connected_factors,
    mean_factor,
    product_factor,
    rescale_factor,
)

scales = st.floats(2.0**-16, 2.0, width=32)


def typed(scale: float, dtype: DType = DType.INT8) -> TensorType:
    return TensorType((1,), dtype, Quant.per_tensor(scale, 0))


def real(factor: tuple[int, int]) -> Fraction:
    multiplier, shift = factor
    return Fraction(multiplier) * Fraction(2) ** (shift - 31)


def close(factor: tuple[int, int], expected: Fraction, bits: int = 29) -> bool:
    return abs(real(factor) / expected - 1) <= Fraction(1, 1 << bits)


@given(scales, scales, scales)
def test_products_and_rescales(a: float, b: float, y: float) -> None:
    assert close(
        product_factor(typed(a), typed(b), typed(y)), Fraction(a) * Fraction(b) / Fraction(y)
    )
    assert close(rescale_factor(typed(a), typed(y)), Fraction(a) / Fraction(y))


@given(scales, scales, st.sampled_from([DType.INT8, DType.INT16]))
def test_additions(a: float, b: float, dtype: DType) -> None:
    y = max(a, b)
    factors = addition_factors(typed(a, dtype), typed(b, dtype), typed(y, dtype))
    common = 2 * Fraction(max(a, b))
    assert factors.left_shift == (15 if dtype is DType.INT16 else 20)
    assert close(factors.a, Fraction(a) / common)
    assert close(factors.b, Fraction(b) / common)
    assert close(factors.output, common / (Fraction(y) * (1 << factors.left_shift)))


def test_an_output_far_finer_than_its_operands_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="too coarse"):
        addition_factors(typed(1.0), typed(1.0), typed(2.0**-19))


@given(scales, scales, st.integers(1, 10_000))
def test_means(x: float, y: float, count: int) -> None:
    factor = mean_factor(typed(x), typed(y), count)
    assert close(factor, Fraction(x) / (Fraction(y) * count), bits=28)
    assert 0 < factor[0] < 1 << 31


def test_a_convolution_has_a_factor_for_each_channel() -> None:
    weights = TensorType((3, 1, 1, 1), DType.INT8, Quant((0.5, 0.25, 0.125), (0, 0, 0), 0))
    multiplier, shift = convolution_factors(typed(1.0), weights, typed(1.0), 3)
    assert multiplier.tolist() == [1 << 30] * 3
    assert shift.tolist() == [0, -1, -2]


def test_one_weight_scale_serves_all_channels() -> None:
    multiplier, shift = convolution_factors(typed(1.0), typed(0.5), typed(1.0), 4)
    assert (multiplier.tolist(), shift.tolist()) == ([1 << 30] * 4, [0] * 4)


def test_a_fully_connected_layer_with_one_scale_multiplies_in_double() -> None:
    x, w = float(np.float32(0.1)), float(np.float32(0.3))
    multiplier, shift = fully_connected_factors(typed(x), typed(w), typed(1.0), 1)
    assert (int(multiplier[0]), int(shift[0])) == quantize_multiplier(x * w)
    assert (int(multiplier[0]), int(shift[0])) != quantize_multiplier(
        float(np.float32(x) * np.float32(w))
    )


def test_a_fully_connected_layer_with_many_scales_multiplies_in_double() -> None:
    x, w = float(np.float32(0.1)), float(np.float32(0.3))
    weights = TensorType((2, 1), DType.INT8, Quant((w, w), (0, 0), 0))
    multiplier, shift = fully_connected_factors(typed(x), weights, typed(1.0), 2)
    assert (int(multiplier[1]), int(shift[1])) == quantize_multiplier(x * w)


def test_weights_without_scales() -> None:
    with pytest.raises(ModelError, match="have no quantisation"):
        convolution_factors(typed(1.0), TensorType((1, 1, 1, 1), DType.INT8), typed(1.0), 1)
