# SPDX-License-Identifier: MIT
"""Helium depthwise convolutions of int4 and int2 weights equal the reference."""

from __future__ import annotations

from functools import cache

import pytest

from milliwatt.backend.mcu.kernel import Lit
from milliwatt.backend.mcu.lowering.mve import (
    depthwise as mve_depthwise,
)
from milliwatt.backend.mcu.lowering.mve import layout as mve_layout
from milliwatt.backend.mcu.lowering.mve import (
    subbyte_depthwise as mve_subbyte_depthwise,
)
from milliwatt.backend.mcu.lowering.mve.layout import PLAIN, RELU, RELU_CLAMPED
from milliwatt.backend.mcu.lowering.mve.once import ONCE
from milliwatt.backend.mcu.lowering.mve.taps import ANY, NINE_ALL, PAIRS
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE
from tests.kernels.symmetric import symmetric
from tests.kernels.test_mve_depthwise import WINDOWS
from tests.support import needs_arm_gcc, needs_qemu

KERNELS = mve_subbyte_depthwise.KERNELS
FORMATS = [
    Numbers(x_zero=-128, y_zero=-128),
    Numbers(x_zero=127, y_zero=5, per_channel=False, gain=0.4),
    Numbers(x_zero=3, y_zero=-7, gain=40.0),
    Numbers(x_zero=-5, y_zero=-128, per_channel=False, gain=30.0),
    Numbers(x_zero=4, y_zero=2, gain=90.0),
]


@cache
def jobs() -> list[Job]:
    """Each shape with int4 and with int2 weights, number formats in turn."""
    found: list[Job] = []
    for i, window in enumerate(WINDOWS):
        for j, dtype in enumerate((DType.INT4, DType.INT2)):
            for numbers in (FORMATS[i % 2], FORMATS[2 + i % 3]):
                made = Numbers(
                    dtype, numbers.per_channel, numbers.x_zero, y_zero=numbers.y_zero,
                    gain=numbers.gain,
                )  # fmt: skip
                site, inputs = linear.depthwise(window, DType.INT8, made, 10 * i + j)
                found += [Job(k, site, inputs) for k in KERNELS if k.supports(site, MVE)]
    return found


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel.name for job in found} == {kernel.name for kernel in KERNELS}
    assert len(found) >= 4 * len(WINDOWS)
    check_kernels(found, cc=cc)


def test_every_variant_is_among_the_sites() -> None:
    calls = [job.kernel.lower(job.site) for job in jobs()]
    ends = {tuple(a.value for a in call.args[-2:] if isinstance(a, Lit)) for call in calls}
    assert {form for _, form in ends} == {PLAIN, RELU, RELU_CLAMPED, mve_layout.ANY, ONCE}
    assert {taps for taps, _ in ends} == {ANY, NINE_ALL, PAIRS}


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m55", compiler, optimisation=optimisation)


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
@pytest.mark.parametrize("dtype", [DType.INT4, DType.INT2])
def test_faster_than_int8(dtype: DType) -> None:
    """Sums of small weights stay in 16 bits."""
    window = Window((1, 12, 5, 64), 64, (3, 3), padding="same", activation=Activation.RELU)
    cases = [
        linear.depthwise(window, DType.INT8, Numbers(dtype), 0),
        symmetric(linear.depthwise(window, DType.INT8, Numbers(), 0)),
    ]
    kernels = KERNELS[1], mve_depthwise.KERNELS[1]
    found = [Job(k, *case) for k, case in zip(kernels, cases, strict=True)]
    ours, int8 = check_emulated(found, "cortex-m55", "gcc").instructions
    assert ours < 0.9 * int8


def test_cores_without_helium_are_refused() -> None:
    assert not any(job.kernel.supports(job.site, DSP) for job in jobs()[:8])
