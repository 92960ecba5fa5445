# SPDX-License-Identifier: MIT
"""Every kernel is asked about every operator, whatever its own: each must answer."""

from __future__ import annotations

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Core, Site
from milliwatt.backend.mcu.lowering import all_kernels
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.activation import Relu
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Activation
from tests import cases

CORES = (Core(), Core(dsp=True), Core(dsp=True, mve=True), Core(swar=True))


def answers_of(site: Site, core: Core) -> list[str]:
    """Names of the kernels that compute the site; all are asked."""
    return [kernel.name for kernel in all_kernels() if kernel.supports(site, core)]


@pytest.mark.parametrize("family", cases.FAMILIES)
def test_a_site_of_any_operator(family: str) -> None:
    for site, _ in cases.sites(family)[:20]:
        for core in CORES:
            assert answers_of(site, core)


def test_numbers_without_dimensions() -> None:
    kind = TensorType((), DType.INT8, Quant.per_tensor(0.5, 0))
    for op, operands in ((Relu(Activation.RELU), 1), (Add(Activation.NONE), 2)):
        for constant in (None, np.array(3, np.int8)):
            site = Site(op, (kind,) * operands, (kind,), (None,) * (operands - 1) + (constant,))
            for core in CORES:
                assert answers_of(site, core)
