# SPDX-License-Identifier: MIT
"""Convolutions most of whose weights are zero, on cores with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Overlap, Ref, Scratch, Site
from milliwatt.backend.mcu.lowering.common.overlap import blocks
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import conv as dsp_conv
from milliwatt.backend.mcu.lowering.dsp.conv import filters_of, first_reads_bytes
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel
from milliwatt.backend.mcu.lowering.dsp.sparse_layout import (
    best_form,
    expanded_pairs,
    sparse_scales,
    sparse_words,
    stored_pairs,
    work,
)
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

BLOCK_PIXELS = 8
MARGIN = 0.9
"""The kernels are offered where they are predicted to take less than this share of the dense
kernel's instructions: the prediction leaves out what both have alike."""


def _runs(site: Site) -> list[int]:
    """Lengths of a window's rows."""
    _, kh, kw, depth = site.inputs[1].shape
    return [kw * depth] * kh


def _pays(site: Site) -> bool:
    """Whether fewer instructions are predicted than of the dense kernel."""
    weights = filters_of(site).weights
    pairs, live = work(weights, _runs(site))
    channels, taps = weights.shape
    pixels = site.outputs[0].elements // channels
    eights, rest = divmod(pixels, BLOCK_PIXELS)
    fours, ones = divmod(rest, BLOCK_PIXELS // 2)
    sparse = eights * (17 * pairs + 76 * live + 22 * (channels - live))
    sparse += fours * (11 * pairs + 48 * live + 18 * (channels - live))
    sparse += ones * (7 * pairs + 16 * live + 6 * (channels - live))
    by_four, by_one = divmod(pixels, dsp_conv.BLOCK_PIXELS)
    channel_pairs, tap_pairs = ceil_div(channels, 2), ceil_div(taps, 2)
    dense = by_four * channel_pairs * (12.4 * tap_pairs + 80)
    dense += by_one * channel_pairs * (5 * tap_pairs + 25)
    return sparse < MARGIN * dense


def accepts_1x1(site: Site) -> bool:
    """Whether the site is a 1x1 convolution that has few weights."""
    return dsp_conv.accepts_1x1(site) and _pays(site)


def accepts_conv(site: Site) -> bool:
    """Whether the site is a convolution that has few weights."""
    return dsp_conv.accepts_conv(site) and _pays(site)


def _lower_1x1(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    channels, _, _, depth = site.inputs[1].shape
    pixels = x.elements // depth
    filters = filters_of(site)
    form = best_form(filters.weights, [depth])
    stored = stored_pairs(filters.weights, [depth], form)
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_conv2d_1x1_sparse_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, channels, y.zero_point),
            *fixed(low, high, int(low >= y.zero_point), form.value),
        ),
        (sparse_words(filters, y, (low, high), stored), sparse_scales(filters, stored)),
        scratch_bytes=4 * len(expanded_pairs([depth], form)) * _block_pixels(pixels),
        overlaps=block_overlap(np.arange(pixels) * depth, channels),
    )


def _lower_conv(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    channels, kh, kw, depth = site.inputs[1].shape
    out_h, out_w = y.shape[1:3]
    filters = filters_of(site)
    form = best_form(filters.weights, _runs(site))
    stored = stored_pairs(filters.weights, _runs(site), form)
    pair_bytes = 4 * len(expanded_pairs(_runs(site), form)) * _block_pixels(out_h * out_w)
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_conv2d_sparse_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*x.shape[1:], out_h, out_w, channels, kh, kw, *op.stride_hw),
            *passed(op.padding.top, op.padding.left, pair_bytes, x.zero_point, y.zero_point),
            *fixed(low, high, int(low >= y.zero_point), form.value),
        ),
        (sparse_words(filters, y, (low, high), stored), sparse_scales(filters, stored)),
        scratch_bytes=align_up(pair_bytes + kw * depth, 4),
        overlaps=block_overlap(first_reads_bytes(x, y, op.stride_hw, op.padding), channels),
    )


def _block_pixels(pixels: int) -> int:
    """Pixels whose inputs lie in scratch memory at once."""
    half = BLOCK_PIXELS // 2
    return BLOCK_PIXELS if pixels >= BLOCK_PIXELS else half if pixels >= half else 1


def block_overlap(first_read_bytes: Array, channels: int) -> tuple[Overlap, ...]:
    """The overlap of a kernel that takes eight pixels at a time.

    Of the pixels that eight do not divide four are taken together, then one by one.
    """
    pixels, half = len(first_read_bytes), BLOCK_PIXELS // 2
    eights = np.arange(BLOCK_PIXELS, pixels + 1, BLOCK_PIXELS)
    whole = pixels // half * half
    ends = np.unique(np.concatenate([eights, [whole] * (whole > 0), np.arange(whole, pixels) + 1]))
    return blocks(first_read_bytes, ends.astype(np.int64), channels)


KERNELS: tuple[Kernel, ...] = (
    DspKernel("conv2d_1x1_sparse_s8_dsp", "mw_conv2d_1x1_sparse_s8_dsp.h", accepts_1x1, _lower_1x1),
    DspKernel("conv2d_sparse_s8_dsp", "mw_conv2d_sparse_s8_dsp.h", accepts_conv, _lower_conv),
)
