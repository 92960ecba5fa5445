# SPDX-License-Identifier: MIT
"""Convolutions that multiply two pixels at once, on cores without packed multiplication."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Overlap, Ref, Scratch, Site
from milliwatt.backend.mcu.lowering.common.linear import constant, has_int8_parameters
from milliwatt.backend.mcu.lowering.common.overlap import blocks, ends_of_blocks
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.conv import first_reads_bytes, is_undilated
from milliwatt.backend.mcu.lowering.portable.conv import (
    channel_factors,
    is_pointwise,
    reaches_outside,
)
from milliwatt.backend.mcu.lowering.swar.layout import (
    Layer,
    SwarKernel,
    best_grouped,
    layer_of,
    matmul_tables,
)
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D
from milliwatt.units import align_up

PIXELS = 4
"""MW_SWAR_PIXELS of mw_matmul_s8_swar.h."""

_POINTERS = (
    *(In(0), Out(0), Scratch()),
    *(Ref("weights"), Ref("bias"), Ref("scales"), Ref("rest")),
)


@lru_cache(maxsize=8)
def conv_layer(site: Site) -> Layer | None:
    """The convolution's parameters, taps in the order of rows, columns, inputs."""
    op = site.op
    assert isinstance(op, Conv2D)
    filters = constant(site, 1).reshape(site.inputs[1].shape[0], -1)
    return layer_of(site, filters, channel_factors(site), op.activation)


def _found(layer: Layer | None) -> Layer:
    assert layer is not None
    return layer


def _accepts_1x1(site: Site) -> bool:
    return (
        isinstance(site.op, Conv2D)
        and has_int8_parameters(site)
        and is_pointwise(site)
        and conv_layer(site) is not None
    )


def _lower_1x1(site: Site) -> Lowered:
    x, weights, _ = site.inputs
    channels, _, _, depth = weights.shape
    pixels = x.elements // depth
    layer = _found(conv_layer(site))
    groups = best_grouped(layer.weights)
    first_read = np.arange(pixels) * depth
    return Lowered(
        "mw_conv2d_1x1_s8_swar",
        (
            *_POINTERS,
            *passed(pixels, depth, channels, groups.taps),
            *layer.scale_arguments,
            *fixed(groups.group, int(groups.has_rest)),
            *layer.scale_variant,
            *fixed(int(layer.is_plain)),
        ),
        matmul_tables(layer, groups),
        scratch_bytes=2 * PIXELS * groups.taps,
        overlaps=_block_overlap(first_read, channels),
    )


def _accepts_conv(site: Site) -> bool:
    return is_undilated(site) and conv_layer(site) is not None


def _lower_conv(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    channels, kh, kw, depth = weights.shape
    layer = _found(conv_layer(site))
    groups = best_grouped(layer.weights)
    padded = reaches_outside(site)
    edge_bytes = align_up(PIXELS * kw * depth, 4) if padded else 0
    first_read = first_reads_bytes(x, y, op.stride_hw, op.padding)
    return Lowered(
        "mw_conv2d_s8_swar",
        (
            *_POINTERS,
            *passed(*x.shape[1:], *y.shape[1:3], channels, kh, kw, *op.stride_hw),
            *passed(op.padding.top, op.padding.left, groups.taps, x.zero_point),
            *layer.scale_arguments,
            *fixed(groups.group, int(padded), int(groups.has_rest)),
            *layer.scale_variant,
            *fixed(int(layer.is_plain)),
        ),
        matmul_tables(layer, groups),
        scratch_bytes=2 * PIXELS * groups.taps + edge_bytes,
        overlaps=_block_overlap(first_read, channels),
    )


def _block_overlap(first_read_bytes: Array, channels: int) -> tuple[Overlap, ...]:
    """The overlap of a kernel of blocks."""
    return blocks(first_read_bytes, ends_of_blocks(len(first_read_bytes), PIXELS), channels)


KERNELS: tuple[Kernel, ...] = (
    SwarKernel("conv2d_1x1_s8_swar", "mw_conv2d_1x1_s8_swar.h", _accepts_1x1, _lower_1x1),
    SwarKernel("conv2d_s8_swar", "mw_conv2d_s8_swar.h", _accepts_conv, _lower_conv),
)
