# SPDX-License-Identifier: MIT
"""Depthwise convolutions for cores without packed multiplication: on the host, and emulated."""

from __future__ import annotations

from functools import cache, partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.swar import depthwise as swar_depthwise
from milliwatt.ir.types import DType
from milliwatt.ops.base import Padding
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import every
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import check_kernels, jobs_of
from tests.kernels.swar import BEYOND_INT32, CORES, SWAR

SHAPES = [
    *awkward.DEPTHWISE,
    Window((1, 7, 9, 2), 2, (1, 2), stride=(3, 4), padding=Padding(2, 3, 1, 1)),
    Window((1, 8, 8, 2), 6, (3, 2), dilation=(2, 2), padding="same"),
    Window((1, 11, 9, 2), 2, (3, 3), stride=(2, 3), dilation=(3, 2), padding="same"),
]
NUMBERS = [
    *awkward.NUMBERS[:2],
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=2.0),
    BEYOND_INT32,
]


@cache
def sites() -> list[Case]:
    return every(linear.depthwise, SHAPES, NUMBERS)


jobs = partial(jobs_of, swar_depthwise.KERNELS, SWAR)
"""Each site with each of the kernels (or those named) that takes it."""


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= 2 * len(SHAPES) * len(NUMBERS) - 10
    # clang takes twice as long with sanitizers.
    check_kernels(found if cc == "gcc" else found[::4], cc=cc)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("depthwise_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("core", "compiler", "optimisation"), CORES)
def test_emulated(core: str, compiler: str, optimisation: str) -> None:
    check_emulated(jobs(sites()), core, compiler, optimisation=optimisation)


@settings(max_examples=15)
@given(data=st.data())
def test_any_shape(data: st.DataObject) -> None:
    found: list[Case] = []
    for seed in range(6):
        kernel = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 4)))
        pads = data.draw(st.tuples(*[st.integers(0, 3)] * 4))
        x = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)))
        dilation = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
        if (
            x[0] + pads[0] + pads[1] <= (kernel[0] - 1) * dilation[0]
            or x[1] + pads[2] + pads[3] <= (kernel[1] - 1) * dilation[1]
        ):
            continue
        window = Window(
            (1, *x),
            x[2] * data.draw(st.integers(1, 2)),
            kernel,
            stride=data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4))),
            dilation=dilation,
            padding=Padding(*pads),
        )
        numbers = data.draw(st.sampled_from(NUMBERS))
        found.append(linear.depthwise(window, DType.INT8, numbers, seed))
    check_kernels(jobs(found), sanitize=False)


def test_other_cores_are_refused() -> None:
    site, _ = linear.depthwise(SHAPES[2], DType.INT8, PLAIN, 0)
    for core in (Core(), Core(dsp=True), Core(dsp=True, mve=True)):
        assert not any(k.supports(site, core) for k in swar_depthwise.KERNELS)
