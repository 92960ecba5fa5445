# SPDX-License-Identifier: MIT
"""Helium fully connected layers equal the reference: under sanitizers, and on QEMU."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.lowering import mve_dense
from milliwatt.ir.types import DType
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE

SIZES = [
    (1, 1, 1),
    (1, 3, 10),
    (1, 138, 51),
    (2, 14, 7),
    (5, 51, 2),
    (1, 640, 12),
    (3, 9, 8),
    (1, 16, 4),
    (2, 32, 16),
    (1, 48, 5),
    (1, 128, 17),
]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-9, y_zero=0, gain=1e-6, per_channel=False),
]


def sites() -> list[Case]:
    return [
        linear.dense(size, DType.INT8, numbers, 100 * i + j)
        for i, size in enumerate(SIZES)
        for j, numbers in enumerate(NUMBERS)
    ]


def jobs(found: list[Case]) -> list[Job]:
    """Each site with each Helium kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in mve_dense.KERNELS
        if kernel.supports(site, MVE)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= 3 * len(SIZES)
    check_kernels(found, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("dense_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(sites()), "cortex-m55", compiler, optimisation=optimisation)


def test_cores_without_helium_are_refused() -> None:
    site, _ = linear.dense(SIZES[5], DType.INT8, PLAIN, 0)
    assert not any(k.supports(site, DSP) for k in mve_dense.KERNELS)


def test_layers_that_would_be_mostly_padding_are_refused() -> None:
    narrow, _ = linear.dense((1, 2048, 2), DType.INT8, PLAIN, 0)
    assert not any(k.supports(narrow, MVE) for k in mve_dense.KERNELS)
