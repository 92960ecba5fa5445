# SPDX-License-Identifier: MIT
"""What bench/limits.toml says of inner loops is what they take on the emulated core."""

from __future__ import annotations

import pytest

from bench.kernels.entries import bell
from bench.limits import load_limits
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering import all_kernels
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.emulated import emulate
from tests.kernels.harness import Job
from tests.support import needs_arm_gcc, needs_qemu

SHORT, LONG = 128, 256
"""Inputs of each output."""
CHANNELS = 128
SPREAD, NARROW_SPREAD = 20.0, 5.0
"""Of the weights: so small that kernels need no form for the largest sums."""
LESS_AT_MOST, MORE_AT_MOST = 0.93, 1.04
"""Inputs are widened, packed or gathered once for all channels; some loops are unrolled further, or
have longer groups, where there are many."""
CORES = {
    "dsp": ("cortex-m4", Core(dsp=True)),
    "mve": ("cortex-m55", Core(dsp=True, mve=True)),
    "swar": ("cortex-m0plus", Core(swar=True)),
}


def pixels(depth: int) -> Case:
    window = Window((1, 2, 4, depth), CHANNELS, activation=Activation.RELU)
    return bell(linear.convolution(window, DType.INT8, Numbers(), 1), SPREAD)


def windows(depth: int) -> Case:
    window = Window((1, 5, 5, depth // 4), CHANNELS, (2, 2), activation=Activation.RELU)
    return bell(linear.convolution(window, DType.INT8, Numbers(), 1), SPREAD)


def vector(depth: int, spread: float = SPREAD) -> Case:
    return bell(linear.dense((1, depth, CHANNELS), DType.INT8, Numbers(), 1), spread)


def grouped(depth: int) -> Case:
    """Groups of 16 inputs, the longest that fully connected kernels have."""
    return vector(depth, NARROW_SPREAD)


LOOPS = {
    "conv2d_1x1_s8_dsp": pixels,
    "conv2d_s8_dsp": windows,
    "fully_connected_s8_dsp": vector,
    "fully_connected_expanded_s8_dsp": vector,
    "conv2d_1x1_s8_mve": pixels,
    "conv2d_s8_mve": windows,
    "fully_connected_s8_mve": vector,
    "conv2d_1x1_s8_swar": pixels,
    "conv2d_s8_swar": windows,
    "fully_connected_groups_s8_swar": grouped,
}
MARKS = {
    "dsp": (needs_arm_gcc, pytest.mark.emulator),
    "mve": (needs_arm_gcc, needs_qemu, pytest.mark.qemu),
    "swar": (needs_arm_gcc, pytest.mark.emulator),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=MARKS[name.rsplit("_", 1)[1]]) for name in LOOPS]
)
def test_more_inputs_take_what_the_loop_takes(name: str) -> None:
    core, features = CORES[name.rsplit("_", 1)[1]]
    kernel = next(k for k in all_kernels() if k.name == name)
    cases = [LOOPS[name](depth) for depth in (SHORT, LONG)]
    assert all(kernel.supports(site, features) for site, _ in cases)
    jobs = [Job(kernel, site, inputs) for site, inputs in cases]
    short, long = (emulate([job], core, "gcc").instructions[0] for job in jobs)
    before, after = (job.site.op.macs(job.site.inputs, job.site.outputs) for job in jobs)
    told = load_limits()[name].loop_per_mac
    assert told is not None
    taken = (long - short) / (after - before)
    assert LESS_AT_MOST * told <= taken <= MORE_AT_MOST * told, f"{taken:.4f}, not {told}"
