# SPDX-License-Identifier: MIT
"""DSP fully connected layers equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

import numpy as np
import pytest

from milliwatt.backend.mcu.lowering import dsp_dense
from milliwatt.backend.mcu.lowering.dsp_layout import can_pack
from milliwatt.ir.types import DType
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.symmetric import symmetric

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
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-9, y_zero=0, gain=1e-6, per_channel=False),
]


def sites() -> list[Case]:
    made = [
        linear.dense(size, DType.INT8, numbers, 100 * i + j)
        for i, size in enumerate(SIZES)
        for j, numbers in enumerate(NUMBERS)
    ]
    return [*made, *(symmetric(case) for case in made)]


def jobs(found: list[Case]) -> list[Job]:
    """Each site with each DSP kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in dsp_dense.KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= 2 * len(SIZES) * len(NUMBERS) - 4
    packed = {dsp_dense.is_packed(job.site) for job in found}
    assert packed == {True, False}
    check_kernels(found, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("dense_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(sites()), "cortex-m4", compiler, optimisation=optimisation)


def filters(even: list[int], odd: list[int], bias: tuple[int, int] = (0, 0)) -> dsp_dense.Filters:
    """Two channels; what multiplies their sums does not matter."""
    weights = np.array([even, odd], np.int64)
    return dsp_dense.Filters(weights, np.array(bias, np.int64), weights[:, 0], weights[:, 0])


@pytest.mark.parametrize(
    ("even", "odd", "bias", "possible"),
    [
        ([-127, 127], [-127, -127], (0, 0), True),
        ([0], [-128], (0, 0), True),
        ([-1], [-128], (0, 0), False),
        ([-128], [127], (0, 0), True),
        ([0], [0], (0, (1 << 23) - 1), True),
        ([0], [0], (0, 1 << 23), False),
        ([0], [0], (1 << 24, 0), True),
        ([0], [1], (0, (1 << 23) - 128), False),
    ],
)
def test_when_weights_can_be_packed(even, odd, bias, possible: bool) -> None:
    assert can_pack(filters(even, odd, bias)) is possible
