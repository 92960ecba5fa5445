# SPDX-License-Identifier: MIT
"""The Winograd convolution equals the reference, and its ranges are what is said of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.dsp import (
    conv as dsp_conv,
)
from milliwatt.backend.mcu.lowering.dsp import (
    winograd,
)
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.support import needs_arm_gcc

SMALL, LARGE = winograd.KERNELS
WINDOWS = [
    Window((1, 4, 4, 4), 2, (3, 3)),
    Window((1, 8, 8, 16), 6, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 7, 5, 12), 5, (3, 3), padding="same", activation=Activation.RELU6),
    Window((1, 3, 9, 20), 1, (3, 3), padding=Padding(0, 2, 2, 1)),
    Window((1, 2, 3, 32), 4, (3, 3), padding=Padding(3, 3, 4, 2)),
    Window((1, 5, 6, 36), 3, (3, 3), padding="same"),
    Window((1, 14, 11, 4), 4, (3, 3), padding="same"),
    Window((1, 6, 6, 8), 3, (3, 3)),
    Window((1, 1, 4, 4), 2, (3, 3), padding=Padding(4, 6, 5, 4)),
]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=11, y_zero=-128, w_zero=3, per_channel=False),
]


def at_the_ends(case: Case, seed: int) -> Case:
    """The case with inputs and weights of -128 and 127 alone, some of them of one sign."""
    site, (x, w, bias) = case
    rng = np.random.default_rng(seed)
    ends = np.array([-128, 127], np.int8)
    inputs = rng.choice(ends, x.shape, p=(0.9, 0.1) if seed % 2 else (0.5, 0.5))
    weights = rng.choice(ends, w.shape, p=(0.1, 0.9) if seed % 3 else (0.5, 0.5))
    return replace(site, constants=(None, weights, bias)), [inputs, weights, bias]


@cache
def jobs() -> list[Job]:
    found: list[Case] = [
        linear.convolution(w, DType.INT8, numbers, 10 * i + j)
        for i, w in enumerate(WINDOWS)
        for j, numbers in enumerate(NUMBERS)
    ]
    found += [at_the_ends(case, seed) for seed, case in enumerate(found[:: len(NUMBERS)])]
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in winograd.KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert len(found) > 2 * len(WINDOWS)
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_other_cores_with_dsp(core: str) -> None:
    check_emulated(jobs()[::5], core, "gcc")


@needs_arm_gcc
@pytest.mark.emulator
def test_each_form_takes_fewer_instructions_than_the_one_before() -> None:
    window = Window((1, 8, 8, 64), 16, (3, 3), padding="same", activation=Activation.RELU)
    site, inputs = linear.convolution(window, DType.INT8, PLAIN, 0)
    direct = next(k for k in dsp_conv.KERNELS if k.supports(site, DSP))
    found = check_emulated(
        [Job(k, site, inputs) for k in (direct, SMALL, LARGE)], "cortex-m4", "gcc"
    )
    plain, small, large = found.instructions
    assert small < 0.7 * plain
    assert large < 0.9 * small


def test_other_convolutions_are_refused() -> None:
    for window in (
        Window((1, 8, 8, 16), 4, (3, 3), stride=(2, 2)),
        Window((1, 8, 8, 16), 4, (3, 2)),
        Window((1, 8, 8, 6), 4, (3, 3)),
        Window((1, 8, 8, 16), 4, (3, 3), dilation=(2, 2)),
        Window((1, 8, 1, 16), 4, (3, 3), padding="same"),
    ):
        site, _ = linear.convolution(window, DType.INT8, PLAIN, 0)
        assert not any(kernel.supports(site, DSP) for kernel in winograd.KERNELS)
    for size, taken in ((2, (True, False)), (3, (True, False)), (4, (True, True))):
        window = Window((1, size, 8, 16), 4, (3, 3), padding="same")
        site, _ = linear.convolution(window, DType.INT8, PLAIN, 0)
        assert tuple(kernel.supports(site, DSP) for kernel in winograd.KERNELS) == taken
        assert not any(kernel.supports(site, Core()) for kernel in winograd.KERNELS)


def filters(weights: Array) -> Filters:
    """A layer of those weights[channels, taps]."""
    ones = np.ones(len(weights), np.int64)
    return Filters(weights, 0 * ones, ones << 30, -4 * ones)


def test_a_layer_is_refused_from_the_first_sum_that_might_wrap() -> None:
    # Lifts are left out: half of the weights that they touch are of the other sign.
    for fits, limit in ((winograd.fits_2x2, 1 << 22), (winograd.fits_4x4, 1 << 18)):
        weights = np.full((1, 9, limit // 9 // 4 * 4), 1)
        weights[..., 1::4] = -1
        weights[0, 0, 2] += limit - np.abs(weights).sum() - 1
        assert fits(filters(weights.reshape(1, -1)))
        weights[0, 0, 2] += 1
        assert not fits(filters(weights.reshape(1, -1)))


def test_lifts_count_against_the_range() -> None:
    weights = np.zeros((1, 3, 3, 1024), np.int64)
    weights[..., 0::4] = weights[..., 1::4] = 50
    assert not winograd.fits_4x4(filters(weights.reshape(1, -1)))
    weights[..., 1::4] = -50
    assert winograd.fits_4x4(filters(weights.reshape(1, -1)))


B_2X2 = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
A_2X2 = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
B_4X4 = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
A_4X4 = np.array(
    [[1, 4, 4, 1, 1, 0], [0, 2, -2, 1, -1, 0], [0, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 1]]
)
FACTORS = np.array([1, 2, 4, 4])
INVERSE_OF_9 = 0x38E38E39


def drawn(seed: int, extreme: bool, side: int) -> tuple[Array, Array]:
    """A filter and a tile of int8, or of its two extremes."""
    rng = np.random.default_rng(seed)
    draw = rng.choice if extreme else lambda ends, size: rng.integers(*ends, size, endpoint=True)
    return draw([-128, 127], (3, 3)), draw([-128, 127], (side + 2, side + 2))


def convolved(w: Array, d: Array) -> Array:
    return (np.lib.stride_tricks.sliding_window_view(d, (3, 3)) * w).sum(axis=(2, 3))


def in_domain(w: Array, matrix: Array) -> Array:
    return winograd.transformed(w.reshape(1, 3, 3, 1), matrix).reshape(len(matrix), -1)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), extreme=st.booleans())
def test_four_times_the_convolution(seed: int, extreme: bool) -> None:
    w, d = drawn(seed, extreme, 2)
    u, v = in_domain(w, winograd.G_2X2), B_2X2 @ d @ B_2X2.T
    assert np.abs(u).max() <= 9 * 128
    assert np.abs(v).max() <= 4 * 128
    assert (A_2X2 @ (u * v) @ A_2X2.T == 4 * convolved(w, d)).all()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), extreme=st.booleans())
def test_the_division_by_576_is_exact(seed: int, extreme: bool) -> None:
    w, d = drawn(seed, extreme, 4)
    lifted = d + winograd.LIFT_4X4
    u, v = in_domain(w, winograd.G_4X4), B_4X4 @ lifted @ B_4X4.T
    scaled = A_4X4 @ (u * v) @ A_4X4.T
    assert (scaled * np.outer(FACTORS, FACTORS) == 576 * convolved(w, lifted)).all()
    wrapped = scaled.astype(np.uint32) * np.uint32(INVERSE_OF_9)
    left = wrapped.astype(np.int32).astype(np.int64)
    assert (left * np.outer(FACTORS, FACTORS) == 64 * convolved(w, lifted)).all()


@pytest.mark.parametrize("position", range(36))
def test_no_input_leaves_16_bits_of_f_4x4(position: int) -> None:
    """The worst inputs of each position: every one at the end that its coefficient's sign asks."""
    i, j = divmod(position, 6)
    coefficients = np.outer(B_4X4[i], B_4X4[j])
    high = np.where(coefficients > 0, 127, -128)
    low = np.where(coefficients > 0, -128, 127)
    for d in (high, low):
        assert abs((coefficients * d).sum()) <= 100 * 128
        assert 0 <= (coefficients * (d + winograd.LIFT_4X4)).sum() < 1 << 15


@pytest.mark.parametrize("matrix", [winograd.G_2X2, winograd.G_4X4])
def test_no_weight_leaves_16_bits(matrix: Array) -> None:
    size = np.abs(matrix).sum(axis=1).max()
    assert size**2 == {4: 9, 6: 49}[len(matrix)]
    for i, j in np.ndindex(len(matrix), len(matrix)):
        signs = np.where(np.outer(matrix[i], matrix[j]) > 0, -128, 127)
        assert np.abs(in_domain(signs, matrix)).max() <= size**2 * 128 < 1 << 15
