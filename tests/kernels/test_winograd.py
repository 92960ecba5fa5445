# SPDX-License-Identifier: MIT
"""The Winograd convolution equals the reference, and its ranges are what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering import dsp_conv, winograd
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.support import needs_arm_gcc

(KERNEL,) = winograd.KERNELS
WINDOWS = [
    Window((1, 4, 4, 4), 2, (3, 3)),
    Window((1, 8, 8, 16), 6, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 7, 5, 12), 5, (3, 3), padding="same", activation=Activation.RELU6),
    Window((1, 1, 1, 8), 3, (3, 3), padding="same"),
    Window((1, 3, 9, 20), 1, (3, 3), padding=Padding(0, 2, 2, 1)),
    Window((1, 2, 3, 32), 4, (3, 3), padding=Padding(3, 3, 4, 2)),
    Window((1, 5, 6, 36), 3, (3, 3), padding="same"),
]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=11, y_zero=-128, w_zero=3, per_channel=False),
]


def jobs() -> list[Job]:
    found: list[Case] = [
        linear.convolution(w, DType.INT8, numbers, 10 * i + j)
        for i, w in enumerate(WINDOWS)
        for j, numbers in enumerate(NUMBERS)
    ]
    return [Job(KERNEL, site, inputs) for site, inputs in found if KERNEL.supports(site, DSP)]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert len(found) > 2 * len(WINDOWS)
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_other_cores_with_dsp(core: str) -> None:
    check_emulated(jobs()[::5], core, "gcc")


@needs_arm_gcc
@pytest.mark.emulator
def test_fewer_instructions_than_the_direct_convolution() -> None:
    window = Window((1, 8, 8, 64), 16, (3, 3), padding="same", activation=Activation.RELU)
    site, inputs = linear.convolution(window, DType.INT8, PLAIN, 0)
    direct = next(k for k in dsp_conv.KERNELS if k.supports(site, DSP))
    found = check_emulated([Job(k, site, inputs) for k in (KERNEL, direct)], "cortex-m4", "gcc")
    assert found.instructions[0] < 0.7 * found.instructions[1]


def test_other_convolutions_are_refused() -> None:
    for window in (
        Window((1, 8, 8, 16), 4, (3, 3), stride=(2, 2)),
        Window((1, 8, 8, 16), 4, (3, 2)),
        Window((1, 8, 8, 6), 4, (3, 3)),
        Window((1, 8, 8, 16), 4, (3, 3), dilation=(2, 2)),
    ):
        site, _ = linear.convolution(window, DType.INT8, PLAIN, 0)
        assert not KERNEL.supports(site, DSP)
    site, _ = linear.convolution(WINDOWS[1], DType.INT8, PLAIN, 0)
    assert KERNEL.supports(site, DSP)
    assert not KERNEL.supports(site, Core())


B = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
A = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), extreme=st.booleans())
def test_four_times_the_convolution(seed: int, extreme: bool) -> None:
    rng = np.random.default_rng(seed)
    draw = rng.choice if extreme else lambda ends, size: rng.integers(*ends, size, endpoint=True)
    w, d = draw([-128, 127], (3, 3)), draw([-128, 127], (4, 4))
    u = winograd.transformed(w.reshape(1, 3, 3, 1)).reshape(4, 4)
    v = B @ d @ B.T
    assert np.abs(u).max() <= 9 * 128
    assert np.abs(v).max() <= 4 * 128
    wanted = [[(w * d[i : i + 3, j : j + 3]).sum() for j in range(2)] for i in range(2)]
    assert (A @ (u * v) @ A.T == 4 * np.array(wanted)).all()
