# SPDX-License-Identifier: MIT
"""Convolutions on cores with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Overlap, Ref, Scratch, Site
from milliwatt.backend.mcu.lowering._linear import constant
from milliwatt.backend.mcu.lowering._overlap import in_order
from milliwatt.backend.mcu.lowering._shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp_layout import (
    DspKernel,
    Filters,
    channel_pair_words,
    folded_filters,
    has_int8_parameters,
    is_exact,
    pairs_of_runs,
    scale_words,
)
from milliwatt.ops.base import Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import convolution_factors

BLOCK_PIXELS = 4


def _filters(site: Site) -> Filters:
    x, weights, _ = site.inputs
    channels = weights.shape[0]
    factors = convolution_factors(x, weights, site.outputs[0], channels)
    return folded_filters(site, constant(site, 1).reshape(channels, -1), factors)


def _accepts_1x1(site: Site) -> bool:
    op = site.op
    return (
        isinstance(op, Conv2D)
        and has_int8_parameters(site)
        and site.inputs[1].shape[1:] == (1, 1, site.inputs[0].shape[3])
        and op.stride_hw == (1, 1)
        and op.padding == Padding()
        and is_exact(_filters(site))
    )


def _lower_1x1(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    channels, _, _, depth = weights.shape
    pixels = x.elements // depth
    filters = _filters(site)
    pairs = pairs_of_runs([depth])
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_conv2d_1x1_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, channels, y.zero_point),
            *fixed(low, high),
        ),
        (channel_pair_words(filters, pairs), scale_words(filters)),
        scratch_bytes=4 * len(pairs) * block_pixels(pixels),
        overlaps=_block_overlap(np.arange(pixels) * depth, channels),
    )


def block_pixels(pixels: int) -> int:
    """Pixels whose inputs lie in scratch memory at once."""
    return BLOCK_PIXELS if pixels >= BLOCK_PIXELS else 1


def _block_overlap(first_read_bytes: np.ndarray, channels: int) -> tuple[Overlap, ...]:
    """The overlap of a kernel that reads a block of pixels' inputs, then writes its outputs.

    `first_read_bytes[p]` is the lowest input byte pixel p reads.
    """
    pixels = len(first_read_bytes)
    whole = pixels // BLOCK_PIXELS * BLOCK_PIXELS
    ends = np.concatenate(
        [np.arange(BLOCK_PIXELS, whole + 1, BLOCK_PIXELS), np.arange(whole, pixels) + 1]
    )
    # While a block is written only those after it are still to be read.
    beyond = np.append(first_read_bytes, np.iinfo(np.int64).max)
    lowest_after = np.minimum.accumulate(beyond[::-1])[::-1]
    return in_order(lowest_after[ends], ends * channels, pixels * channels)


KERNELS: tuple[Kernel, ...] = (
    DspKernel("conv2d_1x1_s8_dsp", "mw_conv2d_1x1_s8_dsp.h", _accepts_1x1, _lower_1x1),
)
