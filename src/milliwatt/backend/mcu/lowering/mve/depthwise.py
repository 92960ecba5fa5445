# SPDX-License-Identifier: MIT
"""Depthwise convolutions on cores with Helium."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import has_int8_parameters
from milliwatt.backend.mcu.lowering.common.overlap import in_order, windows
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import depthwise as dsp_depthwise
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve.layout import (
    RELU,
    VECTOR,
    MveKernel,
    filled,
    fits,
    form_of,
    scale_parts,
    without_left_shifts,
)
from milliwatt.backend.mcu.lowering.mve.once import ONCE, once_folded
from milliwatt.backend.mcu.lowering.mve.taps import LARGEST, Groups, group_taps
from milliwatt.backend.mcu.lowering.portable.conv import reaches_outside
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up

_LANES = np.arange(VECTOR).reshape(4, 4).T[[0, 2, 1, 3]].reshape(-1)
"""The channels in the order in which the kernel adds them up."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """Biases are of the form; scales are what it needs of each channel, in that order."""

    groups: Groups
    weights: Array
    bias: Array
    scales: tuple[Array, ...]
    form: int


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
    return fits(filters) and bool((pairs <= LARGEST).all())


def _filters(site: Site) -> Filters:
    return without_left_shifts(dsp_depthwise.filters_of(site))


def _layer(site: Site, filters: Filters) -> _Layer:
    op, (y,) = site.op, site.outputs
    assert isinstance(op, DepthwiseConv2D)
    groups, form = group_taps(filters.weights), form_of(filters, y, op.activation)
    if form == RELU:
        once = once_folded(filters, y.zero_point, *activation_range(op.activation, y))
        if once is not None:
            return _Layer(groups, filters.weights, once.bias, (once.multiplier,), ONCE)
    return _Layer(groups, filters.weights, filters.bias, scale_parts(filters, form), form)


def groups_of(filters: Filters) -> Groups:
    """How the kernels of these parameters group taps."""
    return group_taps(filters.weights)


def _even_taps(weights: Array) -> Array:
    """weights[channels, taps], a tap of zeros added where their number is odd."""
    missing = weights.shape[1] % 2
    return np.concatenate([weights, np.zeros_like(weights[:, :missing])], axis=1)


def _tables(layer: _Layer) -> tuple[Table, Table]:
    """Weights with biases, and scales, as mw_depthwise_row_s8_mve.h reads them."""
    stored = layer.groups.stored
    channels = align_up(len(layer.weights), VECTOR)
    full = np.zeros((channels, len(stored)), np.int8)
    full[: len(layer.weights)] = np.where(np.array(stored) < 0, 0, layer.weights[:, stored])
    by_tap = full.reshape(-1, VECTOR, len(stored)).transpose(0, 2, 1)
    blocks = channels // VECTOR
    parts = [_in_lanes(layer.bias).astype("<i4").view(np.int8), by_tap.reshape(blocks, -1)]
    if layer.groups.biases_last:
        parts.reverse()
    scales = [_in_lanes(part) for part in layer.scales]
    return (
        Table("weights", np.concatenate(parts, axis=1).reshape(-1)),
        Table("scales", np.concatenate(scales, axis=1).reshape(-1), "constants"),
    )


def _in_lanes(values: Array) -> Array:
    """`values` of the channels by blocks, in the kernel's order: int32 array [blocks, 16]."""
    return np.ascontiguousarray(filled(values, VECTOR).reshape(-1, VECTOR)[:, _LANES])


def _zeros_and_clamp(site: Site, layer: _Layer) -> tuple[Arg, ...]:
    """The arguments every kernel ends with."""
    op, y = site.op, site.outputs[0]
    assert isinstance(op, DepthwiseConv2D)
    low, high = activation_range(op.activation, y)
    return (*passed(y.zero_point, low, high), *fixed(layer.groups.kind, layer.form))


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
    layer = _layer(site, filters)
    words = len(layer.groups.words)
    places, counted = _places(layer.groups)
    return Lowered(
        "mw_depthwise_conv2d_s8_mve",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales"), Ref("places")),
            *passed(words, counted, *x.shape[1:], *y.shape[1:3], kh, kw, *op.stride_hw),
            *passed(*op.dilation_hw, pad.top, pad.left, padded_bytes, ring_rows, together),
            *passed(x.zero_point),
            *_zeros_and_clamp(site, layer),
        ),
        (*_tables(_repeated(layer, together)), places),
        scratch_bytes=align_up(4 * words + ring_rows * padded_bytes + VECTOR, 4),
        overlaps=in_order(_rows_still_read(site), _rows_written(site), y.size_bytes),
    )


def _places(groups: Groups) -> tuple[Table, int]:
    """Where each tap's offset is among the words, then places and numbers of pairs, and of them."""
    words = groups.words
    taps = sorted((tap, place) for place, (tap, _) in enumerate(words) if tap >= 0)
    counts = [(place, pairs) for place, (_, pairs) in enumerate(words) if pairs]
    data = [place for _, place in taps] + [number for count in counts for number in count]
    return Table("places", np.array(data, np.int16), "constants"), len(counts)


def _pixels_together(site: Site) -> int:
    """Neighbouring outputs computed like one of more channels, so that no block is half empty."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    _, _, columns, channels = site.outputs[0].shape
    pixels = VECTOR // gcd(channels, VECTOR)
    return pixels if op.stride_hw[1] == 1 and columns % pixels == 0 else 1


def _repeated(layer: _Layer, times: int) -> _Layer:
    """The channels over again, `times` times in all."""
    return replace(
        layer,
        weights=np.tile(layer.weights, (times, 1)),
        bias=np.tile(layer.bias, times),
        scales=tuple(np.tile(part, times) for part in layer.scales),
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
    layer = _layer(site, filters)
    words = [int(offsets[tap]) if tap >= 0 else pairs for tap, pairs in layer.groups.words]
    return Lowered(
        "mw_depthwise_conv2d_inside_s8_mve",
        (
            *(In(0), Out(0), Ref("weights"), Ref("scales"), Ref("offsets")),
            *passed(op.stride_hw[0] * row_bytes, op.stride_hw[1] * channels, channels),
            *passed(*y.shape[1:3]),
            *_zeros_and_clamp(site, layer),
        ),
        (*_tables(layer), Table("offsets", np.array(words, np.int32), "constants")),
        overlaps=windows(x, y, op.stride_hw, op.padding, op.dilation_hw),
    )


_HEADER = "mw_depthwise_conv2d_s8_mve.h"
KERNELS: tuple[Kernel, ...] = (
    MveKernel("depthwise_conv2d_inside_s8_mve", _HEADER, _accepts_inside, _lower_inside),
    MveKernel("depthwise_conv2d_s8_mve", _HEADER, _accepts, _lower),
)
