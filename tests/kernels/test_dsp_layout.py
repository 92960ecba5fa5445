# SPDX-License-Identifier: MIT
"""Dead channels, as training leaves them, neither stop the DSP kernels nor change a result."""

from __future__ import annotations

import dataclasses

import numpy as np

from milliwatt.backend.mcu.lowering.dsp import (
    conv as dsp_conv,
)
from milliwatt.backend.mcu.lowering.dsp import (
    dense as dsp_dense,
)
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise as dsp_depthwise,
)
from milliwatt.backend.mcu.lowering.dsp.layout import pairs_of_runs
from milliwatt.ir.types import DType, Quant
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Window
from tests.kernels.dsp import DSP
from tests.kernels.harness import Job, check_kernels

KERNELS = [*dsp_conv.KERNELS, *dsp_depthwise.KERNELS, *dsp_dense.KERNELS]


def with_dead_channels(case: Case, axis: int) -> Case:
    """The case with the biases and scales that TensorFlow gives channels without a signal."""
    site, inputs = case
    weights = site.inputs[1]
    assert weights.quant is not None
    scale, bias = list(weights.quant.scale), inputs[2].copy()
    for channel, sign, factor in ((1, 1, 1e-9), (2, -1, 1e-9), (4, 1, 1e-12), (5, -1, 1e-6)):
        scale[channel] = float(np.float32(scale[channel] * factor))
        bias[channel] = sign * (1 << 30)
    quant = Quant(tuple(scale), weights.quant.zero_point, axis)
    kinds = (site.inputs[0], dataclasses.replace(weights, quant=quant), site.inputs[2])
    inputs = [inputs[0], inputs[1], bias]
    return dataclasses.replace(site, inputs=kinds, constants=(None, *inputs[1:])), inputs


def test_dead_channels() -> None:
    window = Window((1, 5, 5, 7), 7, activation=Activation.RELU)
    depthwise = Window((1, 5, 5, 7), 7, (3, 3), padding="same")
    found = [
        with_dead_channels(linear.convolution(window, DType.INT8, PLAIN, 1), 0),
        with_dead_channels(linear.depthwise(depthwise, DType.INT8, PLAIN, 2), 3),
        with_dead_channels(linear.dense((2, 20, 7), DType.INT8, PLAIN, 3), 0),
    ]
    jobs = [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in KERNELS
        if kernel.supports(site, DSP)
    ]
    assert {type(job.site.op) for job in jobs} == {type(site.op) for site, _ in found}
    check_kernels(jobs)


def test_pairs_are_what_widening_makes_of_runs() -> None:
    assert pairs_of_runs([4]).tolist() == [[0, 2], [1, 3]]
    assert pairs_of_runs([1, 2]).tolist() == [[0, -1], [1, 2]]
    assert pairs_of_runs([7]).tolist() == [[0, 2], [1, 3], [4, 5], [6, -1]]
    assert pairs_of_runs([3, 5]).tolist() == [[0, 1], [2, -1], [3, 5], [4, 6], [7, -1]]
