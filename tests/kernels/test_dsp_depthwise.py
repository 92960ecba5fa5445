# SPDX-License-Identifier: MIT
"""DSP depthwise convolutions equal the reference: under sanitizers, and on emulated cores."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Lit, Site
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise as dsp_depthwise,
)
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise_words as dsp_depthwise_words,
)
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation, Padding
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import every
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels, jobs_of

SHAPES = [
    *awkward.DEPTHWISE,
    Window((1, 30, 1, 4), 4, (10, 1)),
    Window((1, 6, 9, 2), 2, (3, 4), stride=(3, 1)),
    Window((1, 15, 1, 130), 130, (15, 1)),
    Window((1, 24, 1, 5), 5, (18, 1)),  # more pairs of taps than there is straight-line code for
    Window((1, 4, 5, 7), 7, (4, 5), activation=Activation.RELU),
    Window((1, 7, 5, 12), 12, (6, 4), stride=(1, 1), activation=Activation.RELU6),
    Window((1, 9, 8, 6), 6, (5, 7), stride=(4, 1)),
    # Outputs that lie behind the image, gathered by columns.
    Window((1, 1, 4, 5), 5, (2, 4), padding=Padding(1, 3, 2, 2)),
    Window((1, 2, 6, 5), 5, (2, 3), padding=Padding(3, 1, 0, 3)),
]
NUMBERS = [*awkward.NUMBERS[:2], Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=2.0)]
KERNELS = (*dsp_depthwise_words.KERNELS, *dsp_depthwise.KERNELS)


@cache
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


def with_large_factors() -> list[Case]:
    """Sites whose channels' factors lie on both sides of 1/2, and whose outputs are limited."""
    shapes = [replace(w, activation=Activation.RELU) for w in SHAPES]
    made = [linear.depthwise(w, DType.INT8, Numbers(x_zero=3), i) for i, w in enumerate(shapes)]
    return [_with_factors(site, values) for site, values in made]


def _with_factors(site: Site, values: list[Array]) -> Case:
    """The site with its channels' factors 3/4, 3/32, 3/2 and so on, and small biases."""
    x, weights, bias = site.inputs
    y = site.outputs[0]
    assert x.quant is not None
    assert y.quant is not None
    unit = y.quant.scale[0] / x.quant.scale[0]
    factors = (0.75, 0.09375, 1.5)
    channels = weights.shape[3]
    scales = tuple(float(np.float32(unit * factors[c % 3])) for c in range(channels))
    assert weights.quant is not None
    quant = replace(weights.quant, scale=scales, zero_point=(0,) * channels, axis=3)
    small = np.clip(values[2], -99, 99)
    found = replace(
        site,
        inputs=(x, replace(weights, quant=quant), bias),
        constants=(*site.constants[:2], small),
    )
    return found, [*values[:2], small]


def test_large_factors() -> None:
    large = jobs(with_large_factors())
    forms = {job.kernel.lower(job.site).args[-1] for job in large}
    assert forms == {Lit(dsp_depthwise.ONCE_LARGE)}
    assert len(large) > len(SHAPES)
    check_kernels(large)


def test_large_factors_without_one_rounding_have_general_kernels() -> None:
    shape = Window((1, 6, 5, 4), 4, (3, 3))
    plain = linear.depthwise(shape, DType.INT8, Numbers(x_zero=3, y_zero=3), 1)
    site, inputs = _with_factors(*plain)
    found = [Job(kernel, site, inputs) for kernel in KERNELS if kernel.supports(site, DSP)]
    names = {job.kernel.name for job in found}
    assert names == {"depthwise_words_s8_dsp", "depthwise_conv2d_s8_dsp"}
    assert {job.kernel.lower(site).args[-1] for job in found} == {Lit(dsp_depthwise.COARSE)}
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    found = [*sites(), *with_large_factors()]
    check_emulated(jobs(found), "cortex-m4", compiler, optimisation=optimisation)
