# SPDX-License-Identifier: MIT
"""DSP fully connected layers equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest

from milliwatt.backend.mcu.lowering.dsp import dense as dsp_dense
from milliwatt.backend.mcu.lowering.dsp.layout import can_pack
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import DENSE, every
from tests.cases.build import Case
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.symmetric import symmetric

NUMBERS = awkward.NUMBERS[:4]


@cache
def sites() -> list[Case]:
    made = every(linear.dense, DENSE, NUMBERS)
    return [*made, *(symmetric(case) for case in made)]


jobs = partial(jobs_of, dsp_dense.KERNELS, DSP)
"""Each site with each of the kernels (or those named) that takes it."""


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= 2 * len(DENSE) * len(NUMBERS) - 4
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
