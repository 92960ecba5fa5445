# SPDX-License-Identifier: MIT
"""3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3) on cores with Helium."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.conv import filters_of
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.dsp.winograd import F_4X4, overlaps, transformed
from milliwatt.backend.mcu.lowering.mve import conv as mve_conv
from milliwatt.backend.mcu.lowering.mve.layout import MveKernel, by_blocks, form_of, scale_parts
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up

TILES = 2
"""Tiles transformed together."""
_LANES = 8
"""Numbers of 16 bits in a vector."""
_BLOCK = mve_conv.BLOCK_CHANNELS


def fits(filters: Filters) -> bool:
    """Whether 64 times every sum of products fits 32 bits; partial sums may wrap."""
    return 64 * 128 * int(np.abs(filters.weights).sum(axis=1).max()) < 1 << 31


def _accepts(site: Site) -> bool:
    op = site.op
    return (
        isinstance(op, Conv2D)
        and site.inputs[1].shape[1:3] == (3, 3)
        and op.stride_hw == (1, 1)
        and site.inputs[1].shape[3] % _LANES == 0
        and min(site.outputs[0].shape[1:3]) >= F_4X4.side
        and mve_conv.accepts_conv(site)
        and fits(filters_of(site))
    )


def _weights(filters: Filters, depth: int) -> Table:
    """For every four channels, each position and 8 inputs the channels' vectors, int16."""
    channels = len(filters.weights)
    found = transformed(filters.weights.reshape(channels, 3, 3, depth), F_4X4.transform)
    full = np.zeros((align_up(channels, _BLOCK), *found.shape[1:]), np.int16)
    full[:channels] = found
    by_vector = full.reshape(-1, _BLOCK, F_4X4.positions, depth // _LANES, _LANES)
    return Table("weights", np.ascontiguousarray(by_vector.transpose(0, 2, 3, 1, 4)).reshape(-1))


def _scales(filters: Filters, form: int) -> Table:
    """For every four channels their biases, then what rescales them."""
    parts = [by_blocks(v, _BLOCK) for v in (filters.bias, *scale_parts(filters, form))]
    data = np.concatenate(parts, axis=1).reshape(-1)
    return Table("scales", data, "constants", weight_bytes=4 * len(filters.bias))


def _lower(site: Site) -> Lowered:
    op, (y,) = site.op, site.outputs
    assert isinstance(op, Conv2D)
    depth = site.inputs[0].shape[3]
    filters = filters_of(site)
    form = form_of(filters, y, op.activation)
    sums_bytes = 4 * TILES * _BLOCK * F_4X4.positions
    return Lowered(
        "mw_conv2d_winograd_s8_mve",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*site.inputs[0].shape[1:], *y.shape[1:], op.padding.top, op.padding.left),
            *passed(site.inputs[0].zero_point, y.zero_point),
            *passed(*activation_range(op.activation, y)),
            *fixed(form),
        ),
        (_weights(filters, depth), _scales(filters, form)),
        scratch_bytes=sums_bytes + (2 * TILES + 1) * F_4X4.positions * depth,
        overlaps=overlaps(site, F_4X4, TILES),
    )


KERNELS: tuple[Kernel, ...] = (
    MveKernel("conv2d_winograd_s8_mve", "mw_conv2d_winograd_s8_mve.h", _accepts, _lower),
)
