# SPDX-License-Identifier: MIT
"""Convolutions on cores with the DSP instructions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from milliwatt.backend.mcu.kernel import (
    Arg,
    In,
    Kernel,
    Lit,
    Lowered,
    Out,
    Overlap,
    Ref,
    Scratch,
    Site,
    Table,
)
from milliwatt.backend.mcu.lowering.common.linear import constant, has_int8_parameters
from milliwatt.backend.mcu.lowering.common.overlap import blocks
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    Filters,
    can_pack,
    channel_pair_words,
    folded_filters,
    is_exact,
    pairs_of_runs,
    scale_words,
)
from milliwatt.backend.mcu.lowering.dsp.one_rounding import offset_of, one_rounding
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import convolution_factors
from milliwatt.units import align_up

BLOCK_PIXELS = 4
SHORT_RUN = 12
"""MW_SHORT_RUN of mw_window_s8_dsp.h."""
WORD = 4
SHALLOW_PAIRS = 17
"""Pairs that the longer loop of mw_matmul_s8_4px_dsp.h multiplies in its first turn: where there
are no more, its code only crowds the rest of the layer's out of a small cache."""


@lru_cache(maxsize=8)
def filters_of(site: Site) -> Filters:
    """The convolution's parameters, taps in the order of rows, columns, inputs."""
    x, weights, _ = site.inputs
    channels = weights.shape[0]
    factors = convolution_factors(x, weights, site.outputs[0], channels)
    return folded_filters(site, constant(site, 1).reshape(channels, -1), factors)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer's tables, and the arguments that say how they are to be read."""

    tables: tuple[Table, Table]
    zero: int
    """The output's zero point, or with `once` the offset."""
    clamp: tuple[int, int]
    packed: bool
    once: int
    """0: sums are rounded twice; 1: once; 2: once, and the longer loop pays."""


def _layer(site: Site, pairs: Array) -> _Layer:
    op, (y,) = site.op, site.outputs
    assert isinstance(op, Conv2D)
    filters = filters_of(site)
    packed = can_pack(filters)
    clamp = activation_range(op.activation, y)
    once = one_rounding(filters, y.zero_point, *clamp) if packed else None
    if once is None:
        tables = channel_pair_words(filters, pairs, packed), scale_words(filters)
        return _Layer(tables, y.zero_point, clamp, packed, 0)
    words = channel_pair_words(filters, pairs, packed, once.pair_starts())
    tables = words, once.pair_scales()
    form = 2 if len(pairs) > SHALLOW_PAIRS else 1
    return _Layer(tables, offset_of(y.zero_point), clamp, True, form)


def accepts_1x1(site: Site) -> bool:
    """Whether the site multiplies each pixel of an int8 image with all filters, exactly."""
    op = site.op
    return (
        isinstance(op, Conv2D)
        and has_int8_parameters(site)
        and site.inputs[1].shape[1:] == (1, 1, site.inputs[0].shape[3])
        and op.stride_hw == (1, 1)
        and op.padding == Padding()
        and is_exact(filters_of(site))
    )


def _lower_1x1(site: Site) -> Lowered:
    x, weights, _ = site.inputs
    channels, _, _, depth = weights.shape
    pixels = x.elements // depth
    pairs = pairs_of_runs([depth])
    layer = _layer(site, pairs)
    return Lowered(
        "mw_conv2d_1x1_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, channels, layer.zero),
            *fixed(*layer.clamp, int(layer.packed), layer.once),
        ),
        layer.tables,
        scratch_bytes=4 * len(pairs) * block_pixels(pixels),
        overlaps=block_overlap(np.arange(pixels) * depth, channels),
    )


def lower_1x1_small(site: Site) -> Lowered:
    """The call of the small form. Last comes whether all inputs fill words."""
    lowered = _lower_1x1(site)
    return replace(
        lowered,
        function="mw_conv2d_1x1_small_s8_dsp",
        args=(*_shallow(lowered.args), *fixed(int(site.inputs[0].shape[3] % 4 == 0))),
        overlaps=lowered.overlaps if has_whole_blocks(site) else (),
    )


