# SPDX-License-Identifier: MIT
"""The vector requantisation equals the definition: layers without weights, whose biases are sums.

Each output channel is one sum with a factor of its own, so that one layer tries thousands.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from milliwatt.backend.mcu.kernel import Kernel, Lit
from milliwatt.backend.mcu.lowering.mve import (
    conv as mve_conv,
)
from milliwatt.backend.mcu.lowering.mve import (
    dense as mve_dense,
)
from milliwatt.backend.mcu.lowering.mve.layout import ANY, PLAIN, RELU, RELU_CLAMPED
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.scaling import convolution_factors
from tests.cases.build import Case, case
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.mve import CORTEX_M55, MVE

CHANNELS = 2048
DEPTH = 16
_LARGEST = (1 << 23) - 1
"""Biases beyond this are replaced where the output cannot change (dsp_layout)."""


OUTPUTS = [
    (0, Activation.NONE),
    (-128, Activation.NONE),
    (31, Activation.NONE),
    (0, Activation.RELU),
    (-128, Activation.RELU),
    (-5, Activation.RELU6),
]
"""Zero points and activations."""


_TAME = (1 << 15) - 300
"""Results up to this have forms of their own."""


def _sums(scale: Array, rng: np.random.Generator, tame: bool) -> Array:
    """Sums at and beside the places where the output changes, and anywhere, or not too far."""
    halves = rng.integers(-280, 281, CHANNELS) + 0.5
    ties = np.round(halves / scale) + rng.integers(-2, 3, CHANNELS)
    anywhere = rng.integers(-_LARGEST, _LARGEST, CHANNELS)
    chosen = np.where(rng.random(CHANNELS) < 0.8, ties, anywhere)
    most = np.minimum(_TAME / scale, _LARGEST) if tame else np.full(CHANNELS, float(_LARGEST))
    return np.clip(chosen, -most, most).astype(np.int32)


def _types(pointwise: bool, zero: int, rng: np.random.Generator) -> list[TensorType]:
    # Powers of two make exact ties; the others round twice.
    exact = 0.5 ** rng.integers(2, 18, CHANNELS)
    rough = exact * rng.uniform(0.5, 1.0, CHANNELS)
    scales = tuple(float(s) for s in np.where(rng.random(CHANNELS) < 0.5, exact, rough))
    ones = (1, 1) if pointwise else ()
    one, many, filters = (1, *ones, DEPTH), (1, *ones, CHANNELS), (CHANNELS, *ones, DEPTH)
    return [
        TensorType(one, DType.INT8, Quant((1.0,), (0,))),
        TensorType(filters, DType.INT8, Quant(scales, (0,) * CHANNELS, 0)),
        TensorType((CHANNELS,), DType.INT32),
        TensorType(many, DType.INT8, Quant((1.0,), (zero,))),
    ]


def _case(pointwise: bool, zero: int, activation: Activation, seed: int, tame: bool) -> Case:
    rng = np.random.default_rng(seed)
    x, weights, bias, y = _types(pointwise, zero, rng)
    multiplier, shift = convolution_factors(x, weights, y, CHANNELS)
    sums = _sums(multiplier * 2.0 ** (shift - 31), rng, tame)
    op = (
        Conv2D((1, 1), (1, 1), Padding(), activation)
        if pointwise
        else FullyConnected(activation, keep_dims=False)
    )
    operands = [
        (x, np.ones(x.shape, np.int8)),
        (weights, np.zeros(weights.shape, np.int8)),
        (bias, sums),
    ]
    return case(op, operands, [y], constant=(1, 2))


@cache
def jobs() -> list[Job]:
    found: list[Job] = []
    kernels: tuple[tuple[bool, Kernel], ...] = (
        (True, mve_conv.KERNELS[0]),
        (False, mve_dense.KERNELS[0]),
    )
    for pointwise, kernel in kernels:
        for seed, (zero, activation) in enumerate(OUTPUTS):
            for tame in (False, True):
                site, inputs = _case(pointwise, zero, activation, seed, tame)
                assert kernel.supports(site, MVE)
                found.append(Job(kernel, site, inputs))
    return found


def test_every_form_is_among_them() -> None:
    ends = [job.kernel.lower(job.site).args[-1] for job in jobs()]
    forms = [end.value for end in ends if isinstance(end, Lit)]
    assert {*forms} == {PLAIN, RELU, RELU_CLAMPED, ANY}


def test_host() -> None:
    check_kernels(jobs())


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M55[:2])
def test_cortex_m55(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m55", compiler, optimisation=optimisation)
