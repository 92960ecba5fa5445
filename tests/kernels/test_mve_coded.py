# SPDX-License-Identifier: MIT
"""Helium kernels of weights in the lossless code equal the reference."""

from __future__ import annotations

from functools import cache

import pytest

from milliwatt.backend.mcu.lowering.dsp import coded
from milliwatt.backend.mcu.lowering.mve import coded as mve_coded
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE
from tests.kernels.test_coded import DENSE, DEPTHWISE, NUMBERS, WINDOWS, bell
from tests.support import needs_arm_gcc, needs_qemu

KERNELS = mve_coded.KERNELS
FORMATS = [*NUMBERS, Numbers(x_zero=3, y_zero=2, gain=3000.0)]
MORE_WINDOWS = [
    Window((1, 2, 2, 48), 49),
    Window((1, 2, 3, 16), 48, (3, 3), padding="same", activation=Activation.RELU),
]
MORE_DEPTHWISE = [Window((1, 6, 6, 64), 64, (3, 3), activation=Activation.RELU)]


@cache
def jobs() -> list[Job]:
    """Each shape with weights of little and of more entropy, number formats in turn."""
    found: list[Case] = []
    for j, spread in enumerate((0.3, 1.5, 9.0)):
        made = [
            *(
                linear.convolution(w, DType.INT8, FORMATS[(i + j) % len(FORMATS)], i)
                for i, w in enumerate([*WINDOWS, *MORE_WINDOWS])
            ),
            *(
                linear.depthwise(w, DType.INT8, FORMATS[(i + j) % len(FORMATS)], i)
                for i, w in enumerate([*DEPTHWISE, *MORE_DEPTHWISE])
            ),
            *(
                linear.dense(size, DType.INT8, FORMATS[(i + j) % len(FORMATS)], i)
                for i, size in enumerate(DENSE)
            ),
        ]
        found += [bell(case, spread, i) for i, case in enumerate(made)]
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in KERNELS
        if kernel.supports(site, MVE)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel.name for job in found} == {kernel.name for kernel in KERNELS}
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55)
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m55", compiler, optimisation=optimisation)


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
def test_faster_than_the_kernels_without_helium() -> None:
    window = Window((1, 8, 8, 32), 32, (3, 3), padding="same", activation=Activation.RELU)
    site, inputs = bell(linear.convolution(window, DType.INT8, Numbers(), 0), 3.0, 0)
    some = [next(k for k in c if k.supports(site, MVE)) for c in (KERNELS, coded.KERNELS)]
    found = [Job(k, site, inputs) for k in some]
    ours, others = check_emulated(found, "cortex-m55", "gcc").instructions
    assert ours < 0.4 * others


def test_cores_without_helium_are_refused() -> None:
    assert not any(job.kernel.supports(job.site, DSP) for job in jobs()[::7])
