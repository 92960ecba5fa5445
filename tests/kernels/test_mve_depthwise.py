# SPDX-License-Identifier: MIT
"""Helium depthwise convolutions equal the reference: under sanitizers, and on QEMU."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Lit
from milliwatt.backend.mcu.lowering.mve import depthwise as mve_depthwise
from milliwatt.backend.mcu.lowering.mve.layout import ANY, PLAIN, RELU, RELU_CLAMPED
from milliwatt.backend.mcu.lowering.mve.once import ONCE
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import DepthwiseConv2D
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import every
from tests.cases.build import Case, case, tensor, values
from tests.cases.linear import Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.mve import CORTEX_M55, MVE
from tests.kernels.symmetric import symmetric

WINDOWS = [
    Window((1, 1, 1, 1), 1),
    Window((1, 5, 4, 3), 3, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 9, 5, 14), 14, (3, 3), padding="same"),
    Window((1, 6, 6, 8), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 7, 5, 16), 16, (3, 3), stride=(1, 2), padding="same"),
    Window((1, 6, 7, 32), 32, (3, 3)),
    Window((1, 5, 4, 8), 8, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 5, 8, 6), 6, (3, 3), padding="same"),
    Window((1, 4, 18, 3), 3, (3, 3)),
    Window((1, 9, 9, 16), 16, (4, 3), stride=(2, 2)),
    Window((1, 3, 3, 51), 51, (5, 5), padding="same"),
    Window((1, 8, 8, 2), 2, (3, 2), dilation=(2, 2), padding="same"),
    Window((1, 8, 8, 16), 16, (3, 2), dilation=(2, 2)),
    Window((1, 25, 5, 12), 12, (25, 5)),
    Window((1, 2, 2, 3), 3, (5, 4), padding=Padding(3, 2, 3, 1)),
    Window((1, 12, 1, 48), 48, (5, 1)),
    Window((1, 12, 1, 20), 20, (9, 1), activation=Activation.RELU),
    Window((1, 7, 7, 24), 24, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU),
    Window((1, 7, 9, 2), 2, (1, 2), stride=(3, 4), padding=Padding(2, 3, 1, 1)),
    Window((1, 9, 3, 138), 138, (2, 2), stride=(3, 1), padding=Padding(1, 0, 1, 1)),
]
NUMBERS = awkward.NUMBERS[:4]


SMALLER = 10
"""By what weights are divided where sums should fit 16 bits, or nearly so."""


def smaller(case: Case) -> Case:
    """The case with weights of few bits."""
    site, inputs = case
    few = (inputs[1] // SMALLER).astype(np.int8)
    constants = (None, few, site.constants[2])
    return replace(site, constants=constants), [inputs[0], few, inputs[2]]


@cache
def sites() -> list[Case]:
    """Each shape with each number format, without weights of -128; some with few bits as well."""
    found = [symmetric(case) for case in every(linear.depthwise, WINDOWS, NUMBERS)]
    return (
        found
        + [smaller(case) for case in found[::3]]
        + [smaller(smaller(case)) for case in found[::7]]
    )


def coarse_outputs(y_zero: int) -> Case:
    """A layer whose sums some channels shift to the left, some not at all, some to the right."""
    rng = np.random.default_rng(3)
    channels = 20
    scales = tuple((0.3, 0.7, 1.3, 5.2)[i % 4] for i in range(channels))
    weights = TensorType((1, 3, 3, channels), DType.INT8, Quant(scales, (0,) * channels, 3))
    bias = TensorType((channels,), DType.INT32)
    x, y = (tensor((1, 5, 5, channels), DType.INT8, 1.0, zero) for zero in (3, y_zero))
    operands = [
        (x, values(x, rng)),
        (weights, rng.integers(-3, 4, weights.shape).astype(np.int8)),
        (bias, rng.integers(-50, 51, channels).astype(np.int32)),
    ]
    op = DepthwiseConv2D((1, 1), (1, 1), Padding(1, 1, 1, 1), Activation.NONE)
    return case(op, operands, [y], constant=(1, 2))


jobs = partial(jobs_of, mve_depthwise.KERNELS, MVE)
"""Each site with each of the kernels (or those named) that takes it."""


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert {job.kernel.name for job in found} == {k.name for k in mve_depthwise.KERNELS}
    assert len(found) >= 3 * len(WINDOWS)
    ends = {tuple(a.value for a in job.kernel.lower(job.site).args[-2:]) for job in found}
    assert {taps for taps, _ in ends} == set(range(6))
    assert {form for _, form in ends} == {PLAIN, RELU, RELU_CLAMPED, ONCE}
    check_kernels(found, cc=cc)


def test_left_shifts_go_into_the_weights() -> None:
    """A shift of 0 that is left is exact where no negative number is seen."""
    found = jobs([coarse_outputs(-128), coarse_outputs(0)])
    ends = [job.kernel.lower(job.site).args[-1] for job in found]
    assert [end.value for end in ends if isinstance(end, Lit)] == [RELU, ANY]
    check_kernels(found)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("depthwise_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    found = jobs([*sites(), coarse_outputs(-128), coarse_outputs(0)])
    check_emulated(found, "cortex-m55", compiler, optimisation=optimisation)


def test_cores_without_helium_are_refused() -> None:
    site, _ = sites()[20]
    assert not any(k.supports(site, DSP) for k in mve_depthwise.KERNELS)
