# SPDX-License-Identifier: MIT
"""Depthwise convolutions on cores with Helium."""

from __future__ import annotations

from math import gcd, prod

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import has_int8_parameters
from milliwatt.backend.mcu.lowering.common.overlap import in_order, windows
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import depthwise as dsp_depthwise
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve.layout import (
    VECTOR,
    MveKernel,
    filled,
    fits,
    form_of,
    scale_parts,
    without_left_shifts,
)
from milliwatt.backend.mcu.lowering.portable.conv import reaches_outside
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

_LANES = np.arange(VECTOR).reshape(4, 4).T[[0, 2, 1, 3]].reshape(-1)
"""The channels in the order in which the kernel adds them up."""
NINE = 9
"""The number of taps with a loop of its own, which needs no even number."""
_LARGEST = 255
"""What weights' magnitudes may come to, so that the sum of their products fits 16 bits."""


def _accepts(site: Site) -> bool:
    return (
        isinstance(site.op, DepthwiseConv2D)
        and has_int8_parameters(site)
        and has_one_filter_a_channel(site)
        and is_exact(_filters(site))
    )


def has_one_filter_a_channel(site: Site) -> bool:
    """Whether one image has as many channels as there are filters."""
    x = site.inputs[0]
    return x.shape[0] == 1 and x.shape[3] == site.outputs[0].shape[3]


def is_exact(filters: Filters) -> bool:
    """Whether sums fit, those of two taps 16 bits."""
    weights = np.abs(_even_taps(filters.weights))
    pairs = weights.reshape(len(weights), -1, 2).sum(axis=2)
    return fits(filters) and bool((pairs <= _LARGEST).all())


def _filters(site: Site) -> Filters:
    return without_left_shifts(dsp_depthwise.filters_of(site))


def is_narrow(filters: Filters) -> bool:
    """Whether the sum of all products fits 16 bits."""
    return bool((np.abs(filters.weights).sum(axis=1) <= _LARGEST).all())


def _form(site: Site, filters: Filters) -> int:
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    return form_of(filters, site.outputs[0], op.activation)


def _even_taps(weights: Array) -> Array:
    """weights[channels, taps], a tap of zeros added where their number is odd."""
    missing = weights.shape[1] % 2
    return np.concatenate([weights, np.zeros_like(weights[:, :missing])], axis=1)


def _tables(filters: Filters, form: int) -> tuple[Table, Table]:
    """Weights with biases, and scales, as mw_depthwise_conv2d_s8_mve.h reads them."""
    taps = filters.weights if filters.weights.shape[1] == NINE else _even_taps(filters.weights)
    channels = align_up(len(taps), VECTOR)
    full = np.zeros((channels, taps.shape[1]), np.int8)
    full[: len(taps)] = taps
    by_tap = full.reshape(-1, VECTOR, taps.shape[1]).transpose(0, 2, 1)
    blocks = channels // VECTOR
    parts = [_in_lanes(filters.bias).astype("<i4").view(np.int8), by_tap.reshape(blocks, -1)]
    if is_narrow(filters):
        parts.reverse()
    scales = [_in_lanes(part) for part in scale_parts(filters, form)]
    return (
        Table("weights", np.concatenate(parts, axis=1).reshape(-1)),
        Table("scales", np.concatenate(scales, axis=1).reshape(-1), "constants"),
    )


def _in_lanes(values: Array) -> Array:
    """`values` of the channels by blocks, in the kernel's order: int32 array [blocks, 16]."""
    return np.ascontiguousarray(filled(values, VECTOR).reshape(-1, VECTOR)[:, _LANES])


def _zeros_and_clamp(site: Site, filters: Filters) -> tuple[Arg, ...]:
    """The arguments every kernel ends with."""
    op, y = site.op, site.outputs[0]
    assert isinstance(op, DepthwiseConv2D)
    low, high = activation_range(op.activation, y)
    nine = prod(site.inputs[1].shape[1:3]) == NINE
    forms = fixed(int(nine), int(is_narrow(filters)), _form(site, filters))
    return (*passed(y.zero_point, low, high), *forms)


def _lower(site: Site) -> Lowered:
    return lower_rows(site, _filters(site))


