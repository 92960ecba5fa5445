# SPDX-License-Identifier: MIT
"""Helium sums and averages equal the reference: under sanitizers, and on QEMU."""

from __future__ import annotations

from functools import cache

import pytest

from milliwatt.backend.mcu.lowering.mve import (
    arith as mve_arith,
)
from milliwatt.backend.mcu.lowering.mve import (
    pool as mve_pool,
)
from milliwatt.ir.types import DType
from milliwatt.ops.arith import Add, Sub
from tests import cases
from tests.cases import elementwise, pools
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE


@cache
def jobs() -> list[Job]:
    """Every sum of equal shapes and every average, in every number format."""
    found = [
        case
        for seed in range(3)
        for case in (
            *elementwise.binary(Add, DType.INT8)(seed),
            *elementwise.binary(Sub, DType.INT8)(seed),
            *cases.sites("average_pool_s8", seed),
        )
    ]
    found += pools.whole_maps()
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in (*mve_arith.KERNELS, *mve_pool.KERNELS)
        if kernel.supports(site, MVE)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    functions = [job.kernel.lower(job.site).function for job in found]
    assert {*functions} == {
        "mw_add_affine_s8_mve",
        "mw_add_s8_mve",
        "mw_average_pool2d_s8_mve",
    }
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m55", compiler, optimisation=optimisation)


def test_cores_without_helium_are_refused() -> None:
    kernels = (*mve_arith.KERNELS, *mve_pool.KERNELS)
    assert not any(k.supports(job.site, DSP) for k in kernels for job in jobs())
