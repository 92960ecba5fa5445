# SPDX-License-Identifier: MIT
"""The small forms of the DSP kernels equal the reference: under sanitizers, on emulated cores."""

from __future__ import annotations

from functools import cache

import pytest

from milliwatt.backend.mcu.lowering.dsp import brief as dsp_brief
from milliwatt.backend.mcu.lowering.dsp import small as dsp_small
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.symmetric import symmetric

RELU = Activation.RELU
NUMBERS = [PLAIN, Numbers(x_zero=5, y_zero=-128), Numbers(x_zero=127, y_zero=127, gain=0.3)]
DEPTHWISE = [
    Window((1, 5, 4, 3), 3, (3, 3), padding="same", activation=RELU),
    Window((1, 6, 6, 8), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 7, 9, 5), 5, (3, 3), stride=(2, 2), padding="same", activation=RELU),
    Window((1, 25, 5, 16), 16, (3, 3), padding="same", activation=RELU),
    Window((1, 5, 5, 4), 8, (3, 3)),
]


KERNELS = (*dsp_small.KERNELS, *dsp_brief.KERNELS)
CONVOLUTIONS = [
    Window((1, 1, 1, 14), 9),
    Window((1, 1, 3, 2), 4, activation=RELU),
    Window((1, 1, 4, 3), 5, (1, 2), padding="valid", activation=RELU),
    Window((1, 2, 2, 14), 3),
    Window((1, 3, 3, 51), 51, activation=RELU),
    Window((1, 5, 5, 138), 7),
    Window((2, 3, 3, 6), 6),
    Window((1, 3, 6, 16), 10, activation=Activation.RELU6),
    Window((1, 7, 5, 3), 4, (3, 3), padding="same", activation=RELU),
    Window((1, 8, 8, 3), 8, (3, 3), stride=(2, 2), padding="same"),
    Window((1, 9, 7, 1), 5, (5, 4), stride=(2, 2), padding="same"),
    Window((1, 2, 2, 5), 3, (5, 5), padding=Padding(3, 2, 2, 4)),
    Window((1, 9, 10, 3), 3, (2, 3), stride=(4, 5)),
]


@cache
def sites() -> list[Case]:
    """Each shape with each number format, with weights of -128 and without."""
    made = [
        make(shape, DType.INT8, numbers, 100 * i + j)
        for make, shapes in ((linear.depthwise, DEPTHWISE), (linear.convolution, CONVOLUTIONS))
        for i, shape in enumerate(shapes)
        for j, numbers in enumerate(NUMBERS)
    ]
    return [*made, *(symmetric(case) for case in made[len(DEPTHWISE) * len(NUMBERS) :])]


@cache
def jobs() -> list[Job]:
    """Each site with each small kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in sites()
        for kernel in KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel.name for job in found} == {kernel.name for kernel in KERNELS}
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)


@pytest.mark.parametrize("w_zero", [-9, -1, 1, 9])
def test_weights_beyond_int8_are_refused(w_zero: int) -> None:
    """Less their zero point; packed, one too large shows in the other channel alone."""
    kind = Numbers(w_zero=w_zero, per_channel=False, gain=0.3)
    for shape in (Window((1, 3, 3, 51), 51, activation=RELU), CONVOLUTIONS[8]):
        site, _ = linear.convolution(shape, DType.INT8, kind, 0)
        assert not any(kernel.supports(site, DSP) for kernel in KERNELS)