def lower_rows(site: Site, filters: Filters) -> Lowered:
    """The call of the kernel that gathers rows, for these parameters."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    (x, weights, _), (y,) = site.inputs, site.outputs
    _, kh, kw, channels = weights.shape
    pad = op.padding
    ring_rows = (kh - 1) * op.dilation_hw[0] + 1
    columns = (y.shape[2] - 1) * op.stride_hw[1] + (kw - 1) * op.dilation_hw[1] + 1
    padded_bytes = columns * channels
    together = _pixels_together(site)
    return Lowered(
        "mw_depthwise_conv2d_s8_mve",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*x.shape[1:], *y.shape[1:3], kh, kw, *op.stride_hw, *op.dilation_hw),
            *passed(pad.top, pad.left, padded_bytes, ring_rows, together, x.zero_point),
            *_zeros_and_clamp(site, filters),
        ),
        _tables(_repeated(filters, together), _form(site, filters)),
        scratch_bytes=align_up(4 * align_up(kh * kw, 2) + ring_rows * padded_bytes + VECTOR, 4),
        overlaps=in_order(_rows_still_read(site), _rows_written(site), y.size_bytes),
    )


def _pixels_together(site: Site) -> int:
    """Neighbouring outputs computed like one of more channels, so that no block is half empty."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    _, _, columns, channels = site.outputs[0].shape
    pixels = VECTOR // gcd(channels, VECTOR)
    return pixels if op.stride_hw[1] == 1 and columns % pixels == 0 else 1


def _repeated(filters: Filters, times: int) -> Filters:
    """The channels over again, `times` times in all."""
    return Filters(
        np.tile(filters.weights, (times, 1)),
        np.tile(filters.bias, times),
        np.tile(filters.multiplier, times),
        np.tile(filters.shift, times),
    )


def _rows_still_read(site: Site) -> Array:
    """The lowest input byte that is still to be gathered when a row of outputs is written."""
    op, x = site.op, site.inputs[0]
    assert isinstance(op, DepthwiseConv2D)
    kh = site.inputs[1].shape[1]
    tops = np.arange(site.outputs[0].shape[1]) * op.stride_hw[0] - op.padding.top
    gathered = np.maximum(tops + (kh - 1) * op.dilation_hw[0] + 1, 0)
    nothing = np.iinfo(np.int64).max // 2
    row_bytes = x.shape[2] * x.shape[3]
    return np.where(gathered >= x.shape[1], nothing, gathered * row_bytes)


def _rows_written(site: Site) -> Array:
    """How many bytes are written once a row of outputs is."""
    _, rows, columns, channels = site.outputs[0].shape
    return (np.arange(rows) + 1) * columns * channels


def lies_inside(site: Site) -> bool:
    """Whether no window leaves the image, whose channels fill blocks."""
    return not reaches_outside(site) and site.inputs[0].shape[-1] % VECTOR == 0


def _accepts_inside(site: Site) -> bool:
    return _accepts(site) and lies_inside(site)


def _lower_inside(site: Site) -> Lowered:
    return lower_inside(site, _filters(site))


def lower_inside(site: Site, filters: Filters) -> Lowered:
    """The call of the kernel that reads the image where it is, for these parameters."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    (x, weights, _), (y,) = site.inputs, site.outputs
    _, kh, kw, channels = weights.shape
    row_bytes = x.shape[2] * channels
    taps_y, taps_x = np.divmod(np.arange(kh * kw), kw)
    offsets = taps_y * op.dilation_hw[0] * row_bytes + taps_x * op.dilation_hw[1] * channels
    even = np.append(offsets, offsets[-1])[: align_up(kh * kw, 2)].astype(np.int32)
    return Lowered(
        "mw_depthwise_conv2d_inside_s8_mve",
        (
            *(In(0), Out(0), Ref("weights"), Ref("scales"), Ref("offsets")),
            *passed(ceil_div(kh * kw, 2), op.stride_hw[0] * row_bytes),
            *passed(op.stride_hw[1] * channels, channels, *y.shape[1:3]),
            *_zeros_and_clamp(site, filters),
        ),
        (
            *_tables(filters, _form(site, filters)),
            Table("offsets", even, "constants"),
        ),
        overlaps=windows(x, y, op.stride_hw, op.padding, op.dilation_hw),
    )


_HEADER = "mw_depthwise_conv2d_s8_mve.h"
KERNELS: tuple[Kernel, ...] = (
    MveKernel("depthwise_conv2d_inside_s8_mve", _HEADER, _accepts_inside, _lower_inside),
    MveKernel("depthwise_conv2d_s8_mve", _HEADER, _accepts, _lower),
)
