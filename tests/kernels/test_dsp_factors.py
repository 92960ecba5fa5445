# SPDX-License-Identifier: MIT
"""Layers with large or tiny factors have DSP kernels, which equal the reference everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from milliwatt.backend.mcu.choice.select import candidates, select_kernel
from milliwatt.backend.mcu.kernel import Core, Lit
from milliwatt.backend.mcu.lowering.dsp import conv as dsp_conv
from milliwatt.backend.mcu.lowering.dsp import depthwise as dsp_depthwise
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel, is_coarse
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.symmetric import symmetric
from tests.support import needs_arm_gcc

RELU, NONE = Activation.RELU, Activation.NONE
CONVOLUTIONS = [
    Window((1, 3, 3, 14), 5),
    Window((1, 1, 6, 40), 6),
    Window((1, 7, 5, 3), 4, (3, 3), padding="same"),
    Window((1, 1, 1, 9), 3),
]
DEPTHWISE = [
    Window((1, 5, 6, 8), 8, (3, 3), padding="same"),
    Window((1, 9, 1, 6), 6, (5, 1)),
    Window((1, 5, 5, 4), 4, (5, 5)),
]
DENSE = [(1, 19, 7), (2, 64, 10)]
MAKERS: list[tuple[Callable[..., Case], list[Window]]] = [
    (linear.convolution, CONVOLUTIONS),
    (linear.depthwise, DEPTHWISE),
]
FACTORS = [2.0**-3, 2.0**-1, 0.7, 1.0, 3.3, 2.0**4]


def with_factors(case: Case, factor: float, octaves: float, seed: int) -> Case:
    """The case, its channels' factors so many octaves and less below `factor`."""
    site, inputs = case
    rng = np.random.default_rng(seed)
    x, weights, bias = site.inputs
    assert weights.quant is not None
    count = len(weights.quant.scale)
    factors = factor * 2.0 ** -rng.uniform(0, octaves, count)
    factors[0] = factor
    scales = tuple(float(np.float32(f * site.outputs[0].scale / x.scale)) for f in factors)
    scaled = replace(weights, quant=replace(weights.quant, scale=scales))
    return replace(site, inputs=(x, scaled, bias)), inputs


def numbers(weights: DType, index: int) -> Numbers:
    zero = (-128, 3, 127)[index % 3]
    return Numbers(weights=weights, per_channel=index % 2 == 0, x_zero=zero, y_zero=-zero - 1)


@cache
def sites(weights: DType = DType.INT8) -> list[Case]:
    """Each shape with each factor, with and without RELU, channels alike and not."""
    made: list[Case] = []
    for i, factor in enumerate(FACTORS):
        for j, activation in enumerate((NONE, RELU)):
            seed = 10 * i + j
            kind = numbers(weights, seed + i)
            for make, shapes in MAKERS:
                for shape in shapes:
                    case = make(replace(shape, activation=activation), DType.INT8, kind, seed)
                    made.append(with_factors(case, factor, 4.0 * kind.per_channel, seed))
            for shape in DENSE:
                case = linear.dense(shape, DType.INT8, kind, seed)
                made.append(with_factors(case, factor, 4.0 * kind.per_channel, seed))
    if weights is not DType.INT8:
        return made
    return [*made, *(symmetric(case) for case in made), *(symmetric(case) for case in tiny())]


def tiny() -> list[Case]:
    """Factors below 2**-9, many inputs."""
    kind = Numbers(x_zero=-128, y_zero=-128)
    shapes = Window((1, 1, 5, 276), 9), Window((1, 3, 3, 32), 4, (3, 3), padding="same")
    return [
        with_factors(
            linear.convolution(replace(shape, activation=RELU), DType.INT8, kind, seed),
            factor,
            0.3,
            seed,
        )
        for seed, factor in enumerate((1.37 * 2.0**-11, 1.83 * 2.0**-13))
        for shape in shapes
    ]


def chosen(weights: DType = DType.INT8) -> list[Job]:
    """Each site with its kernel for speed."""
    return [Job(select_kernel("", site, DSP), site, x) for site, x in sites(weights)]


def others() -> list[Job]:
    """Some sites with every DSP kernel that takes them."""
    return [
        Job(kernel, site, inputs)
        for site, inputs in sites()[::9]
        for kernel in candidates(site, DSP)
        if isinstance(kernel, DspKernel)
    ]


def portable() -> list[Job]:
    """Each site with its kernel for cores without these instructions or others."""
    return [Job(select_kernel("", site, Core()), site, inputs) for site, inputs in sites()]


@pytest.mark.parametrize("weights", [DType.INT8, DType.INT4, DType.INT2])
def test_no_factor_is_left_to_portable_code(weights: DType) -> None:
    assert all(isinstance(job.kernel, DspKernel) for job in chosen(weights))


def test_every_form_is_needed() -> None:
    forms = {_form(job) for job in chosen() if "conv2d" in job.kernel.name}
    wanted = {dsp_conv.ONCE_LARGE, dsp_conv.COARSE, dsp_conv.ONCE_FINE}
    assert wanted <= {form for name, form in forms if name == "c"}
    assert dsp_depthwise.COARSE in {form for name, form in forms if name == "d"}


def _form(job: Job) -> tuple[str, int]:
    """The kernel's kind, and how its sums are rounded."""
    name = job.kernel.name
    place = -2 if name == "conv2d_s8_dsp" else -1
    arg = job.kernel.lower(job.site).args[place]
    assert isinstance(arg, Lit)
    return name[0], int(arg.value)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = chosen()
    dense = [job for job in found if job.kernel.name == "fully_connected_s8_dsp"]
    assert {bool(job.kernel.lower(job.site).args[-1].value) for job in dense} == {True, False}
    check_kernels(found + chosen(DType.INT4)[::3] + others(), cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(chosen() + others(), "cortex-m4", compiler, optimisation=optimisation)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_other_cores_with_dsp(core: str) -> None:
    check_emulated(chosen()[::4], core, "gcc")


@needs_arm_gcc
@pytest.mark.emulator
def test_fewer_instructions_than_portable_code() -> None:
    ours = check_emulated(chosen(), "cortex-m4", "gcc").instructions
    theirs = check_emulated(portable(), "cortex-m4", "gcc").instructions
    assert sum(ours) < sum(theirs) / 2


def test_left_shifts_that_overflow_are_refused() -> None:
    """Where a doubled sum, shifted to the left, would not fit 32 bits."""
    for make, shapes in MAKERS:
        case = make(shapes[0], DType.INT8, numbers(DType.INT8, 1), 0)
        site, _ = with_factors(case, 2.0**20, 0.0, 0)
        assert not isinstance(select_kernel("", site, DSP), DspKernel)


def test_what_is_coarse() -> None:
    case = linear.convolution(CONVOLUTIONS[0], DType.INT8, numbers(DType.INT8, 0), 0)
    fine, coarse = (with_factors(case, factor, 0.0, 0) for factor in (0.49, 0.51))
    assert not is_coarse(dsp_conv.filters_of(fine[0]))
    assert is_coarse(dsp_conv.filters_of(coarse[0]))
