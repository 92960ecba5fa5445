# SPDX-License-Identifier: MIT
"""One rounding is offered only where it equals the reference's two for every sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.dsp.one_rounding import (
    OneRounding,
    offset_of,
    one_rounding,
    thresholds,
)
from milliwatt.ir.types import Array
from milliwatt.quant.arith import multiply_by_quantized_multiplier, quantize_multiplier
from tests.kernels.clib import map_arrays
from tests.support import needs_gcc


def make_filters(
    rng: np.random.Generator, channels: int, taps: int, step: float, spread: float
) -> Filters:
    """Random filters whose outputs change every `step` units of the sum, about."""
    weights = rng.integers(-127, 128, (channels, taps))
    factors = [
        quantize_multiplier(float(np.float32(1 / step * 2.0**e)))
        for e in rng.uniform(-spread, spread, channels)
    ]
    bias = rng.integers(-40_000, 40_000, channels)
    multiplier, shift = np.array(factors, np.int64).T
    return Filters(weights.astype(np.int64), bias.astype(np.int64), multiplier, shift)


def reference(filters: Filters, sums: Array, zero: int, low: int, high: int) -> Array:
    """[channels, sums] outputs."""
    scaled = multiply_by_quantized_multiplier(
        sums + filters.bias[:, None], filters.multiplier[:, None], filters.shift[:, None]
    )
    return np.asarray(np.clip(scaled + zero, low, high))


def once(found: OneRounding, sums: Array, zero: int, low: int, high: int) -> Array:
    """What the instructions compute, with a check that nothing overflows."""
    scaled = 256 * sums + found.bias[:, None]
    assert scaled.min() >= -(1 << 31)
    assert scaled.max() < 1 << 31
    high_words = (scaled * found.multiplier[:, None] >> 32) + offset_of(zero)
    assert np.abs(high_words).max() < 1 << 31
    return np.clip(np.clip(high_words >> 10, -128, 127), low, high)


def compared_sums(filters: Filters, rng: np.random.Generator) -> Array:
    """Sums each channel can reach: its ends, all thresholds and their neighbours, random ones."""
    found = thresholds(filters, -128, -128, 127)
    low, high = found.lowest[:, None], found.highest[:, None]
    ends = np.concatenate([low, low + 1, high - 1, high], axis=1)
    near = np.concatenate([found.sums + i for i in range(-2, 3)], axis=1)
    anywhere = rng.integers(low, high + 1, (len(low), 2000))
    return np.clip(np.concatenate([ends, near, anywhere], axis=1), low, high)


@settings(max_examples=80)
@given(
    seed=st.integers(0, 1 << 31),
    taps=st.sampled_from([1, 3, 9, 64, 300, 1200]),
    step=st.floats(9.0, 5000.0),
    zero=st.sampled_from([-128, -128, -90, 0, 127]),
    high=st.sampled_from([127, 127, 60]),
)
def test_equal_wherever_offered(seed: int, taps: int, step: float, zero: int, high: int) -> None:
    rng = np.random.default_rng(seed)
    filters = make_filters(rng, 4, taps, step, 1.0)
    for low in (zero, -128):
        if low >= high:
            continue
        found = one_rounding(filters, zero, low, high)
        if found is None:
            continue
        sums = compared_sums(filters, rng)
        expected = reference(filters, sums, zero, low, high)
        np.testing.assert_array_equal(once(found, sums, zero, low, high), expected)


def test_every_sum_of_small_layers() -> None:
    rng = np.random.default_rng(4)
    for taps, step in ((1, 13.0), (3, 30.0), (9, 100.0), (20, 700.0)):
        filters = make_filters(rng, 6, taps, step, 0.5)
        found = one_rounding(filters, -128, -128, 127)
        assert found is not None
        ends = thresholds(filters, -128, -128, 127)
        sums = np.arange(ends.lowest.min(), ends.highest.max() + 1)
        sums = np.clip(sums, ends.lowest[:, None], ends.highest[:, None])
        expected = reference(filters, sums, -128, -128, 127)
        np.testing.assert_array_equal(once(found, sums, -128, -128, 127), expected)


@pytest.mark.parametrize("taps", [9, 128, 512])
def test_offered_for_layers_with_relu(taps: int) -> None:
    """The steps of published networks; nearly every channel has its constants."""
    rng = np.random.default_rng(taps)
    offered = [
        one_rounding(make_filters(rng, 1, taps, step, 0.0), -128, -128, 127) is not None
        for step in rng.uniform(10, 1200, 200)
    ]
    assert sum(offered) >= 198


@settings(max_examples=40)
@given(seed=st.integers(0, 1 << 31), step=st.floats(9.0, 2000.0))
def test_multipliers_of_three_bytes(seed: int, step: float) -> None:
    """Equal as well; what is stored gives back the numbers."""
    rng = np.random.default_rng(seed)
    filters = make_filters(rng, 5, 9, step, 0.2)
    found = one_rounding(filters, -128, -128, 127, mantissa_bits=24)
    if found is None:
        return
    sums = compared_sums(filters, rng)
    expected = reference(filters, sums, -128, -128, 127)
    np.testing.assert_array_equal(once(found, sums, -128, -128, 127), expected)
    short = found.short()
    assert short is not None
    table = short.by_kind()
    bias = table.data[: len(found.bias)]
    data = table.data[len(bias) :].astype("<i4").tobytes()
    for c, word in enumerate(bias):
        mantissa = int.from_bytes(data[3 * c : 3 * c + 4], "little") & 0xFFFFFF
        assert mantissa << (int(word) & 7) == found.multiplier[c]
        assert int(word) >> 3 == found.bias[c]


def test_three_bytes_are_usually_enough() -> None:
    rng = np.random.default_rng(3)
    found = [
        one_rounding(make_filters(rng, 1, 9, step, 0.0), -128, -128, 127, mantissa_bits=24)
        for step in rng.uniform(10, 1000, 200)
    ]
    assert sum(one is not None for one in found) >= 196


def test_not_offered_where_the_rounding_of_negative_numbers_shows() -> None:
    rng = np.random.default_rng(8)
    assert one_rounding(make_filters(rng, 8, 64, 50.0, 0.5), 0, -128, 127) is None


def test_not_offered_for_large_factors() -> None:
    rng = np.random.default_rng(8)
    assert one_rounding(make_filters(rng, 8, 64, 4.0, 0.1), -128, -128, 127) is None


def test_channels_that_hardly_change_and_lie_far_from_zero() -> None:
    """Biases that 256-fold would not fit 32 bits have other constants."""
    factors = np.array([quantize_multiplier(2.0**-22.7)], np.int64)
    filters = Filters(np.array([[50] * 9]), np.array([60 << 22]), factors[:, 0], factors[:, 1])
    found = one_rounding(filters, -128, -128, 127)
    assert found is not None
    sums = np.arange(-128 * 450, 127 * 450 + 1)[None, :]
    expected = reference(filters, sums, -128, -128, 127)
    assert len(np.unique(expected)) <= 2
    np.testing.assert_array_equal(once(found, sums, -128, -128, 127), expected)


def test_thresholds_are_the_least_sums() -> None:
    rng = np.random.default_rng(6)
    filters = make_filters(rng, 5, 9, 60.0, 1.0)
    found = thresholds(filters, -100, -128, 127)
    inside = (found.sums > found.lowest[:, None]) & (found.sums <= found.highest[:, None])
    assert inside.sum() > 200
    for shift, reached in ((0, True), (-1, False)):
        outputs = reference(filters, found.sums + shift, -100, -128, 127) + 100
        assert ((outputs >= found.outputs) == reached)[inside].all()


@needs_gcc
def test_the_header_computes_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    count = 500_000
    columns = {
        "sum": rng.integers(-(1 << 31), 1 << 31, count).astype(np.int32),
        "multiplier": rng.integers(0, 1 << 31, count).astype(np.int32),
        "offset": np.array([offset_of(z) for z in rng.integers(-128, 128, count)], np.int32),
    }
    got = map_arrays(
        tmp_path,
        "mw_requantize_dsp.h",
        "mw_requantize_s8_once(sum, multiplier, offset)",
        "int32",
        columns,
    )
    product = columns["sum"].astype(np.int64) * columns["multiplier"]
    expected = np.clip((product >> 32) + columns["offset"] >> 10, -128, 127)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("bias", "shift"), [(1 << 31, 0), (1 << 30, 1), (-(1 << 29), 2)])
def test_sums_that_may_wrap_are_refused(bias: int, shift: int) -> None:
    weights = np.ones((1, 9), np.int64)
    filters = Filters(weights, np.array([bias]), np.array([1 << 30]), np.array([shift]))
    assert one_rounding(filters, -128, -128, 127) is None
