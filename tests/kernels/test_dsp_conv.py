# SPDX-License-Identifier: MIT
"""DSP convolutions equal the reference: in plain C under sanitizers, and on emulated cores."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering import dsp_conv
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.symmetric import symmetric
from tests.support import needs_arm_gcc

POINTWISE = [
    Window((1, 1, 1, 1), 1),
    Window((1, 1, 3, 3), 14),
    Window((1, 2, 2, 14), 3),
    Window((1, 3, 3, 51), 51),
    Window((1, 5, 5, 138), 7),
    Window((2, 3, 3, 6), 6),
    Window((1, 1, 4, 5), 1),
    Window((1, 7, 1, 8), 2, activation=Activation.RELU),
    Window((1, 3, 6, 16), 10, activation=Activation.RELU6),
]
WINDOWS = [
    Window((1, 7, 5, 3), 4, (3, 3), padding="same"),
    Window((1, 8, 8, 3), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 9, 7, 1), 5, (5, 4), stride=(2, 2), padding="same"),
    Window((1, 1, 1, 9), 6, (3, 3), padding="same"),
    Window((1, 2, 2, 5), 3, (5, 5), padding=Padding(3, 2, 2, 4)),
    Window((1, 9, 10, 3), 3, (2, 3), stride=(4, 5)),
    Window((1, 10, 1, 8), 4, (4, 1), stride=(2, 1), padding=Padding(1, 0, 0, 0)),
    Window((1, 6, 6, 14), 51, (1, 1), stride=(2, 2)),
    Window((1, 3, 3, 138), 2, (2, 2), padding="same"),
    Window((1, 2, 3, 2), 3, (1, 1), stride=(2, 1), padding=Padding(1, 2, 0, 3)),
    Window((1, 9, 2, 4), 3, (2, 1), dilation=(1, 3)),
]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-3, y_zero=0, gain=1e-6, per_channel=False),
    Numbers(x_zero=11, y_zero=-128, w_zero=3, per_channel=False),
]


def sites(windows: list[Window]) -> list[Case]:
    """Each shape with each number format, with weights of -128 and without."""
    made = [
        linear.convolution(w, DType.INT8, numbers, 100 * i + j)
        for i, w in enumerate(windows)
        for j, numbers in enumerate(NUMBERS)
    ]
    return [*made, *(symmetric(case) for case in made)]


def jobs(found: list[Case], *names: str) -> list[Job]:
    """Each site with each DSP kernel (or those named) that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in dsp_conv.KERNELS
        if kernel.supports(site, DSP) and (not names or kernel.name in names)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    pointwise = jobs(sites(POINTWISE), "conv2d_1x1_s8_dsp")
    windows = jobs(sites(WINDOWS), "conv2d_s8_dsp")
    assert len(pointwise) >= 8 * len(POINTWISE)
    assert len(windows) >= 8 * len(WINDOWS)
    check_kernels(pointwise + windows, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("conv2d_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(
        jobs(sites(POINTWISE + WINDOWS)), "cortex-m4", compiler, optimisation=optimisation
    )


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_other_cores_with_dsp(core: str) -> None:
    check_emulated(jobs(sites(POINTWISE[:4] + WINDOWS[:4])), core, "gcc")


def test_cores_without_dsp_are_refused() -> None:
    site, _ = linear.convolution(POINTWISE[3], DType.INT8, PLAIN, 0)
    assert not any(k.supports(site, Core()) for k in dsp_conv.KERNELS)


def test_what_would_not_be_exact_is_refused() -> None:
    too_wide = Numbers(gain=1e5)
    site, _ = linear.convolution(POINTWISE[3], DType.INT8, too_wide, 0)
    assert not any(k.supports(site, DSP) for k in dsp_conv.KERNELS)
    weights_beyond_int8 = Numbers(w_zero=9, per_channel=False)
    site, _ = linear.convolution(POINTWISE[4], DType.INT8, weights_beyond_int8, 0)
    assert not any(k.supports(site, DSP) for k in dsp_conv.KERNELS)
