# SPDX-License-Identifier: MIT
"""Helium kernels of int4 and int2 weights equal the reference: under sanitizers, and on QEMU."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Lit
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve import (
    conv as mve_conv,
)
from milliwatt.backend.mcu.lowering.mve import (
    dense as mve_dense,
)
from milliwatt.backend.mcu.lowering.mve import (
    subbyte as mve_subbyte,
)
from milliwatt.backend.mcu.lowering.mve.layout import ANY, PLAIN, RELU, RELU_CLAMPED, VECTOR
from milliwatt.backend.mcu.lowering.mve.subbyte_layout import is_subbyte_exact, subbyte_weights
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE
from tests.kernels.test_mve_conv import POINTWISE, WINDOWS
from tests.kernels.test_mve_dense import SIZES
from tests.support import needs_arm_gcc, needs_qemu

KERNELS = mve_subbyte.KERNELS
PLAIN_FORMATS = [(-128, -128, True, 1.0), (127, 5, False, 0.4)]
ANY_FORMATS = [(3, -7, True, 300.0), (-5, 2, False, 90.0), (4, -128, True, 700.0)]
"""Zero points of inputs and outputs; whether each channel has a scale; how coarse the sums are."""
FORMATS = PLAIN_FORMATS + ANY_FORMATS


def narrow(case: Case) -> Case:
    """The case without the least weight there is."""
    site, inputs = case
    least = site.inputs[1].dtype.integer_range[0]
    weights = np.maximum(inputs[1], least + 1)
    constants = (None, weights, site.constants[2])
    return replace(site, constants=constants), [inputs[0], weights, inputs[2]]


@cache
def shapes() -> list[Case]:
    """Each shape with int4 and with int2 weights, number formats and ranges in turn."""
    found: list[Case] = []
    for i, window in enumerate(POINTWISE + WINDOWS):
        for j, numbers in enumerate(_numbers(i)):
            found.append(linear.convolution(window, DType.INT8, numbers, 10 * i + j))
    for i, size in enumerate(SIZES):
        for j, numbers in enumerate(_numbers(i)):
            found.append(linear.dense(size, DType.INT8, numbers, 10 * i + j))
    return [narrow(case) if i // 2 % 2 else case for i, case in enumerate(found)]


def _numbers(index: int) -> list[Numbers]:
    """Two formats of each element type."""
    return [
        Numbers(dtype, per_channel, x_zero, y_zero=y_zero, gain=gain)
        for formats in (PLAIN_FORMATS, ANY_FORMATS)
        for dtype in (DType.INT4, DType.INT2)
        for x_zero, y_zero, per_channel, gain in (formats[index % len(formats)],)
    ]


def jobs(found: list[Case]) -> list[Job]:
    """Each site with each Helium kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in KERNELS
        if kernel.supports(site, MVE)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(shapes())
    assert len(found) >= 4 * len(POINTWISE + WINDOWS + SIZES)
    check_kernels(found, cc=cc)


def test_every_variant_is_among_the_sites() -> None:
    for kernel in KERNELS:
        calls = [kernel.lower(job.site) for job in jobs(shapes()) if job.kernel is kernel]
        ends = {tuple(a.value for a in call.args[-3:] if isinstance(a, Lit)) for call in calls}
        assert {form for form, _, _ in ends} == {PLAIN, RELU, RELU_CLAMPED, ANY}
        assert {(bits, full) for _, bits, full in ends} == {(4, 0), (4, 1), (2, 0), (2, 1)}


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(shapes()), "cortex-m55", compiler, optimisation=optimisation)


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
@pytest.mark.parametrize("dtype", [DType.INT4, DType.INT2])
def test_about_as_fast_as_int8(dtype: DType) -> None:
    window = Window((1, 6, 6, 64), 64, activation=Activation.RELU)
    narrow_case = narrow(linear.convolution(window, DType.INT8, Numbers(dtype), 0))
    usual = linear.convolution(window, DType.INT8, Numbers(), 0)
    found = [Job(KERNELS[0], *narrow_case), Job(mve_conv.KERNELS[0], *usual)]
    ours, int8 = check_emulated(found, "cortex-m55", "gcc").instructions
    assert ours < 1.08 * int8


