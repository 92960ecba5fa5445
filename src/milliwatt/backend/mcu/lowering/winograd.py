# SPDX-License-Identifier: MIT
"""3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3), with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import (
    In,
    Kernel,
    Lowered,
    Out,
    Overlap,
    Ref,
    Scratch,
    Site,
    Table,
)
from milliwatt.backend.mcu.lowering import dsp_conv
from milliwatt.backend.mcu.lowering._overlap import in_order
from milliwatt.backend.mcu.lowering._shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp_conv import filters_of
from milliwatt.backend.mcu.lowering.dsp_layout import DspKernel, Filters, scale_words
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import ceil_div

TILES = 4
"""Tiles whose inputs lie in scratch memory at once."""
_SIDE = 2
"""Outputs along a side of a tile."""
POSITIONS = 16

TWICE_G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])
"""Twice the usual transformation of weights, so that it is whole."""


def transformed(weights: Array) -> Array:
    """4 G w G' of weights[channels, 3, 3, depth]: whole numbers [channels, 16, depth].

    At most 9 * 128 in size, so they fit 16 bits.
    """
    found = np.einsum("ia,jb,oabc->oijc", TWICE_G, TWICE_G, weights.astype(np.int64))
    return found.reshape(weights.shape[0], POSITIONS, -1)


def fits(filters: Filters) -> bool:
    """Whether 4 times every sum of products fits 32 bits; partial sums may wrap."""
    return 4 * 128 * int(np.abs(filters.weights).sum(axis=1).max()) < 1 << 31


def _accepts(site: Site) -> bool:
    op = site.op
    return (
        isinstance(op, Conv2D)
        and site.inputs[1].shape[1:3] == (3, 3)
        and op.stride_hw == (1, 1)
        and site.inputs[1].shape[3] % 4 == 0
        and dsp_conv.accepts_conv(site)
        and fits(filters_of(site))
    )


def _weight_words(site: Site, filters: Filters) -> Table:
    """For every two channels, position after position, their pairs of int16 in turn."""
    channels, _, _, depth = site.inputs[1].shape
    full = transformed(filters.weights.reshape(channels, 3, 3, depth))
    full = np.concatenate([full, np.zeros_like(full[: channels % 2])])
    # What one SXTB16 makes of four inputs: the first and the third, then the others.
    halves = full.reshape(-1, 2, POSITIONS, depth // 4, 2, 2)
    words = (halves[..., 0, :] & 0xFFFF) | (halves[..., 1, :] << 16)
    in_turn = words.transpose(0, 2, 3, 4, 1)
    return Table("weights", np.ascontiguousarray(in_turn).astype(np.int32).reshape(-1))


def _channel_words(filters: Filters) -> Table:
    """Twice the bias, multiplier and divisor of each channel, of an even number of them."""
    scales = scale_words(filters).data.reshape(-1, 2)
    bias = np.zeros(len(scales), np.int32)
    bias[: len(filters.bias)] = 2 * filters.bias
    return Table("scales", np.column_stack([bias, scales]).reshape(-1), "constants")


def _overlaps(site: Site) -> tuple[Overlap, ...]:
    """A block of tiles is read, then written; those after it still read what they need."""
    op = site.op
    assert isinstance(op, Conv2D)
    _, _, width, depth = site.inputs[0].shape
    _, out_h, out_w, channels = site.outputs[0].shape
    rows, columns = ceil_div(out_h, _SIDE), ceil_div(out_w, _SIDE)
    row, column = np.divmod(np.arange(rows * columns), columns)
    top = np.maximum(_SIDE * row - op.padding.top, 0)
    left = np.maximum(_SIDE * column - op.padding.left, 0)
    first = (top * width + left) * depth
    last_row = np.minimum(_SIDE * row + 1, out_h - 1)
    last_column = np.minimum(_SIDE * column + 1, out_w - 1)
    written = np.maximum.accumulate((last_row * out_w + last_column + 1) * channels)
    ends = np.minimum(np.arange(TILES, len(first) + TILES, TILES), len(first))
    read_after = np.append(first, np.iinfo(np.int64).max // 2)
    still_read = np.minimum.accumulate(read_after[::-1])[::-1][ends]
    return in_order(still_read, written[ends - 1], out_h * out_w * channels)


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    filters = filters_of(site)
    depth = x.shape[3]
    return Lowered(
        "mw_conv2d_winograd_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*x.shape[1:], *y.shape[1:], op.padding.top, op.padding.left),
            *passed(x.zero_point, y.zero_point),
            *fixed(*activation_range(op.activation, y)),
        ),
        (_weight_words(site, filters), _channel_words(filters)),
        scratch_bytes=4 * 8 * POSITIONS + 128 * depth + POSITIONS * depth,
        overlaps=_overlaps(site),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel("conv2d_winograd_s8_dsp", "mw_conv2d_winograd_s8_dsp.h", _accepts, _lower),
)
