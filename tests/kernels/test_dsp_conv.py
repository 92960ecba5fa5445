# SPDX-License-Identifier: MIT
"""DSP convolutions, their instructions in plain C, equal the reference under sanitizers."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering import dsp_conv
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.harness import Job, check_kernels

DSP = Core(dsp=True)
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
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-3, y_zero=0, gain=1e-6, per_channel=False),
]


def jobs(sites: list[Case]) -> list[Job]:
    """Each site with the DSP kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in sites
        for kernel in dsp_conv.KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_pointwise(cc: str) -> None:
    sites = [
        linear.convolution(w, DType.INT8, numbers, 100 * i + j)
        for i, w in enumerate(POINTWISE)
        for j, numbers in enumerate(NUMBERS)
    ]
    found = jobs(sites)
    assert len(found) == len(sites)
    check_kernels(found, cc=cc)


def test_sites_of_every_kernel() -> None:
    found = jobs(cases.sites("conv2d_s8"))
    assert found
    check_kernels(found)


def test_other_cores_are_refused() -> None:
    site, _ = linear.convolution(POINTWISE[3], DType.INT8, PLAIN, 0)
    assert not any(k.supports(site, Core()) for k in dsp_conv.KERNELS)
