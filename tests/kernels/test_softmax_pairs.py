# SPDX-License-Identifier: MIT
"""Softmax of two elements equals the reference at every pair."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.portable import activation
from milliwatt.ir.types import DType
from milliwatt.ops.activation import Softmax
from tests.cases.build import Case, case, tensor
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.support import needs_arm_gcc

(KERNEL,) = (k for k in activation.KERNELS if k.name == "softmax_pairs_s8")


def every_pair(scale: float, zero_point: int) -> Case:
    values = np.arange(-128, 128, dtype=np.int8)
    pairs = np.stack(np.meshgrid(values, values), axis=-1).reshape(-1, 2)
    x = tensor(pairs.shape, DType.INT8, scale, zero_point)
    y = tensor(pairs.shape, DType.INT8, 1 / 256, -128)
    return case(Softmax(1.0), [(x, pairs)], [y])


@cache
def jobs() -> list[Job]:
    sites = [every_pair(scale, zero) for scale, zero in ((0.01, 3), (0.09, -128), (2.0, 127))]
    return [Job(KERNEL, site, values) for site, values in sites]


def test_rows_of_two_alone() -> None:
    site = every_pair(0.1, 0)[0]
    assert KERNEL.supports(site, Core())
    x, y = (tensor((5, 3), DType.INT8, scale, -128) for scale in (0.1, 1 / 256))
    three = case(Softmax(1.0), [(x, np.zeros((5, 3), np.int8))], [y])[0]
    assert not KERNEL.supports(three, Core())


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    assert check_kernels(jobs(), cc=cc) >= 3


@needs_arm_gcc
@pytest.mark.emulator
def test_cortex_m4() -> None:
    check_emulated(jobs()[:1], "cortex-m4", "gcc")
