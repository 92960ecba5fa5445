# SPDX-License-Identifier: MIT
"""Kernels of int4 and int2 weights equal the reference, on the host and on an emulated core."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.backend.mcu.kernel import Core, Lit
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise as dsp_depthwise,
)
from milliwatt.backend.mcu.lowering.dsp import (
    subbyte_conv,
    subbyte_dense,
    subbyte_depthwise,
)
from milliwatt.backend.mcu.lowering.dsp.layout import Filters, is_coarse, paired, pairs_of_runs
from milliwatt.backend.mcu.lowering.dsp.subbyte_layout import (
    Packing,
    is_subbyte_exact,
    subbyte_words,
)
from milliwatt.backend.mcu.lowering.portable import (
    conv,
    dense,
)
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation
from milliwatt.run.build import build_firmware
from milliwatt.run.cores import find_core
from milliwatt.run.verify import abi_of
from tests.backend.mcu.batch import write_projects
from tests.cases import linear
from tests.cases.awkward import POINTWISE, WINDOWS
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.support import needs_arm_gcc

KERNELS = [*subbyte_conv.KERNELS, *subbyte_dense.KERNELS, *subbyte_depthwise.KERNELS]
PORTABLE = [*conv.KERNELS, *dense.KERNELS]
DEPTHWISE = [
    Window((1, 6, 6, 64), 64, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 9, 8, 5), 5, (3, 3), stride=(2, 2), padding="same"),
    Window((1, 5, 5, 3), 6, (3, 3), padding="same"),
    Window((1, 12, 1, 6), 6, (5, 1)),
]
COARSE = [
    Window((1, 7, 6, 12), 12, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 9, 8, 5), 5, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU),
    Window((1, 12, 1, 7), 14, (5, 1), activation=Activation.RELU),
    # Clamped in units of the output's scale.
    Window((1, 5, 6, 8), 8, (3, 3), padding="same", activation=Activation.RELU6),
    Window((1, 12, 1, 7), 7, (5, 1), activation=Activation.RELU6),
]
DENSE = [(1, 1, 1), (1, 3, 10), (1, 138, 51), (2, 14, 7), (5, 51, 1), (1, 640, 12), (3, 9, 6)]
FORMATS = [(-128, -128, True, 1.0), (127, 5, False, 1.0), (3, -7, True, 40.0), (-5, 2, False, 9.0)]
"""Zero points of inputs and outputs; whether each channel has a scale; how coarse the sums are."""


@cache
def jobs() -> list[Job]:
    """Each shape with int4 and with int2 weights, number formats in turn."""
    found: list[Case] = []
    for i in range(len(POINTWISE + WINDOWS + DEPTHWISE + DENSE)):
        x_zero, y_zero, per_channel, gain = FORMATS[i % len(FORMATS)]
        for dtype in (DType.INT4, DType.INT2):
            found.append(made(i, Numbers(dtype, per_channel, x_zero, y_zero=y_zero, gain=gain)))
    return [
        Job(kernel, site, inputs)
        for site, inputs in found
        for kernel in KERNELS
        if kernel.supports(site, DSP)
    ]


def made(index: int, numbers: Numbers) -> Case:
    """The site of that shape."""
    convolutions = POINTWISE + WINDOWS
    if index < len(convolutions):
        return linear.convolution(convolutions[index], DType.INT8, numbers, index)
    index -= len(convolutions)
    if index < len(DEPTHWISE):
        return linear.depthwise(DEPTHWISE[index], DType.INT8, numbers, index)
    return linear.dense(DENSE[index - len(DEPTHWISE)], DType.INT8, numbers, index)


@cache
def coarse_jobs() -> list[Job]:
    """Depthwise sites with factors of 1/2 and more, and the first kernel that takes each."""
    found = [
        linear.depthwise(window, DType.INT8, Numbers(dtype, True, 3, y_zero=-128, gain=gain), i)
        for i, window in enumerate(COARSE)
        for dtype in (DType.INT4, DType.INT2)
        for gain in (3.0, 10.0, 60.0)
    ]
    taken = [(s, v, [k for k in KERNELS if k.supports(s, DSP)]) for s, v in found]
    return [Job(kernels[0], site, values) for site, values, kernels in taken if kernels]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_coarse_depthwise_on_the_host(cc: str) -> None:
    found = coarse_jobs()
    coarse = [is_coarse(dsp_depthwise.filters_of(job.site)) for job in found]
    assert sum(coarse) > 3
    forms = {job.kernel.lower(job.site).args[-1] for job in found}
    assert {Lit(dsp_depthwise.ONCE), Lit(dsp_depthwise.ONCE_LARGE)} <= forms
    assert not all(coarse)
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_coarse_depthwise_on_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(coarse_jobs(), "cortex-m4", compiler, optimisation=optimisation)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel.name for job in found} == {kernel.name for kernel in KERNELS}
    assert len(found) > 2 * len(POINTWISE + WINDOWS + DEPTHWISE + DENSE)
    check_kernels(found, cc=cc)


def test_factors_of_a_half_and_more_are_among_the_sites() -> None:
    calls = [job.kernel.lower(job.site) for job in jobs()]
    ends = [call.args[-1] for call in calls if call.function == "mw_conv2d_subbyte_dsp"]
    assert {end.value for end in ends if isinstance(end, Lit)} == {0, 1}


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
@pytest.mark.parametrize(("dtype", "share"), [(DType.INT4, 0.25), (DType.INT2, 0.25)])
def test_fewer_instructions_than_portable(dtype: DType, share: float) -> None:
    window = Window((1, 4, 8, 64), 32, activation=Activation.RELU)
    site, inputs = linear.convolution(window, DType.INT8, Numbers(weights=dtype), 0)
    kernels = [next(k for k in some if k.supports(site, DSP)) for some in (KERNELS, PORTABLE)]
    found = check_emulated([Job(k, site, inputs) for k in kernels], "cortex-m4", "gcc")
    assert found.instructions[0] < share * found.instructions[1]


def test_weights_take_their_bits() -> None:
    for dtype in (DType.INT4, DType.INT2):
        site, _ = linear.dense((1, 64, 8), DType.INT8, Numbers(weights=dtype), 0)
        weights, _ = subbyte_dense.KERNELS[0].lower(site).tables
        assert weights.data.nbytes == 64 * 8 * dtype.bits // 8 + 4 * 8


def test_what_would_not_be_exact_is_refused() -> None:
    beyond = Numbers(weights=DType.INT4, w_zero=3, per_channel=False)
    site, _ = linear.dense((1, 64, 8), DType.INT8, beyond, 0)
    assert not any(kernel.supports(site, DSP) for kernel in KERNELS)
    one = np.ones(1, np.int64)
    for packing, least in ((Packing(4), 1 << 27), (Packing(2), 1 << 25)):
        for bias, exact in ((least - 129, True), (least - 128, False)):
            filters = Filters(one[:, None], bias * one, (1 << 30) * one, -one)
            assert is_subbyte_exact(filters, packing) is exact


def test_cores_without_dsp_are_refused() -> None:
    site, _ = linear.dense((1, 64, 8), DType.INT8, Numbers(weights=DType.INT4), 0)
    assert not any(kernel.supports(site, Core()) for kernel in KERNELS)


def unpacked(words: Array, packing: Packing) -> Array:
    """Both channels' weights [2, pairs, 2] of one channel pair's words, bit by bit."""
    found: list[list[list[int]]] = []
    for word in words.astype(np.int64) & 0xFFFFFFFF:
        for j in range(packing.pairs_per_word):
            at = 8 * j if packing.bits == 4 else 8 * (j // 2) + 4 * (1 - j % 2)
            numbers = [
                int(word) >> (16 * half + at) & (1 << 2 * packing.bits) - 1 for half in (0, 1)
            ]
            signed = [n - (1 << 2 * packing.bits) * (n >> (2 * packing.bits - 1)) for n in numbers]
            even = [n >> packing.bits for n in signed]
            low = (1 << packing.bits) - 1
            odd = [(n & low) - (1 << (packing.bits - 1)) for n in numbers]
            found.append([even, odd])
    return np.array(found).transpose(1, 0, 2)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.sampled_from([4, 2]),
    channels=st.integers(1, 5),
    lengths=st.lists(st.integers(1, 19), min_size=1, max_size=4),
)
def test_words_are_the_weights(seed: int, bits: int, channels: int, lengths: list[int]) -> None:
    rng = np.random.default_rng(seed)
    packing, half = Packing(bits), 1 << (bits - 1)
    weights = rng.integers(-half, half - 1, (channels, sum(lengths)), endpoint=True)
    zeros = np.zeros(channels, np.int64)
    pairs = pairs_of_runs(lengths)
    table = subbyte_words(Filters(weights, zeros, zeros, zeros), pairs, packing)
    blocks = table.data.reshape(-(-channels // 2), -1)
    wanted = paired(weights, pairs)
    for block, words in enumerate(blocks):
        got = unpacked(words[2:], packing)[:, : len(pairs)]
        kept = wanted[2 * block : 2 * block + 2]
        assert (got[: len(kept)] == kept).all()


@needs_arm_gcc
@pytest.mark.parametrize("dtype", [DType.INT4, DType.INT2])
@pytest.mark.parametrize("optimisation", ["-O2", "-Os", "-O3"])
def test_fewer_pixels_than_a_block_has_compile(
    dtype: DType, optimisation: str, tmp_path: Path
) -> None:
    """Code for blocks of four that never come must not warn of the memory they would take."""
    shape = Window((1, 3, 4, 16), 5, (3, 3))
    site, inputs = linear.convolution(shape, DType.INT8, Numbers(dtype), 0)
    names, kinds = ("x", "w", "b"), (*site.inputs, *site.outputs)
    graph = Graph(
        "few pixels",
        (Node("conv", site.op, names, ("y",)),),
        dict(zip((*names, "y"), kinds, strict=True)),
        dict(zip(names[1:], inputs[1:], strict=True)),
        ("x",),
        ("y",),
    )
    compiled = compile_graph(graph, load_target("nucleo-l4r5zi"))
    assert compiled.plan.steps[0].kernel == "conv2d_subbyte_dsp"
    build_firmware(
        write_projects([compiled], tmp_path),
        abi_of(compiled),
        find_core(compiled.target.core),
        include_folders=[tmp_path],
        compiler="gcc",
        optimisation=optimisation,
    )
