# SPDX-License-Identifier: MIT
"""DSP sums equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.lowering import dsp_arith
from milliwatt.ir.types import DType
from milliwatt.ops.arith import Add, Sub
from tests.cases import elementwise
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels


def jobs() -> list[Job]:
    """Every sum and difference of equal shapes in every number format."""
    found = [
        case
        for seed in range(3)
        for op in (Add, Sub)
        for case in elementwise.binary(op, DType.INT8)(seed)
    ]
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in dsp_arith.KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {type(job.site.op) for job in found} == {Add, Sub}
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)
