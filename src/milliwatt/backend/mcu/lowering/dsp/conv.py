# SPDX-License-Identifier: MIT
"""Convolutions on cores with the DSP instructions."""

from __future__ import annotations

from collections.abc import Callable
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
    coarse_words,
    folded_filters,
    is_exact,
    is_rescaled_exactly,
    pairs_of_runs,
    scale_words,
)
from milliwatt.backend.mcu.lowering.dsp.one_rounding import (
    FINE_RESULT_BITS,
    LARGE_RESULT_BITS,
    RESULT_BITS,
    OneRounding,
    offset_of,
    one_rounding,
)
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


TWICE, ONCE, ONCE_DEEP, ONCE_LARGE, COARSE, TWICE_BRIEF, ONCE_BRIEF, ONCE_FINE = range(8)
"""MW_PAIR_TWICE ... MW_PAIR_ONCE_FINE of mw_pair_scales_dsp.h."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's tables, and the arguments that say how they are to be read."""

    tables: tuple[Table, Table]
    zero: int
    """The output's zero point, or the offset where sums are rounded once."""
    clamp: tuple[int, int]
    packed: bool
    form: int


LayerOf = Callable[[Site, Array], Layer]
"""Of a site and the pairs of its taps."""


def layer_of(site: Site, pairs: Array) -> Layer:
    """The form of the fewest instructions."""
    filters, y, clamp = filters_of(site), site.outputs[0], clamp_of(site)
    packed = can_pack(filters)
    once = _rounded_once(site, pairs) if packed else None
    if once is not None:
        return once
    if is_exact(filters):
        tables = channel_pair_words(filters, pairs, packed), scale_words(filters)
        return Layer(tables, y.zero_point, clamp, packed, TWICE)
    tables = channel_pair_words(filters, pairs, packed=False), coarse_words(filters)
    return Layer(tables, y.zero_point, clamp, False, COARSE)


def _rounded_once(site: Site, pairs: Array) -> Layer | None:
    usual = ONCE_DEEP if len(pairs) > SHALLOW_PAIRS else ONCE
    forms = (
        *((usual, RESULT_BITS), (ONCE_LARGE, LARGE_RESULT_BITS)),
        (ONCE_FINE, FINE_RESULT_BITS),
    )
    for form, bits in forms:
        once = once_of(site, bits)
        if once is not None:
            words = channel_pair_words(filters_of(site), pairs, True, once.pair_starts())
            zero = offset_of(site.outputs[0].zero_point, bits)
            return Layer((words, once.pair_scales()), zero, clamp_of(site), True, form)
    return None


@lru_cache(maxsize=32)
def once_of(site: Site, result_bits: int, mantissa_bits: int = 31) -> OneRounding | None:
    """The constants of a single rounding, where they are proved."""
    zero_point = site.outputs[0].zero_point
    return one_rounding(
        filters_of(site),
        zero_point,
        *clamp_of(site),
        result_bits=result_bits,
        mantissa_bits=mantissa_bits,
    )


def clamp_of(site: Site) -> tuple[int, int]:
    """What the outputs are limited to."""
    op = site.op
    assert isinstance(op, Conv2D)
    return activation_range(op.activation, site.outputs[0])


def is_1x1(site: Site) -> bool:
    """Whether the site multiplies each pixel of an int8 image with all filters."""
    op = site.op
    return (
        isinstance(op, Conv2D)
        and has_int8_parameters(site)
        and site.inputs[1].shape[1:] == (1, 1, site.inputs[0].shape[3])
        and op.stride_hw == (1, 1)
        and op.padding == Padding()
    )


def accepts_1x1(site: Site) -> bool:
    """The same, with factors below 1/2."""
    return is_1x1(site) and is_exact(filters_of(site))


def computes_1x1(site: Site) -> bool:
    """The same, with any factors that there is a form for."""
    return is_1x1(site) and is_rescaled_exactly(filters_of(site))


def _lower_1x1(site: Site) -> Lowered:
    return lower_1x1(site, layer_of)


def lower_1x1(site: Site, layer_of: LayerOf) -> Lowered:
    """The call, its tables as `layer_of` says."""
    x, weights, _ = site.inputs
    channels, _, _, depth = weights.shape
    pixels = x.elements // depth
    pairs = pairs_of_runs([depth])
    layer = layer_of(site, pairs)
    return Lowered(
        "mw_conv2d_1x1_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, channels, layer.zero),
            *fixed(*layer.clamp, int(layer.packed), layer.form),
        ),
        layer.tables,
        scratch_bytes=4 * len(pairs) * block_pixels(pixels),
        overlaps=block_overlap(np.arange(pixels) * depth, channels),
    )


