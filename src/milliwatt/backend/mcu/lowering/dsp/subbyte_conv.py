# SPDX-License-Identifier: MIT
"""Convolutions with int4 and int2 weights on cores with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.conv import (
    SHORT_RUN,
    block_overlap,
    block_pixels,
    filters_of,
    first_reads_bytes,
)
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    coarse_words,
    is_coarse,
    pairs_of_runs,
)
from milliwatt.backend.mcu.lowering.dsp.subbyte_layout import (
    has_subbyte_parameters,
    is_subbyte_exact,
    packing_of,
    subbyte_words,
)
from milliwatt.backend.mcu.lowering.portable.conv import is_pointwise
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up


def _accepts_conv(site: Site) -> bool:
    op = site.op
    if not (isinstance(op, Conv2D) and has_subbyte_parameters(site)):
        return False
    _, kh, kw, depth = site.inputs[1].shape
    return (
        site.inputs[0].shape[0] == 1
        and depth == site.inputs[0].shape[3]
        and all(d == 1 or k == 1 for d, k in zip(op.dilation_hw, (kh, kw), strict=True))
        and is_subbyte_exact(filters_of(site), packing_of(site))
    )


def _accepts_1x1(site: Site) -> bool:
    return (
        isinstance(site.op, Conv2D)
        and has_subbyte_parameters(site)
        and is_pointwise(site)
        and is_subbyte_exact(filters_of(site), packing_of(site))
    )


def _scratch_bytes(pairs: int, pixels: int) -> int:
    """A block's pairs, and what corrects its sums."""
    block = block_pixels(pixels)
    return 4 * block * pairs + (4 * block if block > 1 else 0)


def _lower_1x1(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    channels, _, _, depth = site.inputs[1].shape
    pixels = x.elements // depth
    filters, packing = filters_of(site), packing_of(site)
    pairs = pairs_of_runs([depth])
    words = packing.words(len(pairs))
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_conv2d_1x1_subbyte_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, channels, words, y.zero_point),
            *fixed(low, high, int(low >= y.zero_point), packing.bits, int(is_coarse(filters))),
        ),
        (subbyte_words(filters, pairs, packing), coarse_words(filters)),
        scratch_bytes=_scratch_bytes(words * packing.pairs_per_word, pixels),
        overlaps=block_overlap(np.arange(pixels) * depth, channels),
    )


def _lower_conv(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    channels, kh, kw, depth = site.inputs[1].shape
    out_h, out_w = y.shape[1:3]
    run = kw * depth
    filters, packing = filters_of(site), packing_of(site)
    pairs = pairs_of_runs([run] * kh)
    words = packing.words(len(pairs))
    row_offset_bytes = _scratch_bytes(words * packing.pairs_per_word, out_h * out_w)
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_conv2d_subbyte_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*x.shape[1:], out_h, out_w, channels, kh, kw, *op.stride_hw),
            *passed(op.padding.top, op.padding.left, len(pairs), words, row_offset_bytes),
            *passed(x.zero_point, y.zero_point),
            *fixed(low, high, int(low >= y.zero_point), run if run <= SHORT_RUN else 0),
            *fixed(packing.bits, int(is_coarse(filters))),
        ),
        (subbyte_words(filters, pairs, packing), coarse_words(filters)),
        scratch_bytes=align_up(row_offset_bytes + run, 4),
        overlaps=block_overlap(first_reads_bytes(x, y, op.stride_hw, op.padding), channels),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel("conv2d_1x1_subbyte_dsp", "mw_conv2d_1x1_subbyte_dsp.h", _accepts_1x1, _lower_1x1),
    DspKernel("conv2d_subbyte_dsp", "mw_conv2d_subbyte_dsp.h", _accepts_conv, _lower_conv),
)
