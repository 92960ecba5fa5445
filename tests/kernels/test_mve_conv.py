# SPDX-License-Identifier: MIT
"""Helium convolutions equal the reference: in plain C under sanitizers, and on QEMU."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.lowering import mve_conv
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE

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
    Window((1, 2, 3, 32), 8, activation=Activation.RELU),
    Window((1, 2, 3, 48), 12),
    Window((1, 2, 3, 64), 4),
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
    Window((1, 4, 4, 16), 8, (3, 3), padding="same", activation=Activation.RELU),
]
ONE_CHANNEL = [
    Window((1, 9, 7, 1), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 6, 5, 1), 3, (5, 4), padding="same"),
    Window((1, 20, 1, 1), 1, (10, 1), stride=(2, 1)),
]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-3, y_zero=0, gain=1e-6, per_channel=False),
    Numbers(x_zero=11, y_zero=-128, w_zero=3, per_channel=False),
]


def sites(windows: list[Window]) -> list[Case]:
    """Each shape with each number format."""
    return [
        linear.convolution(w, DType.INT8, numbers, 100 * i + j)
        for i, w in enumerate(windows)
        for j, numbers in enumerate(NUMBERS)
    ]


def one_channel_sites() -> list[Case]:
    """Depthwise convolutions of a single channel."""
    return [
        linear.depthwise(w, DType.INT8, numbers, 10 * i + j)
        for i, w in enumerate(ONE_CHANNEL)
        for j, numbers in enumerate(NUMBERS)
    ]


def jobs(found: list[Case], *names: str) -> list[Job]:
    """Each site with each Helium kernel (or those named) that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in mve_conv.KERNELS
        if kernel.supports(site, MVE) and (not names or kernel.name in names)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    pointwise = jobs(sites(POINTWISE), "conv2d_1x1_s8_mve")
    windows = jobs(sites(WINDOWS), "conv2d_s8_mve")
    assert len(pointwise) >= 4 * len(POINTWISE)
    assert len(windows) >= 4 * len(WINDOWS)
    one_channel = jobs(one_channel_sites())
    assert len(one_channel) >= 3 * len(ONE_CHANNEL)
    check_kernels(pointwise + windows + one_channel, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("conv2d_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    found = jobs(sites(POINTWISE + WINDOWS) + one_channel_sites())
    check_emulated(found, "cortex-m55", compiler, optimisation=optimisation)


def test_cores_without_helium_are_refused() -> None:
    site, _ = linear.convolution(POINTWISE[3], DType.INT8, PLAIN, 0)
    assert not any(k.supports(site, DSP) for k in mve_conv.KERNELS)
