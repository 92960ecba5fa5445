# SPDX-License-Identifier: MIT
"""DSP sums and averages equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

from itertools import product

import pytest

from milliwatt.backend.mcu.lowering.dsp import (
    arith as dsp_arith,
)
from milliwatt.backend.mcu.lowering.dsp import (
    pool as dsp_pool,
)
from milliwatt.backend.mcu.lowering.portable import affine_add
from milliwatt.ir.types import DType
from milliwatt.ops.arith import Add, Sub
from milliwatt.ops.pool import AveragePool2D
from tests import cases
from tests.cases import elementwise, pools
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels

KERNELS = (*affine_add.KERNELS, *dsp_arith.KERNELS, *dsp_pool.KERNELS)


def jobs() -> list[Job]:
    """Every sum and difference of equal shapes and every average, in every number format."""
    found = pools.whole_maps()
    for seed in range(3):
        found += cases.sites("average_pool_s8", seed)
        for op in (Add, Sub):
            found += elementwise.binary(op, DType.INT8)(seed)
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    sums = {kernel.name for kernel in (*affine_add.KERNELS, *dsp_arith.KERNELS)}
    averages = {kernel.name for kernel in dsp_pool.KERNELS}
    assert {(job.kernel.name, type(job.site.op)) for job in found} == {
        *product(sums, (Add, Sub)),
        *product(averages, (AveragePool2D,)),
    }
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)
