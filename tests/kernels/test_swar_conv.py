# SPDX-License-Identifier: MIT
"""Convolutions two pixels at a time equal the reference: under sanitizers, and emulated."""

from __future__ import annotations

import dataclasses
from functools import cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.swar import conv as swar_conv
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import every
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.swar import BEYOND_INT32, CORES, SWAR
from tests.kernels.symmetric import symmetric

POINTWISE = [*awkward.POINTWISE, Window((1, 7, 1, 8), 9, activation=Activation.RELU)]
WINDOWS = [*awkward.WINDOWS, Window((1, 9, 9, 4), 3, (3, 3), dilation=(2, 3), padding="same")]
NUMBERS = [*awkward.NUMBERS, BEYOND_INT32]


def with_small_weights(case: Case) -> Case:
    """The case with weights of -1..1, whose groups are long, and large ones here and there."""
    site, inputs = case
    weights = inputs[1] % 3 - 1
    large = np.arange(weights.size) % 97 < 3
    weights = np.where(large.reshape(weights.shape), inputs[1], weights).astype(np.int8)
    return dataclasses.replace(site, constants=(None, weights, inputs[2])), [
        inputs[0],
        weights,
        inputs[2],
    ]


def sites(windows: list[Window], numbers: list[Numbers] = NUMBERS) -> list[Case]:
    """Each shape with each number format, with large weights and with small ones."""
    made = every(linear.convolution, windows, numbers)
    return [*made, *(symmetric(c) for c in made[::4]), *(with_small_weights(c) for c in made[::2])]


jobs = partial(jobs_of, swar_conv.KERNELS, SWAR)
"""Each site with each of the kernels (or those named) that takes it."""


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    pointwise = jobs(sites(POINTWISE), "conv2d_1x1_s8_swar")
    windows = jobs(sites(WINDOWS), "conv2d_s8_swar")
    assert len(pointwise) >= 7 * len(POINTWISE)
    assert len(windows) >= 7 * (len(WINDOWS) - 1)
    found = pointwise + windows
    # clang takes twice as long with sanitizers.
    check_kernels(found if cc == "gcc" else found[::4], cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("conv2d_s8"))
    assert found
    check_kernels(found)


@cache
def emulated_sites() -> list[Case]:
    return sites(POINTWISE + WINDOWS, [*NUMBERS[:3], NUMBERS[-1]])


@pytest.mark.parametrize(("core", "compiler", "optimisation"), CORES)
def test_emulated(core: str, compiler: str, optimisation: str) -> None:
    found = jobs(emulated_sites())
    check_emulated(found, core, compiler, optimisation=optimisation)


def test_every_form_of_the_loop_is_tested() -> None:
    """Groups of each length, with weights in excess and without."""
    layers = [swar_conv.conv_layer(job.site) for job in jobs(sites(POINTWISE + WINDOWS))]
    groups = [swar_conv.best_grouped(layer.weights) for layer in layers if layer is not None]
    assert {(g.group, g.has_rest) for g in groups} >= {
        (4, False),
        (4, True),
        (8, False),
        (8, True),
        (16, False),
        (16, True),
    }


@settings(max_examples=15)
@given(data=st.data())
def test_any_shape(data: st.DataObject) -> None:
    found: list[Case] = []
    for seed in range(6):
        kernel = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
        pads = data.draw(st.tuples(*[st.integers(0, 3)] * 4))
        x = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 9)))
        if x[0] + pads[0] + pads[1] < kernel[0] or x[1] + pads[2] + pads[3] < kernel[1]:
            continue
        window = Window(
            (1, *x),
            data.draw(st.integers(1, 11)),
            kernel,
            stride=data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5))),
            padding=Padding(*pads),
        )
        numbers = data.draw(st.sampled_from(NUMBERS))
        found.append(linear.convolution(window, DType.INT8, numbers, seed))
    check_kernels(jobs(found), sanitize=False)


def test_other_cores_are_refused() -> None:
    site, _ = linear.convolution(POINTWISE[3], DType.INT8, PLAIN, 0)
    for core in (Core(), Core(dsp=True), Core(dsp=True, mve=True)):
        assert not any(k.supports(site, core) for k in swar_conv.KERNELS)


def test_what_would_not_be_exact_is_refused() -> None:
    weights_beyond_int8 = Numbers(w_zero=9, per_channel=False)
    site, _ = linear.convolution(POINTWISE[4], DType.INT8, weights_beyond_int8, 0)
    assert not any(k.supports(site, SWAR) for k in swar_conv.KERNELS)
