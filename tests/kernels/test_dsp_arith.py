# SPDX-License-Identifier: MIT
"""DSP sums and averages equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest

from milliwatt.backend.mcu.lowering.dsp import (
    arith as dsp_arith,
)
from milliwatt.backend.mcu.lowering.dsp import (
    pool as dsp_pool,
)
from milliwatt.backend.mcu.lowering.portable import affine_add
from milliwatt.backend.mcu.lowering.portable import arith as portable_arith
from milliwatt.ir.types import DType
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation
from milliwatt.ops.pool import AveragePool2D
from tests import cases
from tests.cases import elementwise, pools
from tests.cases.build import Case, case, tensor, values
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.support import needs_arm_gcc

KERNELS = (*affine_add.KERNELS, *dsp_arith.KERNELS, *dsp_pool.KERNELS)


@cache
def jobs() -> list[Job]:
    """Sums and differences of equal shapes, products and averages, in every number format."""
    found = pools.whole_maps()
    for seed in range(3):
        found += cases.sites("average_pool_s8", seed)
        for op in (Add, Sub, Mul):
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
    sums = {"add_s8_dsp", *(kernel.name for kernel in affine_add.KERNELS)}
    averages = {kernel.name for kernel in dsp_pool.KERNELS}
    assert {(job.kernel.name, type(job.site.op)) for job in found} == {
        *product(sums, (Add, Sub)),
        *product(averages, (AveragePool2D,)),
        ("mul_s8_dsp", Mul),
    }
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)


@pytest.mark.parametrize("ratio", [2.0**-9, 0.4, 0.5, 1.0, 3.3, 2.0**9])
def test_products_of_any_factor(ratio: float) -> None:
    made = products(ratio)
    found = [Job(dsp_arith.KERNELS[1], site, inputs) for site, inputs in made]
    assert all(job.kernel.supports(job.site, DSP) for job in found)
    check_kernels(found)


def products(ratio: float) -> list[Case]:
    """Each with that factor, operands of equal shapes and repeated ones."""
    rng = np.random.default_rng(7)
    shapes = ((1, 3, 5, 7), (1, 3, 5, 7)), ((1, 3, 5, 7), (1, 1, 1, 7)), ((2, 9), (1, 1))
    found: list[Case] = []
    for first, second in shapes:
        a, b = tensor(first, DType.INT8, 0.05, 3), tensor(second, DType.INT8, 0.02, -128)
        y = tensor(first, DType.INT8, 0.05 * 0.02 / ratio, -7)
        operands = [(kind, values(kind, rng)) for kind in (a, b)]
        found.append(case(Mul(Activation.NONE), operands, [y]))
    return found


def test_products_beyond_32_bits_are_refused() -> None:
    assert not any(kernel.supports(products(2.0**14)[0][0], DSP) for kernel in dsp_arith.KERNELS)


@needs_arm_gcc
@pytest.mark.emulator
def test_products_take_fewer_instructions() -> None:
    made = [case for ratio in (0.01, 2.0) for case in products(ratio)[:2]]
    ours, theirs = (
        check_emulated([Job(k, *case) for case in made], "cortex-m4", "gcc").instructions
        for k in (dsp_arith.KERNELS[1], _PORTABLE)
    )
    assert sum(ours) < sum(theirs) * 0.7


_PORTABLE = next(kernel for kernel in portable_arith.KERNELS if kernel.name == "mul_s8")
