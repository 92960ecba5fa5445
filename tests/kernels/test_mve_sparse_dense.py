# SPDX-License-Identifier: MIT
"""Helium's sparse fully connected layers equal the reference, and pay where blocks are zero."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Lit
from milliwatt.backend.mcu.lowering.mve import (
    dense as mve_dense,
)
from milliwatt.backend.mcu.lowering.mve import (
    sparse_dense as mve_sparse_dense,
)
from milliwatt.backend.mcu.lowering.mve.layout import ANY, PLAIN, RELU, RELU_CLAMPED
from milliwatt.ir.types import DType
from tests.cases import linear
from tests.cases.linear import Numbers
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE
from tests.kernels.pruned import blocks, pruned, unstructured
from tests.support import needs_arm_gcc, needs_qemu

(KERNEL,) = mve_sparse_dense.KERNELS
SIZES = [(1, 16, 12), (2, 32, 7), (1, 640, 13), (3, 64, 8), (1, 48, 10), (2, 144, 10)]
PRUNES = [blocks(0.4, 8, 16), blocks(0.2, 1, 16), blocks(0.0, 1, 1), unstructured(1.0)]
FORMATS = [
    Numbers(),
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False),
    Numbers(x_zero=3, y_zero=-7, gain=3000.0),
]


@cache
def jobs() -> list[Job]:
    """Each shape pruned in each way, whether that pays or not."""
    found: list[Job] = []
    for i, size in enumerate(SIZES):
        for j, prune in enumerate(PRUNES):
            for k, numbers in enumerate(FORMATS):
                case = linear.dense(size, DType.INT8, numbers, 100 * i + 10 * j + k)
                site, inputs = pruned(case, prune, i)
                if mve_sparse_dense.accepts(site):
                    found.append(Job(KERNEL, site, inputs))
    return found


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert len(found) > 3 * len(SIZES) * len(PRUNES) // 2
    check_kernels(found, cc=cc)


def test_every_form_is_among_the_sites() -> None:
    ends = [job.kernel.lower(job.site).args[-1] for job in jobs()]
    assert {e.value for e in ends if isinstance(e, Lit)} == {PLAIN, RELU, RELU_CLAMPED, ANY}


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m55", compiler, optimisation=optimisation)


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
def test_taken_where_it_pays() -> None:
    case = linear.dense((1, 640, 128), DType.INT8, Numbers(), 0)
    scattered, _ = pruned(case, unstructured(0.2))
    assert not KERNEL.supports(scattered, MVE)
    site, inputs = pruned(case, blocks(0.5, 8, 16))
    assert KERNEL.supports(site, MVE)
    found = [Job(kernel, site, inputs) for kernel in (KERNEL, mve_dense.KERNELS[0])]
    sparse, usual = check_emulated(found, "cortex-m55", "gcc").instructions
    assert sparse < 0.65 * usual


def test_only_blocks_that_hold_weights_are_stored() -> None:
    case = linear.dense((1, 64, 16), DType.INT8, Numbers(), 0)
    weights = np.zeros((16, 64), np.int64)
    weights[3, 17] = weights[9, 0] = weights[15, 63] = 1
    assert [list(places) for places in mve_sparse_dense.kept_blocks(weights)] == [[1], [0, 3]]
    site, _ = pruned(case, lambda w, _: np.where(weights, w, 0))
    table = KERNEL.lower(site).tables[0]
    assert table.data.nbytes == 2 * (4 + 32) + 3 * (4 + 128)


def test_cores_without_helium_are_refused() -> None:
    assert not any(KERNEL.supports(job.site, DSP) for job in jobs()[:8])
