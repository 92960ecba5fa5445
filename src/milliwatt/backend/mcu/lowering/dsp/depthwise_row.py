# SPDX-License-Identifier: MIT
"""Single rows of depthwise convolutions, as streams compute them, with the DSP instructions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

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
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.depthwise import (
    ONCE,
    ONCE_LARGE,
    accepts_3x3,
    filters_of,
    rounded_once,
)
from milliwatt.backend.mcu.lowering.dsp.depthwise_lines import BLOCK, row_lines
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel, Filters, exponents
from milliwatt.backend.mcu.lowering.dsp.one_rounding import OneRounding
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import ceil_div

_TAPS = 3
_WEIGHT_WORDS = 7
"""Of a channel's words: six of weights, and a bias."""
_ROUNDINGS = {ONCE: 1, ONCE_LARGE: 2}
"""What mw_rounds_once says of the forms."""
_LITTLE_BYTES = 400
"""Memory of two channels' lines that a kernel of little memory may take."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of a row, computed after each other: all but the last have `block` outputs."""

    block: int
    end: int
    """The first output of the last."""
    line_words: int


def _accepts(site: Site) -> bool:
    """Whether the site makes one row, some of whose windows lie on the image."""
    op, y = site.op, site.outputs[0]
    return (
        isinstance(op, DepthwiseConv2D)
        and y.shape[1] == 1
        and op.padding.top < _TAPS
        and site.inputs[0].shape[3] == y.shape[3]
        and accepts_3x3(site)
    )


def _accepts_lean(site: Site) -> bool:
    return _accepts(site) and site.outputs[0].shape[-1] > 1


def _lower_whole(site: Site) -> Lowered:
    return _lower(site, _parts(site, 1))


def _lower_lean(site: Site) -> Lowered:
    """In as few parts as take little memory, or no more than one channel's whole lines."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    if op.padding.left > 1:
        return _lower_whole(site)
    least = 4 * _TAPS * _parts(site, 1).line_words
    allowed_bytes = max(_LITTLE_BYTES, least)
    parts = (_parts(site, count) for count in itertools.count(1))
    return _lower(site, next(p for p in parts if _scratch_bytes(site, p) <= allowed_bytes))


def _scratch_bytes(site: Site, parts: _Parts) -> int:
    return 4 * _TAPS * parts.line_words * min(2, site.outputs[0].shape[3])


def _parts(site: Site, count: int) -> _Parts:
    """The row in at most so many parts."""
    lines = row_lines(site)
    outputs = lines.along.out_size
    block = min(outputs, BLOCK * ceil_div(ceil_div(outputs, count), BLOCK))
    part = replace(lines, along=replace(lines.along, out_size=block, size=0, pad=0))
    return _Parts(block, (outputs - 1) // block * block, part.line_words)


def _lower(site: Site, parts: _Parts) -> Lowered:
    op, x, (y,) = site.op, site.inputs[0], site.outputs
    assert isinstance(op, DepthwiseConv2D)
    _, height, width, channels = x.shape
    top = op.padding.top
    clamp = activation_range(op.activation, y)
    filters = filters_of(site)
    once = rounded_once(filters, y.zero_point, clamp)
    return Lowered(
        "mw_depthwise_row_3x3_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("filters")),
            *passed(channels),
            *fixed(channels % 2),
            *passed(width, min(height, _TAPS - top), y.shape[2]),
            *fixed(op.stride_hw[1]),
            *passed(op.padding.left, top, parts.block, parts.end, parts.line_words),
            *passed(x.zero_point, once.offset if once else y.zero_point),
            *fixed(*clamp, _ROUNDINGS[once.form] if once else 0),
        ),
        (_channels(filters, once.values if once else None),),
        scratch_bytes=_scratch_bytes(site, parts),
        overlaps=(Overlap(0, 0, exact=True, step_bytes=width * channels),),
    )


def _channels(filters: Filters, once: OneRounding | None) -> Table:
    """Each channel as mw_channel_3x3 has it; without a divisor where it is rounded once."""
    if once is None:
        divisor = -(np.int64(1) << exponents(filters))
        columns = [2 * filters.bias, filters.multiplier, divisor]
    else:
        columns = [once.bias, once.multiplier]
    pairs = _pairs(filters.weights, 2 if once is None else 256)
    words = np.concatenate([pairs, np.stack(columns, axis=1)], axis=1) & 0xFFFFFFFF
    data = words.astype(np.uint32).view(np.int32).reshape(-1)
    return Table("filters", data, "constants", weight_bytes=4 * _WEIGHT_WORDS * len(words))


def _pairs(weights: Array, scale: int) -> Array:
    """Of each channel's filter lines the pairs (0, 1) and (1, 2), times `scale`."""
    lines = weights.reshape(-1, _TAPS, _TAPS) * scale
    return np.asarray(lines[..., :2] & 0xFFFF | lines[..., 1:] << 16).reshape(len(lines), -1)


KERNELS: tuple[Kernel, ...] = (
    DspKernel("depthwise_row_3x3_s8_dsp", "mw_depthwise_row_3x3_s8_dsp.h", _accepts, _lower_whole),
    DspKernel(
        "depthwise_row_3x3_lean_s8_dsp",
        "mw_depthwise_row_3x3_s8_dsp.h",
        _accepts_lean,
        _lower_lean,
    ),
)