def _shallow(args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Arguments of which the last says how sums are rounded; little code has one loop."""
    last = args[-1]
    assert isinstance(last, Lit)
    return *args[:-1], Lit(min(last.value, 1))


def has_a_block(site: Site) -> bool:
    """Whether there are pixels enough for the small forms."""
    return site.outputs[0].elements // site.outputs[0].shape[3] >= BLOCK_PIXELS


def has_whole_blocks(site: Site) -> bool:
    """Whether no pixels are left over."""
    return site.outputs[0].elements // site.outputs[0].shape[3] % BLOCK_PIXELS == 0


def accepts_conv(site: Site) -> bool:
    """Whether the site is an int8 convolution of one image, not dilated, exactly."""
    op = site.op
    return (
        isinstance(op, Conv2D)
        and has_int8_parameters(site)
        and site.inputs[0].shape[0] == 1
        and site.inputs[1].shape[3] == site.inputs[0].shape[3]
        and all(d == 1 or k == 1 for d, k in zip(op.dilation_hw, _kernel_hw(site), strict=True))
        and is_exact(filters_of(site))
    )


def _kernel_hw(site: Site) -> tuple[int, int]:
    _, kh, kw, _ = site.inputs[1].shape
    return kh, kw


def _lower_conv(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    channels, kh, kw, depth = weights.shape
    out_h, out_w = y.shape[1:3]
    run, block = kw * depth, block_pixels(out_h * out_w)
    pairs = pairs_of_runs([run] * kh)
    layer = _layer(site, pairs)
    return Lowered(
        "mw_conv2d_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*x.shape[1:], out_h, out_w, channels, kh, kw, *op.stride_hw),
            *passed(op.padding.top, op.padding.left, len(pairs), block),
            *passed(x.zero_point, layer.zero),
            *fixed(*layer.clamp, int(layer.packed), layer.once),
            *fixed(_short_run(site)),
        ),
        layer.tables,
        scratch_bytes=align_up(4 * len(pairs) * block + run, 4),
        overlaps=block_overlap(first_reads_bytes(x, y, op.stride_hw, op.padding), channels),
    )


def _short_run(site: Site) -> int:
    """The length of a window's row where there is code for it, else 0."""
    op, (x, weights, _), (y,) = site.op, site.inputs, site.outputs
    assert isinstance(op, Conv2D)
    run, depth = weights.shape[2] * weights.shape[3], x.shape[3]
    if run != WORD:
        return run if run <= SHORT_RUN else 0
    row = x.shape[2] * depth
    before = op.padding.left * depth
    last = (y.shape[2] - 1) * op.stride_hw[1] * depth - before
    reaches_in = before < WORD and last < row
    return run if row >= WORD and reaches_in else 0


def lower_conv_small(site: Site) -> Lowered:
    """The call of the small form: no block size, no code for a length of window rows."""
    lowered = _lower_conv(site)
    kept = (*lowered.args[:_BLOCK], *lowered.args[_BLOCK + 1 : -1])
    return replace(
        lowered,
        function="mw_conv2d_small_s8_dsp",
        args=_shallow(kept),
        overlaps=lowered.overlaps if has_whole_blocks(site) else (),
    )


_BLOCK = 18
"""Place of the block size among the arguments of mw_conv2d_s8_dsp."""


def block_pixels(pixels: int) -> int:
    """Pixels whose inputs lie in scratch memory at once."""
    return BLOCK_PIXELS if pixels >= BLOCK_PIXELS else 1


def first_reads_bytes(
    x: TensorType, y: TensorType, stride_hw: tuple[int, int], padding: Padding
) -> Array:
    """For each output pixel of one image, the first input byte that its window holds, or a later's.

    Windows of a row begin before those at the end of the row above it.
    """
    _, _, width, depth = x.shape
    rows = np.maximum(np.arange(y.shape[1]) * stride_hw[0] - padding.top, 0)
    columns = np.maximum(np.arange(y.shape[2]) * stride_hw[1] - padding.left, 0)
    first = ((rows[:, None] * width + columns[None, :]) * depth).reshape(-1)
    return np.minimum.accumulate(first[::-1])[::-1]


def block_overlap(first_read_bytes: Array, channels: int) -> tuple[Overlap, ...]:
    """The overlap of a kernel of blocks; pixels that are left are taken one by one."""
    pixels = len(first_read_bytes)
    whole = pixels // BLOCK_PIXELS * BLOCK_PIXELS
    full = np.arange(BLOCK_PIXELS, whole + 1, BLOCK_PIXELS)
    ends = np.concatenate([full, np.arange(whole, pixels) + 1])
    return blocks(first_read_bytes, ends, channels)


KERNELS: tuple[Kernel, ...] = (
    DspKernel("conv2d_1x1_s8_dsp", "mw_conv2d_1x1_s8_dsp.h", accepts_1x1, _lower_1x1),
    DspKernel("conv2d_s8_dsp", "mw_conv2d_s8_dsp.h", accepts_conv, _lower_conv),
)
