# SPDX-License-Identifier: MIT
"""DSP depthwise convolutions equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from milliwatt.backend.mcu.kernel import Lit
from milliwatt.backend.mcu.lowering import dsp_depthwise, dsp_depthwise_words
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import every
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of

SHAPES = [
    *awkward.DEPTHWISE,
    Window((1, 30, 1, 4), 4, (10, 1)),
    Window((1, 6, 9, 2), 2, (3, 4), stride=(3, 1)),
    Window((1, 15, 1, 130), 130, (15, 1)),
    Window((1, 4, 5, 7), 7, (4, 5), activation=Activation.RELU),
    Window((1, 7, 5, 12), 12, (6, 4), stride=(1, 1), activation=Activation.RELU6),
    Window((1, 9, 8, 6), 6, (5, 7), stride=(4, 1)),
    # Outputs that lie behind the image, gathered by columns.
    Window((1, 1, 4, 5), 5, (2, 4), padding=Padding(1, 3, 2, 2)),
    Window((1, 2, 6, 5), 5, (2, 3), padding=Padding(3, 1, 0, 3)),
]
NUMBERS = [*awkward.NUMBERS[:2], Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=2.0)]
KERNELS = (*dsp_depthwise_words.KERNELS, *dsp_depthwise.KERNELS)


def sites() -> list[Case]:
    return every(linear.depthwise, SHAPES, NUMBERS)


jobs = partial(jobs_of, KERNELS, DSP)
"""Each site with each of the kernels (or those named) that takes it."""


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
