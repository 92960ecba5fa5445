# SPDX-License-Identifier: MIT
"""Portable kernels equal their operators' references, bit for bit, under sanitizers."""

from collections.abc import Sequence

import pytest

from milliwatt.backend.mcu.kernel import Core, Kernel
from milliwatt.backend.mcu.lowering.portable import (
    activation,
    arith,
    conv,
    dense,
    pool,
    quantize,
    recurrent,
    resize,
    shape,
    transpose_conv,
)
from tests import cases
from tests.kernels.harness import Job, check_kernels
from tests.support import needs_clang, needs_gcc

EXACT = {
    "conv2d_s8": conv.KERNELS,
    "depthwise_s8": conv.KERNELS,
    "conv2d_random_s8": conv.KERNELS,
    "conv2d_random_s16": conv.KERNELS,
    "depthwise_random_s8": conv.KERNELS,
    "depthwise_random_s16": conv.KERNELS,
    "conv2d_s16": conv.KERNELS,
    "depthwise_s16": conv.KERNELS,
    "transpose_conv_s8": transpose_conv.KERNELS,
    "transpose_conv_s16": transpose_conv.KERNELS,
    "dense_s8": dense.KERNELS,
    "dense_s16": dense.KERNELS,
    "max_pool_f32": pool.KERNELS,
    "add_f32": arith.KERNELS,
    "sub_f32": arith.KERNELS,
    "mul_f32": arith.KERNELS,
    "bilinear_s8": resize.KERNELS,
    "bilinear_s16": resize.KERNELS,
    "average_pool_s8": pool.KERNELS,
    "average_pool_s16": pool.KERNELS,
    "max_pool_s8": pool.KERNELS,
    "max_pool_s16": pool.KERNELS,
    "mean_s8": pool.KERNELS,
    "mean_s16": pool.KERNELS,
    "add_s8": arith.KERNELS,
    "add_s16": arith.KERNELS,
    "sub_s8": arith.KERNELS,
    "sub_s16": arith.KERNELS,
    "mul_s8": arith.KERNELS,
    "mul_s16": arith.KERNELS,
    "requantize": quantize.KERNELS,
    "quantize_f32": quantize.KERNELS,
    "dequantize": quantize.KERNELS,
    "activation_s8": activation.KERNELS,
    "activation_s16": activation.KERNELS,
    "activation_f32": activation.KERNELS,
    "softmax_s8": activation.KERNELS,
    "softmax_s16": activation.KERNELS,
    "svdf_s8_s8": recurrent.KERNELS,
    "svdf_s8_s16": recurrent.KERNELS,
    "lstm_s8": recurrent.KERNELS,
    "lstm_s16": recurrent.KERNELS,
    "movers": (*shape.KERNELS, *resize.KERNELS),
}


def jobs(family: str, kernels: Sequence[Kernel], seed: int = 0) -> list[Job]:
    """Every site with every kernel that takes it; each site must be taken."""
    found: list[Job] = []
    for site, inputs in cases.sites(family, seed):
        takers = [k for k in kernels if k.supports(site, Core())]
        assert takers, site
        found += [Job(kernel, site, inputs) for kernel in takers]
    return found


@needs_gcc
@pytest.mark.parametrize("family", EXACT)
def test_kernels_equal_the_reference(family: str) -> None:
    assert check_kernels(jobs(family, EXACT[family])) > 0


@needs_clang
def test_a_sample_of_every_family_equals_the_reference_with_clang() -> None:
    sample = [job for family, kernels in EXACT.items() for job in jobs(family, kernels)[::25]]
    assert check_kernels(sample, cc="clang") >= len(sample)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("family", EXACT)
def test_kernels_equal_the_reference_on_other_numbers(family: str, seed: int) -> None:
    check_kernels(jobs(family, EXACT[family], seed))
