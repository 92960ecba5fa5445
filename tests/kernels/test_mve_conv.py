# SPDX-License-Identifier: MIT
"""Helium convolutions equal the reference: in plain C under sanitizers, and on QEMU."""

from __future__ import annotations

from functools import partial

import pytest

from milliwatt.backend.mcu.kernel import Lowered
from milliwatt.backend.mcu.lowering.mve import conv as mve_conv
from milliwatt.backend.mcu.lowering.mve import layout
from milliwatt.backend.mcu.lowering.mve.once import ONCE
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests import cases
from tests.cases import awkward, linear
from tests.cases.awkward import NUMBERS, every
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels, jobs_of
from tests.kernels.mve import CORTEX_M55, MVE

POINTWISE = [
    *awkward.POINTWISE,
    Window((1, 2, 3, 32), 8, activation=Activation.RELU),
    Window((1, 2, 3, 48), 12),
    Window((1, 2, 3, 64), 4),
    Window((1, 3, 3, 35), 6, activation=Activation.RELU),
    Window((1, 2, 3, 21), 7, activation=Activation.RELU),
    Window((1, 1, 3, 80), 5),
    Window((1, 1, 2, 96), 4),
]
WINDOWS = [
    *awkward.WINDOWS,
    Window((1, 4, 4, 16), 8, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 9, 11, 1), 5, (3, 3), padding="same"),
    Window((1, 12, 5, 1), 7, (10, 4), stride=(2, 2), padding="same", activation=Activation.RELU),
    Window((1, 6, 7, 5), 9, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 7, 5, 4), 6, (3, 3), activation=Activation.RELU),
    Window((1, 7, 11, 16), 5, (3, 3), padding="same"),
    Window((1, 5, 12, 3), 8, (3, 3), stride=(2, 2), padding="same"),
    Window((1, 4, 9, 6), 3, (2, 3), stride=(1, 2)),
]
ONE_CHANNEL = [
    Window((1, 9, 7, 1), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 6, 5, 1), 3, (5, 4), padding="same"),
    Window((1, 20, 1, 1), 1, (10, 1), stride=(2, 1)),
]


PLAIN_FORM = layout.PLAIN
FEW = ("mw_conv2d_1x1_few_s8_mve", "mw_conv2d_few_s8_mve")


def ends(calls: list[Lowered]) -> set[tuple[object, ...]]:
    """Vectors and form of those with the loops for few inputs."""
    few = [call for call in calls if call.function in FEW]
    return {tuple(getattr(arg, "value", 0) for arg in call.args[-2:]) for call in few}


def sites(windows: list[Window]) -> list[Case]:
    """Each shape with each number format."""
    return every(linear.convolution, windows, NUMBERS)


def one_channel_sites() -> list[Case]:
    """Depthwise convolutions of a single channel."""
    return every(linear.depthwise, ONE_CHANNEL, NUMBERS)


jobs = partial(jobs_of, mve_conv.KERNELS, MVE)
"""Each site with each of the kernels (or those named) that takes it."""


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    pointwise = jobs(sites(POINTWISE), "conv2d_1x1_s8_mve")
    windows = jobs(sites(WINDOWS), "conv2d_s8_mve")
    assert len(pointwise) >= 4 * len(POINTWISE)
    assert len(windows) >= 4 * len(WINDOWS)
    one_channel = jobs(one_channel_sites())
    assert len(one_channel) >= 3 * len(ONE_CHANNEL)
    calls = [job.kernel.lower(job.site) for job in pointwise + windows]
    assert ends(calls) >= {(vectors, form) for vectors in (1, 2, 3) for form in (PLAIN_FORM, ONCE)}
    check_kernels(pointwise + windows + one_channel, cc=cc)


@pytest.fixture
def twice(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Layers of few inputs with a RELU, as if none could be rounded once."""
    monkeypatch.setattr(mve_conv, "once_folded", lambda *_: None)
    shapes = [window for window in POINTWISE + WINDOWS if window.activation is Activation.RELU]
    found = [job for job in jobs(sites(shapes)) if job.kernel.lower(job.site).function in FEW]
    calls = [job.kernel.lower(job.site) for job in found]
    assert ends(calls) >= {(vectors, layout.RELU) for vectors in (1, 2, 3)}
    return found


def test_host_where_few_inputs_are_rounded_twice(twice: list[Job]) -> None:
    check_kernels(twice)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55_where_few_inputs_are_rounded_twice(
    twice: list[Job], compiler: str, optimisation: str
) -> None:
    check_emulated(twice, "cortex-m55", compiler, optimisation=optimisation)


def test_host_cases_of_every_kernel() -> None:
    found = jobs(cases.sites("conv2d_s8"))
    assert found
    check_kernels(found)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    found = jobs(sites(POINTWISE + WINDOWS) + one_channel_sites())
    check_emulated(found, "cortex-m55", compiler, optimisation=optimisation)


def test_cores_without_helium_are_refused() -> None:
    site, _ = linear.convolution(POINTWISE[3], DType.INT8, PLAIN, 0)
    assert not any(k.supports(site, DSP) for k in mve_conv.KERNELS)
