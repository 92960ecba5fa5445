# SPDX-License-Identifier: MIT
"""Fully connected layers for cores without packed multiplication: on the host, and emulated."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering import swar_dense
from milliwatt.ir.types import DType
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.swar import CORES, SWAR

SIZES = [
    (1, 1, 1),
    (1, 3, 10),
    (1, 138, 51),
    (2, 14, 7),
    (5, 51, 2),
    (1, 640, 12),
    (3, 9, 8),
    (1, 4, 3),
    (2, 2, 5),
    (1, 128, 1),
]
FEW_PIXELS = [Window((1, 1, 1, 14), 5), Window((1, 1, 2, 51), 14), Window((2, 1, 1, 3), 138)]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-9, y_zero=0, gain=1e-6, per_channel=False),
]


def sites() -> list[Case]:
    dense = [
        linear.dense(size, DType.INT8, numbers, 100 * i + j)
        for i, size in enumerate(SIZES)
        for j, numbers in enumerate(NUMBERS)
    ]
    pointwise = [
        linear.convolution(window, DType.INT8, numbers, i)
        for i, window in enumerate(FEW_PIXELS)
        for numbers in NUMBERS
    ]
    return [*dense, *pointwise]


def jobs(found: list[Case]) -> list[Job]:
    """Each site with the kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in swar_dense.KERNELS
        if kernel.supports(site, SWAR)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= len(SIZES) * len(NUMBERS)
    check_kernels(found, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("dense_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("core", "compiler", "optimisation"), CORES)
def test_emulated(core: str, compiler: str, optimisation: str) -> None:
    check_emulated(jobs(sites()), core, compiler, optimisation=optimisation)


def test_other_cores_are_refused() -> None:
    site, _ = linear.dense(SIZES[2], DType.INT8, PLAIN, 0)
    for core in (Core(), Core(dsp=True), Core(dsp=True, mve=True)):
        assert not any(k.supports(site, core) for k in swar_dense.KERNELS)
