# SPDX-License-Identifier: MIT
"""Weights in the lossless code come back exactly, and the kernels that read them are exact."""

from __future__ import annotations

import ctypes
import dataclasses
import subprocess
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering.common.rice import GROUP, LONGEST_ZEROS, Coded, encode
from milliwatt.backend.mcu.lowering.dsp import coded
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window
from tests.kernels.dsp import CORTEX_M4, DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import KERNELS_DIR, WARNINGS, Job, check_kernels
from tests.support import needs_arm_gcc

WINDOWS = [
    Window((1, 3, 6, 64), 10, activation=Activation.RELU6),
    Window((1, 5, 5, 51), 14),
    Window((1, 7, 5, 12), 4, (3, 3), padding="same"),
    Window((1, 9, 7, 6), 5, (5, 4), stride=(2, 2), padding="same"),
    Window((1, 2, 2, 25), 3, (5, 5), padding=Padding(3, 2, 2, 4)),
    # Decoded in blocks of channels, the last of them not whole.
    Window((1, 3, 3, 64), 37, activation=Activation.RELU),
    Window((1, 3, 2, 130), 48),
    Window((1, 4, 3, 14), 51, (3, 3), padding="same", activation=Activation.RELU6),
    Window((1, 7, 7, 32), 34, (3, 2), stride=(3, 2)),
]
DEPTHWISE = [
    Window((1, 6, 6, 64), 64, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 9, 8, 40), 40, (3, 3), stride=(2, 2), padding="same"),
    Window((1, 12, 1, 36), 36, (5, 1)),
]
DENSE = [(1, 138, 51), (1, 64, 10), (1, 640, 5), (1, 51, 9)]
NUMBERS = [PLAIN, Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0)]


def bell(case: Case, spread: float, seed: int) -> Case:
    """The case with weights as training leaves them: many small ones, few large.

    Of those of little spread some are as large as can be.
    """
    site, inputs = case
    rng = np.random.default_rng(seed)
    drawn = rng.laplace(0, spread, inputs[1].shape)
    drawn = np.where((spread < 1) & (rng.random(drawn.shape) < 0.03), 1000 * drawn, drawn)
    weights = np.clip(np.round(drawn), -127, 127).astype(np.int8)
    constants = (None, weights, site.constants[2])
    return dataclasses.replace(site, constants=constants), [inputs[0], weights, inputs[2]]


