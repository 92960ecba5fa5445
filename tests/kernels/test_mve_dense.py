# SPDX-License-Identifier: MIT
"""Helium fully connected layers equal the reference: under sanitizers, and on QEMU."""

from __future__ import annotations

from functools import cache, partial

import pytest

from milliwatt.backend.mcu.lowering.mve import dense as mve_dense
from milliwatt.backend.mcu.lowering.mve import layout
from milliwatt.ir.types import DType
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import every
from tests.cases.build import Case
from tests.cases.linear import PLAIN
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.mve import CORTEX_M55, MVE

SIZES = [*awkward.DENSE, (1, 16, 4), (2, 32, 16), (1, 48, 5), (1, 128, 17)]
SIZES += [(1, depth, 9) for depth in (64, 80, 96)]
"""Steps of 16 inputs: from 1 on, since they are entered in one of four places."""
NUMBERS = awkward.NUMBERS[:4]


@cache
def sites() -> list[Case]:
    return every(linear.dense, SIZES, NUMBERS)


jobs = partial(jobs_of, mve_dense.KERNELS, MVE)
"""Each site with each of the kernels (or those named) that takes it."""


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= 3 * len(SIZES)
    ends = {tuple(a.value for a in job.kernel.lower(job.site).args[-2:]) for job in found}
    assert ends >= {(form, alike) for form in (layout.PLAIN, layout.RELU) for alike in (0, 1)}
    assert (layout.RELU_CLAMPED, 1) in ends
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
