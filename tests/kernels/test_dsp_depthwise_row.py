# SPDX-License-Identifier: MIT
"""Depthwise convolution of one row equals the reference: under sanitizers, on emulated cores."""

from __future__ import annotations

from functools import cache

import pytest

from milliwatt.backend.mcu.lowering.dsp import depthwise_row as dsp_depthwise_row
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels

KERNELS = dsp_depthwise_row.KERNELS
NUMBERS = [PLAIN, Numbers(x_zero=5, y_zero=-128), Numbers(x_zero=127, y_zero=127, gain=0.3)]
RELU = Activation.RELU
ROWS = [
    Window((1, 3, 48, 8), 8, (3, 3), padding=Padding(0, 0, 1, 1), activation=RELU),
    Window((1, 2, 24, 5), 5, (3, 3), padding=Padding(1, 0, 1, 1), activation=Activation.RELU6),
    Window((1, 2, 9, 4), 4, (3, 3), padding=Padding(0, 1, 1, 1)),
    Window((1, 1, 5, 3), 3, (3, 3), padding=Padding(1, 1, 2, 0)),
    Window((1, 1, 4, 2), 2, (3, 3), padding=Padding(2, 0, 0, 3)),
    Window((1, 3, 7, 6), 6, (3, 3), activation=RELU),
    Window((1, 3, 24, 16), 16, (3, 3), stride=(2, 2), padding=Padding(0, 0, 0, 1)),
    Window((1, 2, 11, 3), 3, (3, 3), stride=(2, 2), padding=Padding(1, 0, 1, 1), activation=RELU),
    Window((1, 3, 1, 1), 1, (3, 3), padding=Padding(0, 0, 1, 1)),
    Window((1, 3, 131, 3), 3, (3, 3), padding=Padding(0, 0, 1, 0)),
    Window((1, 3, 58, 5), 5, (3, 3), padding=Padding(0, 0, 0, 2)),
    Window((1, 2, 63, 2), 2, (3, 3), padding=Padding(1, 0, 2, 2)),
    Window((1, 3, 97, 3), 3, (3, 3), stride=(2, 2), padding=Padding(0, 0, 1, 1)),
    Window((1, 2, 74, 4), 4, (3, 3), stride=(2, 2), padding=Padding(0, 1, 0, 1), activation=RELU),
]


@cache
def jobs() -> list[Job]:
    made = [
        linear.depthwise(shape, DType.INT8, numbers, 10 * i + j)
        for i, shape in enumerate(ROWS)
        for j, numbers in enumerate(NUMBERS)
    ]
    return [
        Job(kernel, site, inputs)
        for site, inputs in made
        for kernel in KERNELS
        if kernel.supports(site, DSP)
    ]


def test_takes_single_rows_only() -> None:
    assert len(jobs()) == len(NUMBERS) * (2 * len(ROWS) - 1)
    two = linear.depthwise(Window((1, 4, 5, 3), 3, (3, 3)), DType.INT8, PLAIN, 1)[0]
    assert not any(kernel.supports(two, DSP) for kernel in KERNELS)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    check_kernels(jobs(), cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)
