# SPDX-License-Identifier: MIT
"""Rescaling with two 32-bit products equals the reference's two roundings at every possible sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.lowering.swar.scale import Scale, Sums, fit_scale
from milliwatt.ir.types import Array
from milliwatt.quant.arith import quantize_multiplier
from tests.kernels.clib import map_arrays
from tests.support import needs_gcc

CLAMPS = [(-128, 127), (-128, -20), (0, 127), (-5, 6)]


def sums_with(scales: list[float], reach: int, y_zero: int, clamp: tuple[int, int]) -> Sums:
    factors = np.array([quantize_multiplier(s) for s in scales], np.int64)
    ends = np.array([reach - 37 * i for i in range(len(scales))], np.int64)
    return Sums(-ends, ends // 3 * 2, factors[:, 0], factors[:, 1], y_zero, *clamp)


def outputs(scale: Scale, sums: Array, span: int) -> Array:
    """What the kernel stores, less the least output."""
    if scale.limit is not None:
        sums = np.clip(sums, -scale.limit[:, None], scale.limit[:, None])
    return np.clip(scale.f(sums) >> scale.shift, 0, span)


@settings(max_examples=60)
@given(
    scales=st.lists(st.floats(1e-5, 0.4) | st.floats(0.4, 60), min_size=1, max_size=4),
    bits=st.integers(8, 15),
    y_zero=st.integers(-128, 127),
    clamp=st.sampled_from(CLAMPS),
)
def test_every_sum_of_small_layers(
    scales: list[float], bits: int, y_zero: int, clamp: tuple[int, int]
) -> None:
    sums = sums_with(scales, (1 << bits) - 1, y_zero, clamp)
    scale = fit_scale(sums)
    assume(scale is not None)
    assert scale is not None
    least, most = int(sums.lowest.min()), int(sums.highest.max())
    every = np.tile(np.arange(least, most + 1), (len(scales), 1))
    possible = (every >= sums.lowest[:, None]) & (every <= sums.highest[:, None])
    differs = outputs(scale, every, sums.most - sums.least) != sums.output(every)
    assert not (differs & possible).any()


@settings(max_examples=40)
@given(
    scales=st.lists(st.floats(2e-4, 2e-2), min_size=1, max_size=8),
    bits=st.integers(16, 24),
    y_zero=st.integers(-128, 127),
    clamp=st.sampled_from(CLAMPS),
    seed=st.integers(0, 1000),
)
def test_sums_of_large_layers(
    scales: list[float], bits: int, y_zero: int, clamp: tuple[int, int], seed: int
) -> None:
    sums = sums_with(scales, (1 << bits) - 1, y_zero, clamp)
    scale = fit_scale(sums)
    assume(scale is not None)
    assert scale is not None
    random = np.random.default_rng(seed).integers(
        sums.lowest[:, None], sums.highest[:, None] + 1, (len(scales), 20000)
    )
    near = np.arange(-3000, 3001) + np.zeros((len(scales), 1), np.int64)
    tried = np.concatenate([random, near, sums.ends], axis=1)
    assert (outputs(scale, tried, sums.most - sums.least) == sums.output(tried)).all()


def test_factors_are_found_for_usual_layers() -> None:
    """Of layers with as large sums and scales as real ones have, none is refused."""
    rng = np.random.default_rng(7)
    for bits in (16, 18, 20, 22):
        for y_zero in (-128, 3):
            scales = rng.uniform(1e-3, 8e-3, 64).tolist()
            assert fit_scale(sums_with(scales, (1 << bits) - 1, y_zero, (-128, 127))) is not None


def test_factors_of_one_and_more_are_rounded_once() -> None:
    for scale in (0.7, 1.0, 3.0, 14.5):
        assert fit_scale(sums_with([scale], 2000, -128, (-128, 127))) is not None


def test_large_sums_are_cut_first() -> None:
    scale = fit_scale(sums_with([3e-3] * 40 + [4e-2], (1 << 24) - 1, 5, (-128, 127)))
    assert scale is not None
    assert scale.limit is not None
    assert scale.limit.max() < 1 << 20


def test_channels_with_one_output_have_no_factors() -> None:
    sums = sums_with([1e-9, 3e-3], 20000, 7, (-128, 127))
    scale = fit_scale(sums)
    assert scale is not None
    assert scale.high[0] == scale.low[0] == 0
    assert outputs(scale, np.zeros((2, 1), np.int64), 255)[0, 0] == 7 + 128


def test_channels_scaled_alike_share_their_numbers() -> None:
    shared = fit_scale(sums_with([3e-3] * 5, 20000, 7, (-128, 127)))
    assert shared is not None
    assert shared.step == 0
    assert len(shared.table(5).data) == 2 + shared.falls


def test_what_has_no_factors_is_refused() -> None:
    assert fit_scale(sums_with([3.0], 1 << 30, 0, (-128, 127))) is None
    assert fit_scale(sums_with([1e-5], 1 << 30, 0, (-128, 127))) is None


@needs_gcc
@pytest.mark.parametrize("y_zero", [-128, 4])
@pytest.mark.parametrize("bits", [18, 24])
def test_c_computes_what_was_proved(y_zero: int, bits: int, tmp_path: Path) -> None:
    sums = sums_with([2.7e-3], (1 << bits) - 1, y_zero, (-128, 127))
    scale = fit_scale(sums)
    assert scale is not None
    table = scale.table(1).data.tolist()
    words = ", ".join(str(word) for word in table)
    limited = scale.treatment
    shared = f"{scale.low_shift}, {scale.shift}, -128, 255, {scale.step}"
    expression = (
        f"mw_scale_swar(a, &(mw_channel_scale[]){{mw_channel_scale_at((int32_t[]){{{words}}}, "
        f"{int(scale.falls)}, {limited})}}[0], &(mw_scale){{{shared}}}, {int(scale.falls)}, "
        f"{limited})"
    )
    random = np.random.default_rng(3).integers(sums.lowest[0], sums.highest[0] + 1, 50000)
    tried = np.concatenate([random, np.arange(-5000, 5000), sums.ends[0]]).astype(np.int32)
    got = map_arrays(tmp_path, "mw_scale_swar.h", expression, "int32", {"a": tried})
    assert (got + 128 == sums.output(tried[None, :].astype(np.int64))[0]).all()
