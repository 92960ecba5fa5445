# SPDX-License-Identifier: MIT
"""Convolutions on cores with Helium."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from milliwatt.backend.mcu.lowering.common.linear import has_int8_parameters
from milliwatt.backend.mcu.lowering.common.overlap import blocks, ends_of_blocks
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import (
    conv as dsp_conv,
)
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise as dsp_depthwise,
)
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve.layout import (
    PLAIN,
    RELU,
    VECTOR,
    MveKernel,
    block_scales,
    block_weights,
    filled,
    fits,
    form_of,
)
from milliwatt.backend.mcu.lowering.mve.once import ONCE, ONE_SUM, once_folded
from milliwatt.backend.mcu.lowering.portable.conv import is_pointwise
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import ceil_div

BLOCK_CHANNELS = 4
BLOCK_PIXELS = 2
FEW_VECTORS = 3
"""Vectors of inputs that two pixels may have, to stay in registers."""
FEW_WINDOWS = 8
"""MW_FEW_WINDOWS of mw_conv2d_s8_mve.h."""


def accepts_1x1(site: Site) -> bool:
    """Whether the site multiplies each pixel of an int8 image with all filters, exactly."""
    return (
        isinstance(site.op, Conv2D)
        and has_int8_parameters(site)
        and is_pointwise(site)
        and fits(dsp_conv.filters_of(site))
    )


def _lower_1x1(site: Site) -> Lowered:
    return _few_1x1(site) or lower_1x1(site)


def _few_1x1(site: Site) -> Lowered | None:
    """The call for pixels that fit registers."""
    weights, (y,) = site.inputs[1], site.outputs
    channels, _, _, depth = weights.shape
    pixels = y.elements // channels
    few = _few(site, dsp_conv.filters_of(site))
    if few is None:
        return None
    lanes = (depth - 1) % VECTOR + 1
    return Lowered(
        "mw_conv2d_1x1_few_s8_mve",
        (
            *(In(0), Out(0), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, lanes, channels),
            *few.ends,
        ),
        few.tables,
        overlaps=block_overlap(np.arange(pixels) * depth, channels),
    )


@dataclass(frozen=True, slots=True)
class _Few:
    """Tables of a layer of few inputs, and the kernel's last arguments."""

    tables: tuple[Table, ...]
    ends: tuple[Lit, ...]


def _few(site: Site, filters: Filters) -> _Few | None:
    """What kernels for few inputs take; None for layers that they do not compute."""
    op, (y,) = site.op, site.outputs
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    vectors, form = ceil_div(filters.weights.shape[1], VECTOR), form_of(filters, y, op.activation)
    if vectors > FEW_VECTORS or form not in (RELU, PLAIN):
        return None
    once = None
    if form == RELU:
        once = once_folded(filters, y.zero_point, *activation_range(op.activation, y))
    if once is None:
        scales = block_scales(filters, BLOCK_CHANNELS, form)
        number = y.zero_point
    else:
        filters, form, number = replace(filters, bias=once.bias), ONCE, ONE_SUM
        scales = Table("scales", filled(once.multiplier, BLOCK_CHANNELS), "constants")
    tables = (block_weights(filters, BLOCK_CHANNELS), scales)
    return _Few(tables, (*passed(number), *fixed(vectors, form)))


def lower_1x1(site: Site) -> Lowered:
    """The call for pixels of any number of inputs."""
    op = site.op
    assert isinstance(op, Conv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    channels, _, _, depth = weights.shape
    pixels, vectors = x.elements // depth, ceil_div(depth, VECTOR)
    filters = dsp_conv.filters_of(site)
    low, high = activation_range(op.activation, y)
    form = form_of(filters, y, op.activation)
    return Lowered(
        "mw_conv2d_1x1_s8_mve",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, vectors, channels, y.zero_point, low, high),
            *fixed(form),
        ),
        (block_weights(filters, BLOCK_CHANNELS), block_scales(filters, BLOCK_CHANNELS, form)),
        scratch_bytes=BLOCK_PIXELS * VECTOR * vectors,
        overlaps=block_overlap(np.arange(pixels) * depth, channels),
    )


def reads_windows(site: Site) -> bool:
    """Whether the site is a convolution of one image, all channels with all, not dilated."""
    op = site.op
    if not isinstance(op, Conv2D):
        return False
    _, kh, kw, depth = site.inputs[1].shape
    return (
        site.inputs[0].shape[0] == 1
        and depth == site.inputs[0].shape[3]
        and all(d == 1 or k == 1 for d, k in zip(op.dilation_hw, (kh, kw), strict=True))
    )


def accepts_conv(site: Site) -> bool:
    """Whether the site is an int8 convolution of one image, not dilated, exactly."""
    return reads_windows(site) and has_int8_parameters(site) and fits(dsp_conv.filters_of(site))