def test_weights_take_their_bits() -> None:
    for dtype in (DType.INT4, DType.INT2):
        site, _ = linear.dense((1, 64, 8), DType.INT8, Numbers(weights=dtype), 0)
        weights, _ = KERNELS[2].lower(site).tables
        assert weights.data.nbytes == 64 * 8 * dtype.bits // 8 + 4 * 8


@pytest.mark.parametrize("gain", [300.0, 1500.0])
def test_int8_layers_of_large_factors(gain: float) -> None:
    """gemmlowp rounds once there: the usual kernels take them too."""
    found: list[Job] = []
    for seed, y_zero in enumerate((-128, -7)):
        numbers = Numbers(x_zero=3, y_zero=y_zero, gain=gain)
        few = Window((1, 3, 3, 5), 9, (2, 2))
        cases = (
            *(linear.convolution(w, DType.INT8, numbers, seed) for w in (few, POINTWISE[2])),
            linear.dense((2, 3, 11), DType.INT8, numbers, seed),
        )
        for case in cases:
            site, inputs = coarse(case)
            kernels = (*mve_conv.KERNELS, *mve_dense.KERNELS)
            kernel = next(k for k in kernels if k.supports(site, MVE))
            found.append(Job(kernel, site, inputs))
    forms = [
        arg.value
        for job in found
        for arg in job.kernel.lower(job.site).args[-1:]
        if isinstance(arg, Lit)
    ]
    assert ANY in forms
    check_kernels(found)


def coarse(case: Case) -> Case:
    """The case with weights of -3..3, whose sums the outputs show."""
    site, inputs = case
    weights = (inputs[1] % 7 - 3).astype(np.int8)
    bias = inputs[2] % 50
    return replace(site, constants=(None, weights, bias)), [inputs[0], weights, bias]


def test_what_would_not_be_exact_is_refused() -> None:
    beyond = Numbers(weights=DType.INT4, w_zero=3, per_channel=False)
    site, _ = linear.dense((1, 64, 8), DType.INT8, beyond, 0)
    assert not any(kernel.supports(site, MVE) for kernel in KERNELS)
    one = np.ones(1, np.int64)
    for shift, least in ((-1, 1 << 30), (2, 1 << 28)):
        for bias, exact in ((least - 128, False), (least - 129, True)):
            filters = Filters(one[:, None], bias * one, (1 << 30) * one, shift * one)
            assert is_subbyte_exact(filters, 4) is exact


def test_cores_without_helium_are_refused() -> None:
    site, _ = linear.dense((1, 64, 8), DType.INT8, Numbers(weights=DType.INT4), 0)
    assert not any(kernel.supports(site, DSP) for kernel in KERNELS)


def unpacked(data: Array, bits: int, block: int, full: bool) -> Array:
    """A block's weights [block, 16 * vectors], its bytes taken apart one by one."""
    shared = block * bits // 8
    rows = data[4 * block :].reshape(-1, shared, VECTOR).astype(int)
    half, places = 1 << (bits - 1), 8 // bits
    found = np.zeros((block, rows.shape[0] * VECTOR), int)
    for place in range(places):
        above = (rows + (0 if full else half)) >> bits if place < places - 1 else 0 * rows
        digits = rows - (above << bits) - (half if full and place < places - 1 else 0)
        for k in range(shared):
            found[place * shared + k] = digits[:, k].reshape(-1)
        rows = above
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.sampled_from([4, 2]),
    block=st.sampled_from([4, 8]),
    channels=st.integers(1, 11),
    depth=st.integers(1, 40),
    skip=st.integers(0, 1),
)
def test_bytes_are_the_weights(
    seed: int, bits: int, block: int, channels: int, depth: int, skip: int
) -> None:
    rng = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    weights = rng.integers(-half + skip, half, (channels, depth))
    zeros = np.zeros(channels, np.int64)
    table, full = subbyte_weights(Filters(weights, zeros, zeros, zeros), bits, block)
    assert not (skip and full)
    blocks = table.data.reshape(-(-channels // block), -1)
    for i, data in enumerate(blocks):
        kept = weights[block * i : block * (i + 1)]
        got = unpacked(data, bits, block, full)
        assert (got[: len(kept), :depth] == kept).all()
        assert not got[:, depth:].any()
        assert not got[len(kept) :].any()