def lower_1x1_small(site: Site, layer_of: LayerOf = layer_of) -> Lowered:
    """The call of the small form. Last comes whether all inputs fill words."""
    lowered = lower_1x1(site, layer_of)
    return replace(
        lowered,
        function="mw_conv2d_1x1_small_s8_dsp",
        args=(*_shallow(lowered.args), *fixed(int(site.inputs[0].shape[3] % 4 == 0))),
        overlaps=lowered.overlaps if has_whole_blocks(site) else (),
        scratch_bytes=lowered.scratch_bytes + _more_scratch_bytes(site),
    )


def _shallow(args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Arguments of which the last is the form; little code has one loop."""
    last = args[-1]
    assert isinstance(last, Lit)
    return *args[:-1], Lit(ONCE if last.value == ONCE_DEEP else last.value)


def _more_scratch_bytes(site: Site) -> int:
    """The small forms widen four pixels where the others take each of fewer than four alone."""
    _, kh, kw, depth = site.inputs[1].shape
    pixels = site.outputs[0].elements // site.outputs[0].shape[3]
    return 4 * len(pairs_of_runs([kw * depth] * kh)) * (BLOCK_PIXELS - block_pixels(pixels))


def has_whole_blocks(site: Site) -> bool:
    """Whether no pixels are left over."""
    return site.outputs[0].elements // site.outputs[0].shape[3] % BLOCK_PIXELS == 0


def is_undilated(site: Site) -> bool:
    """Whether the site is an int8 convolution of one image, not dilated."""
    op = site.op
    return (
        isinstance(op, Conv2D)
        and has_int8_parameters(site)
        and site.inputs[0].shape[0] == 1
        and site.inputs[1].shape[3] == site.inputs[0].shape[3]
        and all(d == 1 or k == 1 for d, k in zip(op.dilation_hw, _kernel_hw(site), strict=True))
    )


def accepts_conv(site: Site) -> bool:
    """The same, with factors below 1/2."""
    return is_undilated(site) and is_exact(filters_of(site))


def computes_conv(site: Site) -> bool:
    """The same, with any factors that there is a form for."""
    return is_undilated(site) and is_rescaled_exactly(filters_of(site))


def _kernel_hw(site: Site) -> tuple[int, int]:
    _, kh, kw, _ = site.inputs[1].shape
    return kh, kw


def _lower_conv(site: Site) -> Lowered:
    return lower_conv(site, layer_of)


def lower_conv(site: Site, layer_of: LayerOf) -> Lowered:
    """The call, its tables as `layer_of` says."""
    op = site.op
    assert isinstance(op, Conv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    channels, kh, kw, depth = weights.shape
    out_h, out_w = y.shape[1:3]
    run, block = kw * depth, block_pixels(out_h * out_w)
    pairs = pairs_of_runs([run] * kh)
    layer = layer_of(site, pairs)
    return Lowered(
        "mw_conv2d_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*x.shape[1:], out_h, out_w, channels, kh, kw, *op.stride_hw),
            *passed(op.padding.top, op.padding.left, len(pairs), block),
            *passed(x.zero_point, layer.zero),
            *fixed(*layer.clamp, int(layer.packed), layer.form),
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


def lower_conv_small(site: Site, layer_of: LayerOf = layer_of) -> Lowered:
    """The call of the small form: no block size, no code for a length of window rows."""
    lowered = lower_conv(site, layer_of)
    kept = (*lowered.args[:_BLOCK], *lowered.args[_BLOCK + 1 : -1])
    return replace(
        lowered,
        function="mw_conv2d_small_s8_dsp",
        args=_shallow(kept),
        overlaps=lowered.overlaps if has_whole_blocks(site) else (),
        scratch_bytes=lowered.scratch_bytes + _more_scratch_bytes(site),
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
    DspKernel("conv2d_1x1_s8_dsp", "mw_conv2d_1x1_s8_dsp.h", computes_1x1, _lower_1x1),
    DspKernel("conv2d_s8_dsp", "mw_conv2d_s8_dsp.h", computes_conv, _lower_conv),
)
