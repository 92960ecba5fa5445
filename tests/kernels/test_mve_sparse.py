# SPDX-License-Identifier: MIT
"""Helium kernels of sparse weights equal the reference, and pay where whole vectors are zero."""

from __future__ import annotations

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
    sparse as mve_sparse,
)
from milliwatt.backend.mcu.lowering.mve.layout import ANY, PLAIN, RELU, RELU_CLAMPED, VECTOR
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE
from tests.kernels.pruned import blocks, pruned, unstructured
from tests.kernels.test_mve_conv import NUMBERS, POINTWISE, WINDOWS
from tests.support import needs_arm_gcc, needs_qemu

POINTWISE_KERNEL, WINDOW_KERNEL = mve_sparse.KERNELS
PRUNES = [blocks(0.4, 1, VECTOR), unstructured(0.02), blocks(0.0, 1, 1), unstructured(1.0)]
FORMATS = [*NUMBERS, Numbers(x_zero=3, y_zero=-7, gain=2000.0)]


@cache
def jobs() -> list[Job]:
    """Each shape pruned in each way, whether that pays or not."""
    found: list[Job] = []
    for i, window in enumerate(POINTWISE + WINDOWS):
        for j, prune in enumerate(PRUNES):
            numbers = FORMATS[(i + j) % len(FORMATS)]
            case = linear.convolution(window, DType.INT8, numbers, 10 * i + j)
            site, inputs = pruned(case, prune, i)
            if mve_conv.accepts_1x1(site):
                found.append(Job(POINTWISE_KERNEL, site, inputs))
            if mve_conv.accepts_conv(site):
                found.append(Job(WINDOW_KERNEL, site, inputs))
    return found


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel for job in found} == {*mve_sparse.KERNELS}
    assert len(found) > 3 * len(POINTWISE + WINDOWS)
    check_kernels(found, cc=cc)


def test_every_form_is_among_the_sites() -> None:
    ends = [job.kernel.lower(job.site).args[-1] for job in jobs()]
    assert {end.value for end in ends if isinstance(end, Lit)} == {PLAIN, RELU, RELU_CLAMPED, ANY}


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m55", compiler, optimisation=optimisation)


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
@pytest.mark.parametrize("window", [
    Window((1, 6, 6, 128), 64, activation=Activation.RELU),
    Window((1, 8, 8, 32), 32, (3, 3), padding="same", activation=Activation.RELU),
])  # fmt: skip
def test_taken_where_it_pays(window: Window) -> None:
    case = linear.convolution(window, DType.INT8, Numbers(), 0)
    for prune, pays in ((blocks(0.5, 1, VECTOR), True), (unstructured(0.2), False)):
        site, inputs = pruned(case, prune)
        able = [k for k in mve_sparse.KERNELS if k.supports(site, MVE)]
        assert bool(able) is pays
        dense = next(k for k in mve_conv.KERNELS if k.supports(site, MVE))
        if able:
            found = [Job(kernel, site, inputs) for kernel in (able[0], dense)]
            sparse, usual = check_emulated(found, "cortex-m55", "gcc").instructions
            assert sparse < 0.85 * usual


def test_cores_without_helium_are_refused() -> None:
    assert not any(job.kernel.supports(job.site, DSP) for job in jobs()[:9])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.integers(1, 6),
    taps=st.sampled_from([1, 16, 33, 300, 16 * 520]),
    density=st.sampled_from([0.0, 0.0003, 0.01, 0.5]),
)
def test_vectors_are_the_weights(seed: int, channels: int, taps: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-128, 128, (channels, taps)) * (rng.random((channels, taps)) < density)
    ones = np.ones(channels, np.int64)
    table, scales = mve_sparse.tables(Filters(weights, ones, ones, -ones), PLAIN)
    data, found = table.data, np.zeros((channels, -(-taps // VECTOR) * VECTOR), np.int64)
    for channel, (count, *_) in enumerate(scales.data.reshape(channels, 4)):
        at = 0
        for _ in range(count):
            at += int(data[0]) & 255
            found[channel, VECTOR * at : VECTOR * (at + 1)] += data[1 : VECTOR + 1]
            data = data[VECTOR + 1 :]
    assert not len(data)
    assert (found[:, :taps] == weights).all()
