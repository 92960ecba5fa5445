# SPDX-License-Identifier: MIT
"""Winograd's convolution on Helium equals the reference, and takes fewer instructions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Lit
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve import (
    conv as mve_conv,
)
from milliwatt.backend.mcu.lowering.mve import (
    winograd as mve_winograd,
)
from milliwatt.backend.mcu.lowering.mve.layout import ANY, PLAIN, RELU, RELU_CLAMPED
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE
from tests.support import needs_arm_gcc, needs_qemu

(KERNEL,) = mve_winograd.KERNELS
WINDOWS = [
    Window((1, 6, 6, 8), 2, (3, 3)),
    Window((1, 8, 8, 16), 6, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 7, 5, 24), 5, (3, 3), padding="same", activation=Activation.RELU6),
    Window((1, 3, 9, 40), 1, (3, 3), padding=Padding(1, 2, 2, 1)),
    Window((1, 2, 3, 32), 4, (3, 3), padding=Padding(3, 3, 4, 2)),
    Window((1, 14, 11, 8), 4, (3, 3), padding="same"),
    Window((1, 1, 4, 8), 9, (3, 3), padding=Padding(4, 6, 5, 4)),
]
NUMBERS = [
    Numbers(),
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=11, y_zero=-128, w_zero=3, per_channel=False),
    Numbers(x_zero=4, y_zero=2, gain=500.0),
]


@cache
def jobs() -> list[Job]:
    found: list[Job] = []
    for i, window in enumerate(WINDOWS):
        for j, numbers in enumerate(NUMBERS):
            site, inputs = linear.convolution(window, DType.INT8, numbers, 10 * i + j)
            if KERNEL.supports(site, MVE):
                found.append(Job(KERNEL, site, inputs))
    return found


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert len(found) > 2 * len(WINDOWS)
    check_kernels(found, cc=cc)


def test_every_form_is_among_the_sites() -> None:
    ends = [job.kernel.lower(job.site).args[-1] for job in jobs()]
    assert {e.value for e in ends if isinstance(e, Lit)} == {PLAIN, RELU, RELU_CLAMPED, ANY}


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m55", compiler, optimisation=optimisation)


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
def test_fewer_instructions_than_the_usual_kernel() -> None:
    window = Window((1, 8, 8, 64), 64, (3, 3), padding="same", activation=Activation.RELU)
    site, inputs = linear.convolution(window, DType.INT8, Numbers(), 0)
    usual = next(k for k in mve_conv.KERNELS if k.supports(site, MVE))
    found = [Job(k, site, inputs) for k in (KERNEL, usual)]
    ours, direct = check_emulated(found, "cortex-m55", "gcc").instructions
    assert ours < 0.8 * direct


def test_other_convolutions_are_refused() -> None:
    for window in (
        Window((1, 8, 8, 16), 4, (3, 3), stride=(2, 2)),
        Window((1, 8, 8, 16), 4, (3, 2)),
        Window((1, 8, 8, 12), 4, (3, 3)),
        Window((1, 8, 8, 16), 4, (3, 3), dilation=(2, 2)),
        Window((1, 3, 8, 16), 4, (3, 3), padding="same"),
    ):
        site, _ = linear.convolution(window, DType.INT8, Numbers(), 0)
        assert not KERNEL.supports(site, MVE)
    site, _ = linear.convolution(WINDOWS[1], DType.INT8, Numbers(), 0)
    assert not KERNEL.supports(site, DSP)


def test_a_layer_is_refused_from_the_first_sum_that_might_wrap() -> None:
    ones = np.ones(1, np.int64)
    for size, exact in (((1 << 18) - 1, True), (1 << 18, False)):
        weights = np.zeros((1, 72), np.int64)
        weights[0, :2] = size // 2, size - size // 2
        assert mve_winograd.fits(Filters(weights, 0 * ones, ones << 30, -4 * ones)) is exact