def _lower_conv(site: Site) -> Lowered:
    filters, depth = dsp_conv.filters_of(site), site.inputs[1].shape[3]
    return _few_windows(site, filters, depth) or _windows(site, filters, depth)


def lower_conv(site: Site) -> Lowered:
    """The call for windows of any number of inputs."""
    return _windows(site, dsp_conv.filters_of(site), site.inputs[1].shape[3])


def _accepts_one_channel(site: Site) -> bool:
    """Whether the site is a depthwise convolution of a single channel: any filter reads it all."""
    op = site.op
    return (
        isinstance(op, DepthwiseConv2D)
        and has_int8_parameters(site)
        and site.inputs[0].shape[0] == site.inputs[0].shape[3] == 1
        and all(
            d == 1 or k == 1 for d, k in zip(op.dilation_hw, site.inputs[1].shape[1:3], strict=True)
        )
        and fits(dsp_depthwise.filters_of(site))
    )


def _lower_one_channel(site: Site) -> Lowered:
    filters = dsp_depthwise.filters_of(site)
    return _few_windows(site, filters, 1) or _windows(site, filters, 1)


def _few_windows(site: Site, filters: Filters, depth: int) -> Lowered | None:
    """The call for windows of `depth` channels that fit registers."""
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    x, (y,) = site.inputs[0], site.outputs
    _, kh, kw, _ = site.inputs[1].shape
    channels, vectors = y.shape[3], ceil_div(kh * kw * depth, VECTOR)
    few = _few(site, filters)
    if few is None:
        return None
    first_reads = dsp_conv.first_reads_bytes(x, y, op.stride_hw, op.padding)
    return Lowered(
        "mw_conv2d_few_s8_mve",
        (
            *window_arguments(site),
            *passed(x.zero_point),
            *few.ends,
        ),
        few.tables,
        scratch_bytes=FEW_WINDOWS * VECTOR * vectors,
        overlaps=block_overlap(first_reads, channels, FEW_WINDOWS),
    )


def _windows(site: Site, filters: Filters, depth: int) -> Lowered:
    """The call that multiplies each window of `depth` channels with all filters."""
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    x, (y,) = site.inputs[0], site.outputs
    _, kh, kw, _ = site.inputs[1].shape
    channels = y.shape[3]
    vectors = ceil_div(kh * kw * depth, VECTOR)
    low, high = activation_range(op.activation, y)
    form = form_of(filters, y, op.activation)
    first_reads = dsp_conv.first_reads_bytes(x, y, op.stride_hw, op.padding)
    return Lowered(
        "mw_conv2d_s8_mve",
        (
            *window_arguments(site),
            *passed(vectors, x.zero_point, y.zero_point, low, high),
            *fixed(form),
        ),
        (block_weights(filters, BLOCK_CHANNELS), block_scales(filters, BLOCK_CHANNELS, form)),
        scratch_bytes=BLOCK_PIXELS * VECTOR * vectors,
        overlaps=block_overlap(first_reads, channels),
    )


def window_arguments(site: Site) -> tuple[Arg, ...]:
    """What every kernel that copies windows takes first: memory, shapes, stride and padding."""
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    x, (y,) = site.inputs[0], site.outputs
    _, kh, kw, _ = site.inputs[1].shape
    return (
        *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
        *passed(*x.shape[1:], *y.shape[1:], kh, kw, *op.stride_hw),
        *passed(op.padding.top, op.padding.left),
    )


def block_overlap(
    first_read_bytes: Array, channels: int, pixels: int = BLOCK_PIXELS
) -> tuple[Overlap, ...]:
    """The overlap of a kernel of blocks of so many pixels."""
    ends = ends_of_blocks(len(first_read_bytes), pixels)
    return blocks(first_read_bytes, ends, channels)


OF_ANY_DEPTH: tuple[MveKernel, ...] = (
    MveKernel("conv2d_1x1_s8_mve", "mw_conv2d_1x1_s8_mve.h", accepts_1x1, lower_1x1),
    MveKernel("conv2d_s8_mve", "mw_conv2d_s8_mve.h", accepts_conv, lower_conv),
)
"""The kernels of convolutions, without the calls for few inputs."""
KERNELS: tuple[Kernel, ...] = (
    MveKernel("conv2d_1x1_s8_mve", "mw_conv2d_1x1_s8_mve.h", accepts_1x1, _lower_1x1),
    MveKernel("conv2d_s8_mve", "mw_conv2d_s8_mve.h", accepts_conv, _lower_conv),
    MveKernel(
        "depthwise_conv2d_one_channel_s8_mve",
        "mw_conv2d_s8_mve.h",
        _accepts_one_channel,
        _lower_one_channel,
    ),
)
