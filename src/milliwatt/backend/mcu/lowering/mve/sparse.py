# SPDX-License-Identifier: MIT
"""Convolutions most of whose vectors of 16 weights are zeros, on cores with Helium."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.overlap import blocks, ends_of_blocks
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.conv import filters_of, first_reads_bytes
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve import conv as mve_conv
from milliwatt.backend.mcu.lowering.mve.layout import VECTOR, MveKernel, form_of, scale_parts
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

BLOCK_PIXELS = 8
MARGIN = 0.9
"""The kernels are offered where they are predicted to take less than this share of the dense
kernel's instructions."""
_FARTHEST = 255
"""Vectors that the next one may be away."""


def kept_vectors(weights: Array) -> list[Array]:
    """For each channel of weights[channels, taps] its vectors that are kept, at least one.

    Those that hold a weight, and so many between them that none is too far away.
    """
    used = np.asarray(_by_vector(weights).any(axis=2))
    return [_with_steps(np.flatnonzero(used[c])) for c in range(len(used))]


def _with_steps(places: Array) -> Array:
    found: list[int] = []
    at = 0
    for place in places if len(places) else np.zeros(1, np.int64):
        while place - at > _FARTHEST:
            at += _FARTHEST
            found.append(at)
        found.append(int(place))
        at = int(place)
    return np.array(found)


def _by_vector(weights: Array) -> Array:
    """weights[channels, taps], filled up: [channels, vectors, 16]."""
    channels, taps = weights.shape
    full = np.zeros((channels, align_up(taps, VECTOR)), np.int8)
    full[:, :taps] = weights
    return full.reshape(channels, -1, VECTOR)


def _pays(site: Site) -> bool:
    """Whether fewer instructions are predicted than of the dense kernel."""
    weights = filters_of(site).weights
    channels, taps = weights.shape
    pixels = site.outputs[0].elements // channels
    vectors = ceil_div(taps, VECTOR)
    kept = sum(len(places) for places in kept_vectors(weights))
    gather = (4 if taps == site.inputs[1].shape[3] else 8) * vectors * BLOCK_PIXELS
    sparse = ceil_div(pixels, BLOCK_PIXELS) * (21 * kept + 29 * channels + gather)
    fours = ceil_div(channels, mve_conv.BLOCK_CHANNELS)
    few = vectors <= mve_conv.FEW_VECTORS
    block = 12 * vectors + 22 if few else 14.5 * vectors + 31
    dense = ceil_div(pixels, mve_conv.BLOCK_PIXELS) * (fours * block + 8 * vectors)
    return sparse < MARGIN * dense


def tables(filters: Filters, form: int) -> tuple[Table, Table]:
    """Weights and scales, as mw_sparse_8px_mve.h reads them."""
    by_vector = _by_vector(filters.weights)
    kept = kept_vectors(filters.weights)
    parts: list[Array] = []
    for channel, places in zip(by_vector, kept, strict=True):
        distances = np.diff(places, prepend=0).astype(np.uint8).view(np.int8)
        parts.append(np.column_stack([distances, channel[places]]).reshape(-1))
    counts = np.array([len(places) for places in kept])
    words = np.column_stack([counts, filters.bias, *scale_parts(filters, form)])
    data = words.astype(np.int32).reshape(-1)
    return (
        Table("weights", np.concatenate(parts)),
        Table("scales", data, "constants", weight_bytes=4 * len(counts)),
    )


def _tables_and_clamp(site: Site) -> tuple[tuple[Table, Table], tuple[Arg, ...]]:
    """The tables, and the arguments from the output's zero point on."""
    op, (y,) = site.op, site.outputs
    assert isinstance(op, Conv2D)
    filters = filters_of(site)
    low, high = activation_range(op.activation, y)
    form = form_of(filters, y, op.activation)
    return tables(filters, form), (*passed(y.zero_point, low, high), *fixed(form))


def _accepts_1x1(site: Site) -> bool:
    return mve_conv.accepts_1x1(site) and _is_near(site) and _pays(site)


def _accepts_conv(site: Site) -> bool:
    return mve_conv.accepts_conv(site) and _is_near(site) and _pays(site)


def _is_near(site: Site) -> bool:
    """Whether 16 bits hold how far the outputs of a block's pixels are from the first's."""
    return (BLOCK_PIXELS - 1) * site.outputs[0].shape[3] < 1 << 16


def _lower_1x1(site: Site) -> Lowered:
    channels, _, _, depth = site.inputs[1].shape
    pixels = site.inputs[0].elements // depth
    both, ends = _tables_and_clamp(site)
    reads = np.arange(pixels) * depth
    return Lowered(
        "mw_conv2d_1x1_sparse_s8_mve",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, channels),
            *ends,
        ),
        both,
        scratch_bytes=BLOCK_PIXELS * VECTOR * ceil_div(depth, VECTOR),
        overlaps=blocks(reads, ends_of_blocks(pixels, BLOCK_PIXELS), channels),
    )


def _lower_conv(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    channels, kh, kw, depth = site.inputs[1].shape
    vectors = ceil_div(kh * kw * depth, VECTOR)
    both, ends = _tables_and_clamp(site)
    reads = first_reads_bytes(x, y, op.stride_hw, op.padding)
    return Lowered(
        "mw_conv2d_sparse_s8_mve",
        (
            *mve_conv.window_arguments(site),
            *passed(vectors, x.zero_point),
            *ends,
        ),
        both,
        scratch_bytes=(BLOCK_PIXELS + 1) * VECTOR * vectors,
        overlaps=blocks(reads, ends_of_blocks(len(reads), BLOCK_PIXELS), channels),
    )


_HEADER = "mw_conv2d_sparse_s8_mve.h"
KERNELS: tuple[Kernel, ...] = (
    MveKernel("conv2d_1x1_sparse_s8_mve", _HEADER, _accepts_1x1, _lower_1x1),
    MveKernel("conv2d_sparse_s8_mve", _HEADER, _accepts_conv, _lower_conv),
)
