# SPDX-License-Identifier: MIT
"""Depthwise convolutions for cores without packed multiplication: on the host, and emulated."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering import swar_depthwise
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests import cases
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.swar import CORES, SWAR

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
    Window((1, 15, 1, 3), 3, (15, 1)),
    Window((1, 2, 2, 3), 3, (5, 4), padding=Padding(3, 2, 3, 1)),
    Window((1, 8, 6, 2), 2, (2, 3), stride=(1, 2), padding=Padding(0, 1, 2, 0)),
    Window((1, 1, 17, 2), 2, (1, 7), padding="same"),
    Window((1, 7, 9, 2), 2, (1, 2), stride=(3, 4), padding=Padding(2, 3, 1, 1)),
    Window((1, 9, 6, 2), 4, (4, 3), stride=(1, 3)),
    Window((1, 8, 8, 2), 6, (3, 2), dilation=(2, 2), padding="same"),
    Window((1, 11, 9, 2), 2, (3, 3), stride=(2, 3), dilation=(3, 2), padding="same"),
    Window((1, 1, 1, 3), 3, (3, 3), padding="same"),
    Window((1, 10, 11, 3), 3, (7, 7), stride=(2, 2), padding="same"),
]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=2.0),
    # Scales that only the reference's own arithmetic follows.
    Numbers(x_zero=1, y_zero=2, gain=1e5),
]


def sites() -> list[Case]:
    return [
        linear.depthwise(shape, DType.INT8, numbers, 100 * i + j)
        for i, shape in enumerate(SHAPES)
        for j, numbers in enumerate(NUMBERS)
    ]


def jobs(found: list[Case]) -> list[Job]:
    """Each site with each kernel that takes it."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in swar_depthwise.KERNELS
        if kernel.supports(site, SWAR)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs(sites())
    assert len(found) >= 2 * len(SHAPES) * len(NUMBERS) - 10
    # clang takes three times as long with sanitizers.
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
