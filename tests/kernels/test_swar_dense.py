# SPDX-License-Identifier: MIT
"""Fully connected layers for cores without packed multiplication: on the host, and emulated."""

from __future__ import annotations

import dataclasses
from functools import cache, partial

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Core, Lit
from milliwatt.backend.mcu.lowering.swar import dense as swar_dense
from milliwatt.ir.types import DType
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import DENSE, every
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Window
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.swar import BEYOND_INT32, CORES, SWAR

WHOLE_GROUPS = [(1, 8, 3), (2, 16, 9), (1, 24, 4), (1, 128, 6), (1, 640, 5)]
FEW_PIXELS = [Window((1, 1, 1, 14), 5), Window((1, 1, 2, 51), 14), Window((2, 1, 1, 3), 138)]
NUMBERS = [*awkward.NUMBERS[:4], BEYOND_INT32]


def with_small_weights(case: Case) -> Case:
    """The case with weights of -1..1, and three large ones here and there."""
    site, inputs = case
    large = (np.arange(inputs[1].size) % 211 < 3).reshape(inputs[1].shape)
    weights = np.where(large, inputs[1], inputs[1] % 3 - 1).astype(np.int8)
    constants = (None, weights, inputs[2])
    return dataclasses.replace(site, constants=constants), [inputs[0], weights, inputs[2]]


@cache
def sites() -> list[Case]:
    grouped = every(linear.dense, WHOLE_GROUPS, NUMBERS)
    dense = every(linear.dense, DENSE, NUMBERS)
    pointwise = every(linear.convolution, FEW_PIXELS, NUMBERS)
    return [*dense, *pointwise, *grouped, *(with_small_weights(case) for case in grouped)]


jobs = partial(jobs_of, swar_dense.KERNELS, SWAR)
"""Each site with each of the kernels (or those named) that takes it."""


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    names = [job.kernel.name for job in found]
    assert (
        names.count("fully_connected_s8_swar")
        >= (len(DENSE) + len(WHOLE_GROUPS)) * len(NUMBERS) - 5
    )
    assert names.count("fully_connected_groups_s8_swar") >= len(WHOLE_GROUPS) * len(NUMBERS)
    assert names.count("conv2d_1x1_few_s8_swar") >= len(FEW_PIXELS)
    check_kernels(found, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("dense_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("core", "compiler", "optimisation"), CORES)
def test_emulated(core: str, compiler: str, optimisation: str) -> None:
    check_emulated(jobs(sites()), core, compiler, optimisation=optimisation)


def test_every_form_of_the_loop_is_tested() -> None:
    """Groups of both lengths, with weights in excess and without."""
    forms = {
        tuple(arg.value for arg in job.kernel.lower(job.site).args if isinstance(arg, Lit))[8:10]
        for job in jobs(sites())
        if job.kernel.name == "fully_connected_groups_s8_swar"
    }
    assert forms == {(8, 0), (8, 1), (16, 0), (16, 1)}


def test_other_cores_are_refused() -> None:
    site, _ = linear.dense(DENSE[2], DType.INT8, PLAIN, 0)
    for core in (Core(), Core(dsp=True), Core(dsp=True, mve=True)):
        assert not any(k.supports(site, core) for k in swar_dense.KERNELS)
