# SPDX-License-Identifier: MIT
"""DSP convolutions equal the reference: in plain C under sanitizers, and on emulated cores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.dsp import conv as dsp_conv
from milliwatt.ir.types import DType
from tests import cases
from tests.cases import linear
from tests.cases.awkward import NUMBERS, POINTWISE, WINDOWS, every
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.symmetric import symmetric
from tests.support import needs_arm_gcc


def sites(windows: Sequence[Window]) -> list[Case]:
    """Each shape with each number format, with weights of -128 and without."""
    made = every(linear.convolution, windows, NUMBERS)
    return [*made, *(symmetric(case) for case in made)]


jobs = partial(jobs_of, dsp_conv.KERNELS, DSP)
"""Each site with each of the kernels (or those named) that takes it."""


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
    too_wide = Numbers(gain=1e8)
    site, _ = linear.convolution(POINTWISE[3], DType.INT8, too_wide, 0)
    assert not any(k.supports(site, DSP) for k in dsp_conv.KERNELS)
    weights_beyond_int8 = Numbers(w_zero=9, per_channel=False)
    site, _ = linear.convolution(POINTWISE[4], DType.INT8, weights_beyond_int8, 0)
    assert not any(k.supports(site, DSP) for k in dsp_conv.KERNELS)
