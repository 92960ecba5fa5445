# SPDX-License-Identifier: MIT
"""DSP depthwise convolutions equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milliwatt.backend.mcu.kernel import Lit
from milliwatt.backend.mcu.lowering import dsp_depthwise, dsp_depthwise_words
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels

SHAPES = [
    Window((1, 1, 1, 1), 1),
    Window((1, 5, 4, 3), 3, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 25, 5, 14), 14, (3, 3), padding="same"),
    Window((1, 6, 6, 8), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 7, 9, 5), 5, (3, 3), stride=(2, 2), padding="same"),
    Window((1, 5, 5, 4), 8, (3, 3)),
    Window((1, 9, 9, 1), 5, (4, 3), stride=(2, 2), padding="same"),
    Window((1, 3, 3, 51), 51, (5, 5), padding="same"),
    Window((1, 3, 3, 138), 138, (3, 3), padding="same"),
    Window((1, 12, 1, 6), 6, (5, 1)),
    Window((1, 30, 1, 4), 4, (10, 1)),
    Window((1, 15, 1, 3), 3, (15, 1)),
    Window((1, 2, 2, 3), 3, (5, 4), padding=Padding(3, 2, 3, 1)),
    Window((1, 8, 6, 2), 2, (2, 3), stride=(1, 2), padding=Padding(0, 1, 2, 0)),
    Window((1, 1, 17, 2), 2, (1, 7), padding="same"),
    Window((1, 6, 9, 2), 2, (3, 4), stride=(3, 1)),
    Window((1, 9, 6, 2), 4, (4, 3), stride=(1, 3)),
    Window((1, 1, 1, 3), 3, (3, 3), padding="same"),
    Window((1, 10, 11, 3), 3, (7, 7), stride=(2, 2), padding="same"),
    Window((1, 15, 1, 130), 130, (15, 1)),
    Window((1, 4, 5, 7), 7, (4, 5), activation=Activation.RELU),
    Window((1, 7, 5, 12), 12, (6, 4), stride=(1, 1), activation=Activation.RELU6),
    Window((1, 9, 8, 6), 6, (5, 7), stride=(4, 1)),
    # Outputs that lie behind the image, gathered by columns.
    Window((1, 1, 4, 5), 5, (2, 4), padding=Padding(1, 3, 2, 2)),
    Window((1, 2, 6, 5), 5, (2, 3), padding=Padding(3, 1, 0, 3)),
]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=2.0),
]


KERNELS = (*dsp_depthwise_words.KERNELS, *dsp_depthwise.KERNELS)


def sites() -> list[Case]:
    return [
        linear.depthwise(shape, DType.INT8, numbers, 100 * i + j)
        for i, shape in enumerate(SHAPES)
        for j, numbers in enumerate(NUMBERS)
    ]


def jobs(found: list[Case]) -> list[Job]:
    """Each site with each DSP kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= len(SHAPES) * len(NUMBERS) - 3
    assert {job.kernel.name for job in found} == {kernel.name for kernel in KERNELS}
    check_kernels(found, cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("depthwise_s8"))
    assert found
    check_kernels(found)


def with_a_large_bias(found: Case) -> Case:
    """The site with a bias of 2**26 in the first channel, and a scale there that suits it."""
    site, values = found
    weights = site.inputs[1]
    quant = weights.quant
    assert quant is not None
    bias = values[2].copy()
    bias[0] = 1 << 26
    weights = replace(
        weights, quant=replace(quant, scale=(quant.scale[0] / 4096, *quant.scale[1:]))
    )
    return replace(
        site,
        inputs=(site.inputs[0], weights, site.inputs[2]),
        constants=(*site.constants[:2], bias),
    ), [*values[:2], bias]


def test_biases_that_leave_no_room_for_a_shift() -> None:
    shapes = [w for w in SHAPES if w.activation is Activation.NONE and w.out > 1]
    numbers = Numbers(x_zero=5, y_zero=-3)
    found = [with_a_large_bias(linear.depthwise(w, DType.INT8, numbers, 7)) for w in shapes]
    large = jobs(found)
    forms = [job.kernel.lower(job.site).args[-1] for job in large]
    assert forms.count(Lit(dsp_depthwise.TWICE_WIDE)) > 8
    check_kernels(large)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(sites()), "cortex-m4", compiler, optimisation=optimisation)
