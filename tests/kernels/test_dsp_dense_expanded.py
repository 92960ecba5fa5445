# SPDX-License-Identifier: MIT
"""DSP fully connected layers with inputs widened once equal the reference, and are faster."""

from __future__ import annotations

from functools import cache, partial

import pytest

from milliwatt.backend.mcu.choice.select import candidates, select_kernel
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.dsp import dense as dsp_dense
from milliwatt.backend.mcu.lowering.dsp import dense_expanded
from milliwatt.ir.types import DType
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import DENSE, every
from tests.cases.build import Case
from tests.cases.linear import Numbers
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.symmetric import symmetric
from tests.kernels.test_dsp_factors import DENSE as FACTOR_SHAPES
from tests.kernels.test_dsp_factors import FACTORS, numbers, with_factors
from tests.support import needs_arm_gcc

NUMBERS = awkward.NUMBERS[:4]
ENTRIES = [(2, depth, 5) for depth in (1, 4, 7, 8, 12, 14, 16, 20, 27, 28, 32)]
"""The loop of 16 inputs is entered at each of its four places, and taken once, twice, and more."""
(KERNEL,) = dense_expanded.KERNELS

jobs = partial(jobs_of, dense_expanded.KERNELS, DSP)
"""Each site with the kernel, where it takes it."""


@cache
def sites() -> list[Case]:
    made = every(linear.dense, [*DENSE, *ENTRIES], NUMBERS)
    return [*made, *(symmetric(case) for case in made)]


@cache
def with_large_factors() -> list[Case]:
    """Each shape with factors below and above 1/2, channels alike and not, words of both kinds."""
    made = [
        with_factors(linear.dense(shape, DType.INT8, numbers(DType.INT8, i), i), factor, 4.0, i)
        for i, factor in enumerate(FACTORS)
        for shape in FACTOR_SHAPES
    ]
    return [*made, *(symmetric(case) for case in made)]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert {dsp_dense.is_packed(job.site) for job in found} == {True, False}
    check_kernels(found, cc=cc)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host_with_large_factors(cc: str) -> None:
    found = jobs(with_large_factors())
    assert len(found) == len(with_large_factors())
    check_kernels(found, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("dense_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    found = jobs([*sites(), *with_large_factors()])
    check_emulated(found, "cortex-m4", compiler, optimisation=optimisation)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_other_cores_with_dsp(core: str) -> None:
    check_emulated(jobs(sites()[::4]), core, "gcc")


@needs_arm_gcc
@pytest.mark.emulator
def test_a_tenth_fewer_instructions_than_the_usual_kernel() -> None:
    found = [symmetric(linear.dense((1, 640, 128), DType.INT8, Numbers(), 0))]
    usual = jobs_of(dsp_dense.KERNELS, DSP, found)
    before = check_emulated(usual, "cortex-m4", "gcc").instructions
    after = check_emulated(jobs(found), "cortex-m4", "gcc").instructions
    assert sum(after) < 0.9 * sum(before)


def test_it_is_a_candidate_and_not_the_default() -> None:
    site, _ = linear.dense((1, 64, 16), DType.INT8, Numbers(), 0)
    assert KERNEL in candidates(site, DSP)
    assert KERNEL not in candidates(site, Core())
    assert select_kernel("", site, DSP).name == "fully_connected_s8_dsp"


@pytest.mark.parametrize(("depth", "scratch_bytes"), [(640, 1280), (641, 1288), (3, 8)])
def test_scratch_memory_is_two_bytes_an_input(depth: int, scratch_bytes: int) -> None:
    site, _ = linear.dense((1, depth, 16), DType.INT8, Numbers(), 0)
    assert KERNEL.lower(site).scratch_bytes == scratch_bytes


def test_one_row_may_be_computed_in_place() -> None:
    """All of a row's inputs are read before its first output is written."""
    usual, expanded = (
        kernel.lower(linear.dense((1, 16, 16), DType.INT8, Numbers(), 0)[0])
        for kernel in (dsp_dense.KERNELS[0], KERNEL)
    )
    assert not usual.overlaps
    assert [overlap.gap_bytes for overlap in expanded.overlaps] == [0]