@cache
def jobs() -> list[Job]:
    """Each shape with weights of little and of more entropy, number formats in turn."""
    makers = [(linear.convolution, WINDOWS), (linear.depthwise, DEPTHWISE), (linear.dense, DENSE)]
    shapes = [(make, shape) for make, some in makers for shape in some]
    cases = [
        bell(make(shape, DType.INT8, NUMBERS[(i + j) % len(NUMBERS)], i), spread, i)
        for i, (make, shape) in enumerate(shapes)
        for j, spread in enumerate((0.3, 1.5, 9.0))
    ]
    return [
        Job(kernel, site, inputs)
        for site, inputs in cases
        for kernel in coded.KERNELS
        if kernel.supports(site, DSP)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_host(cc: str) -> None:
    found = jobs()
    assert {job.kernel.name for job in found} == {kernel.name for kernel in coded.KERNELS}
    check_kernels(found, cc=cc)


@pytest.mark.parametrize(("compiler", "optimisation"), CORTEX_M4)
def test_cortex_m4(compiler: str, optimisation: str) -> None:
    check_emulated(jobs(), "cortex-m4", compiler, optimisation=optimisation)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_other_cores_with_dsp(core: str) -> None:
    check_emulated(jobs()[::5], core, "gcc")


def test_only_where_the_codes_are_smaller() -> None:
    flat, _ = linear.dense((1, 640, 12), DType.INT8, PLAIN, 0)
    assert not any(kernel.supports(flat, DSP) for kernel in coded.KERNELS)
    steep, _ = bell(linear.dense((1, 640, 12), DType.INT8, PLAIN, 0), 3.0, 0)
    (kernel,) = [k for k in coded.KERNELS if k.supports(steep, DSP)]
    assert kernel.lower(steep).tables[0].data.nbytes < 0.6 * 640 * 12
    assert not kernel.supports(steep, Core())


def test_convolutions_of_many_weights_need_no_memory_for_all_of_them() -> None:
    shape = Window((1, 8, 8, 64), 64, (3, 3), padding="same")
    site, _ = bell(linear.convolution(shape, DType.INT8, PLAIN, 0), 9.0, 0)
    found = [k for k in coded.KERNELS if k.supports(site, DSP)]
    assert [k.name for k in found] == [
        "conv2d_s8_coded_blocks",
        "conv2d_small_s8_coded_blocks",
        "conv2d_brief_s8_coded_blocks",
    ]
    assert all(k.lower(site).scratch_bytes < 64 * 576 / 2 for k in found)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    """mw_rice.h on the host, so many bytes at a time."""
    folder = tmp_path_factory.mktemp("rice")
    text = f"void decode({_DECODE})\n{{\n{_BODY}}}\n"
    (folder / "rice.c").write_text(f'#include "mw_rice.h"\nvoid decode({_DECODE});\n{text}')
    flags = ["-O1", "-shared", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    library = folder / "rice.so"
    files = [f"-I{KERNELS_DIR}", str(folder / "rice.c"), "-o", str(library)]
    subprocess.run(["gcc", *WARNINGS, *flags, *files], check=True)
    function = ctypes.CDLL(str(library)).decode

    def run(coded: Coded, count: int, block: int) -> Array:
        values = np.zeros(count + 16, np.int8)
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (coded.data, values)]
        function(*pointers, *(ctypes.c_int32(n) for n in (count, block, coded.low_bytes, coded.k)))
        return values[:count]

    return run


Decoder = Callable[[Coded, int, int], Array]
_DECODE = (
    "const uint8_t *codes, int8_t *to, int32_t count, int32_t block, int32_t low_bytes, int32_t k"
)
_BODY = """\
    mw_rice reader = mw_rice_begin(codes, low_bytes);
    for (; count > 0; count -= block) {
        mw_rice_bytes(&reader, to, count < block ? count : block, k);
        to += block;
    }
"""


def decode(coded: Coded, count: int) -> Array:
    """The first `count` values: what mw_rice.h says of the code, bit by bit."""
    low = "".join(f"{byte:08b}"[::-1] for byte in coded.data[: coded.low_bytes].tolist())
    bits = "".join(f"{byte:08b}" for byte in coded.data[coded.low_bytes :].tolist())
    position, values = 0, []
    for i in range(count):
        zeros = bits.index("1", position) - position
        if zeros > LONGEST_ZEROS:
            quotient = int(bits[position + 12 : position + 19], 2)
            position += 19
        else:
            quotient = zeros
            position += zeros + 1
        number = int(low[coded.k * i : coded.k * (i + 1)][::-1], 2) - (1 << (coded.k - 1))
        magnitude = quotient << (coded.k - 1)
        values.append(~(magnitude | ~number) if number < 0 else magnitude | number)
    return np.array(values, np.int8)


_VALUES = (
    st.lists(st.integers(-128, 127), min_size=1, max_size=60)
    | st.lists(st.integers(-3, 3), min_size=1, max_size=200)
    | st.lists(st.sampled_from([0, 0, 0, 0, 0, -1, 1, 127, -128]), min_size=1, max_size=200)
)


@settings(max_examples=300, deadline=None)
@given(values=_VALUES, groups=st.integers(1, 6))
def test_what_is_encoded_is_decoded(values: list[int], groups: int, decoder: Decoder) -> None:
    array: Array = np.array(values, np.int8)
    found = encode(array)
    assert (decode(found, len(values)) == array).all()
    assert (decoder(found, len(values), GROUP * groups) == array).all()
    assert found.size_bytes <= 2 * len(values) + 24
