# SPDX-License-Identifier: MIT
"""int4, int2 and coded weights on cores without packed multiplication equal the reference."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.choice.select import select_kernel
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.common.stored import packed
from milliwatt.backend.mcu.lowering.portable import (
    conv,
    dense,
)
from milliwatt.backend.mcu.lowering.swar.stored import CODED, SUBBYTE
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels
from tests.kernels.swar import CORES, SWAR
from tests.kernels.test_coded import bell
from tests.support import needs_arm_gcc

CONVOLUTIONS = [
    Window((1, 1, 1, 1), 1),
    Window((1, 1, 1, 48), 20),
    Window((1, 1, 2, 24), 5, activation=Activation.RELU),
    Window((1, 2, 3, 14), 3),
    Window((1, 5, 5, 51), 14),
    Window((2, 3, 3, 6), 6),
    Window((1, 7, 5, 3), 4, (3, 3), padding="same"),
    Window((1, 9, 7, 1), 5, (5, 4), stride=(2, 2), padding="same"),
    # In blocks of channels, the last of them not whole.
    Window((1, 3, 3, 64), 37, activation=Activation.RELU),
    Window((1, 4, 3, 14), 51, (3, 3), padding="same", activation=Activation.RELU6),
]
DEPTHWISE = [
    Window((1, 6, 6, 64), 64, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 9, 8, 5), 5, (3, 3), stride=(2, 2), padding="same"),
    Window((1, 5, 5, 3), 6, (3, 3), padding="same"),
    Window((1, 12, 1, 6), 6, (5, 1)),
]
DENSE = [(1, 1, 1), (1, 3, 10), (1, 138, 51), (1, 51, 9), (1, 640, 12), (1, 64, 33)]
NUMBERS = [
    PLAIN,
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=9.0),
    # Scales that only the reference's own arithmetic follows.
    Numbers(x_zero=1, y_zero=2, gain=1e5),
]


def shapes(dtype: DType) -> list[Case]:
    """Each shape with weights of that type, number formats in turn."""
    makers = [
        *((linear.convolution, shape) for shape in CONVOLUTIONS),
        *((linear.depthwise, shape) for shape in DEPTHWISE),
        *((linear.dense, shape) for shape in DENSE),
    ]
    found: list[Case] = []
    for i, (make, shape) in enumerate(makers):
        for j in range(2):
            n = NUMBERS[(i + j) % len(NUMBERS)]
            numbers = Numbers(dtype, n.per_channel, n.x_zero, y_zero=n.y_zero, gain=n.gain)
            found.append(make(shape, DType.INT8, numbers, 10 * i + j))
    return found


@cache
def jobs() -> list[Job]:
    """Weights of 4 and 2 bits, and coded ones of little and of more entropy."""
    narrow = [(c, SUBBYTE) for dtype in (DType.INT4, DType.INT2) for c in shapes(dtype)]
    wide = [
        (bell(case, (0.3, 1.5, 9.0)[i % 3], i), CODED) for i, case in enumerate(shapes(DType.INT8))
    ]
    return [
        Job(kernel, site, inputs)
        for (site, inputs), kernels in (*narrow, *wide)
        for kernel in kernels
        if kernel.supports(site, SWAR)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel.name for job in found} == {k.name for k in (*SUBBYTE, *CODED)}
    calls = {job.kernel.lower(job.site).function for job in found}
    assert {"mw_conv2d_stored_blocks_s8_swar", "mw_conv2d_stored_s8_swar"} < calls
    assert check_kernels(found, cc=cc) >= len(found)


@pytest.mark.parametrize(("core", "compiler", "optimisation"), CORES)
def test_emulated(core: str, compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), core, compiler, optimisation=optimisation)


def test_other_cores_are_refused() -> None:
    for site, _ in shapes(DType.INT4)[::3]:
        for core in (Core(), Core(dsp=True)):
            assert not any(kernel.supports(site, core) for kernel in (*SUBBYTE, *CODED))


def test_every_narrow_layer_of_one_image_is_taken() -> None:
    for dtype in (DType.INT4, DType.INT2):
        for site, _ in shapes(dtype):
            assert select_kernel("layer", site, SWAR).name.endswith("_subbyte_swar")


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("dtype", [DType.INT4, DType.INT2])
def test_fewer_instructions_than_portable(dtype: DType) -> None:
    window = Window((1, 8, 8, 32), 32, activation=Activation.RELU)
    for site, inputs in (
        linear.convolution(window, DType.INT8, Numbers(weights=dtype), 0),
        linear.dense((1, 640, 32), DType.INT8, Numbers(weights=dtype), 0),
    ):
        portable = next(k for k in (*conv.KERNELS, *dense.KERNELS) if k.supports(site, SWAR))
        kernels = [select_kernel("layer", site, SWAR), portable]
        some = check_emulated([Job(k, site, inputs) for k in kernels], "cortex-m0plus", "gcc")
        assert some.instructions[0] < 0.8 * some.instructions[1]


def unpacked(words: Array, bits: int) -> list[int]:
    """The numbers that mw_unpack_words makes, bit by bit."""
    found: list[int] = []
    for word in words.astype(np.int64) & 0xFFFFFFFF:
        for place in range(0, 8, bits):
            for byte in range(4):
                number = (int(word) >> (8 * byte + place)) & ((1 << bits) - 1)
                found.append(number - (1 << (bits - 1)))
    return found


@settings(max_examples=100, deadline=None)
@given(data=st.data(), bits=st.sampled_from([2, 4]))
def test_what_is_packed_is_unpacked(data: st.DataObject, bits: int) -> None:
    half = 1 << (bits - 1)
    values = data.draw(st.lists(st.integers(-half, half - 1), min_size=1, max_size=70))
    stored = packed(np.array(values, np.int8), bits)
    assert unpacked(stored.table.data, bits)[: len(values)] == values
    assert stored.table.data.nbytes <= len(values) * bits / 8 + 4
