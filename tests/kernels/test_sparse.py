# SPDX-License-Identifier: MIT
"""Kernels that skip zero weights equal the reference, on the host and on an emulated core."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.dsp import (
    conv as dsp_conv,
)
from milliwatt.backend.mcu.lowering.dsp import (
    sparse_conv,
    sparse_dense,
)
from milliwatt.backend.mcu.lowering.dsp.sparse_layout import (
    FARTHEST,
    Form,
    best_form,
    count_pairs,
    expanded_pairs,
    stored_pairs,
)
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.pruned import blocks, nm, pruned, unstructured
from tests.support import needs_arm_gcc

POINTWISE = [
    Window((1, 1, 1, 8), 5),
    Window((1, 3, 3, 14), 14),
    Window((1, 4, 4, 51), 7, activation=Activation.RELU),
    Window((1, 5, 5, 138), 6, activation=Activation.RELU6),
    Window((2, 3, 3, 64), 6),
    Window((1, 3, 5, 16), 9),
    Window((1, 1, 6, 24), 10, activation=Activation.RELU),
]
WINDOWS = [
    Window((1, 7, 5, 3), 4, (3, 3), padding="same"),
    Window((1, 8, 8, 16), 6, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU),
    Window((1, 1, 1, 9), 6, (3, 3), padding="same"),
    Window((1, 2, 2, 5), 3, (5, 5), padding=Padding(3, 2, 2, 4)),
    Window((1, 9, 10, 3), 3, (2, 3), stride=(4, 5)),
    Window((1, 6, 6, 8), 4, (1, 1), stride=(2, 2)),
    Window((1, 3, 3, 138), 2, (2, 2), padding="same"),
    Window((1, 3, 4, 8), 5, (3, 2), padding="same", activation=Activation.RELU),
]
DENSE = [(1, 138, 51), (2, 14, 7), (3, 51, 5), (1, 640, 12), (1, 16, 8)]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=127, y_zero=127, gain=0.3),
]
KERNELS = [*sparse_conv.KERNELS, *sparse_dense.KERNELS]
PRUNERS = [
    unstructured(0.0),
    unstructured(0.1),
    unstructured(0.3),
    nm(2, 4),
    nm(1, 4),
    blocks(0.4, 4, 4),
]


@cache
def sites() -> list[Case]:
    """Each shape pruned in each way, number formats in turn."""
    found: list[Case] = []
    for i in range(len(POINTWISE + WINDOWS + DENSE)):
        for j, prune in enumerate(PRUNERS):
            found.append(pruned(made(i, NUMBERS[(i + j) % len(NUMBERS)]), prune))
    return found


def made(index: int, numbers: Numbers) -> Case:
    """The site of that shape, not pruned."""
    windows = POINTWISE + WINDOWS
    if index < len(windows):
        return linear.convolution(windows[index], DType.INT8, numbers, index)
    return linear.dense(DENSE[index - len(windows)], DType.INT8, numbers, index)


@cache
def jobs() -> list[Job]:
    return [
        Job(kernel, site, inputs)
        for site, inputs in sites()
        for kernel in KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel.name for job in found} == {kernel.name for kernel in KERNELS}
    assert len(found) > len(sites()) / 2
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
@pytest.mark.parametrize(("prune", "share"), [(unstructured(0.1), 0.5), (nm(1, 4), 0.7)])
def test_few_weights_take_fewer_instructions(prune, share: float) -> None:
    window = Window((1, 4, 8, 64), 32, activation=Activation.RELU)
    site, inputs = pruned(linear.convolution(window, DType.INT8, PLAIN, 0), prune)
    kernels = sparse_conv.KERNELS[0], dsp_conv.KERNELS[0]
    found = check_emulated([Job(k, site, inputs) for k in kernels], "cortex-m4", "gcc")
    assert found.instructions[0] < share * found.instructions[1]


def test_dense_layers_are_refused() -> None:
    for window in POINTWISE + WINDOWS:
        site, _ = linear.convolution(window, DType.INT8, PLAIN, 0)
        assert not any(kernel.supports(site, DSP) for kernel in KERNELS)
    site, _ = pruned(linear.dense((1, 64, 12), DType.INT8, PLAIN, 0), unstructured(0.7))
    assert not any(kernel.supports(site, DSP) for kernel in KERNELS)


def test_cores_without_dsp_are_refused() -> None:
    site, _ = pruned(linear.dense(DENSE[0], DType.INT8, PLAIN, 0), unstructured(0.1))
    assert not any(kernel.supports(site, Core()) for kernel in KERNELS)


def test_far_pairs_are_reached_through_zeros() -> None:
    site, inputs = linear.dense((1, 4 * FARTHEST, 2), DType.INT8, PLAIN, 0)
    weights = np.zeros_like(inputs[1])
    weights[:, 0], weights[1, -1] = 3, -5
    site = dataclasses.replace(site, constants=(None, weights, inputs[2]))
    (kernel,) = [kernel for kernel in KERNELS if kernel.supports(site, DSP)]
    job = Job(kernel, site, [inputs[0], weights, inputs[2]])
    assert len(job.kernel.lower(site).tables[0].data) == 3 + 2 + 3
    check_kernels([job])


def rebuilt(weights: Array, lengths: list[int], form: Form) -> Array:
    """The weights that the stored pairs of each channel stand for."""
    pairs = expanded_pairs(lengths, form)
    found = np.zeros((weights.shape[0], weights.shape[1] + 1), np.int64)
    for row, channel in zip(found, stored_pairs(weights, lengths, form), strict=True):
        np.add.at(row, pairs[channel.positions], channel.weights)
    return found[:, :-1]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(1, 24), min_size=1, max_size=4),
    density=st.floats(0, 1),
    kept=st.sampled_from([1, 2, 4]),
)
def test_stored_pairs_are_the_weights(
    seed: int, lengths: list[int], density: float, kept: int
) -> None:
    if kept < 4:
        lengths = [8 * length for length in lengths]
    rng = np.random.default_rng(seed)
    weights = rng.integers(-128, 127, (3, sum(lengths)), endpoint=True)
    prune = unstructured(density) if kept == 4 else nm(kept, 4)
    weights = prune(weights, rng)
    form = best_form(weights, lengths)
    assert form is (Form.PAIRS if kept == 4 else form)
    assert (rebuilt(weights, lengths, form) == weights).all()
    stored = [len(channel.positions) for channel in stored_pairs(weights, lengths, form)]
    assert count_pairs(weights, lengths, form).tolist() == stored
