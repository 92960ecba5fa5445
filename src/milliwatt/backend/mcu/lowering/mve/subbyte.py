# SPDX-License-Identifier: MIT
"""Convolutions and fully connected layers with int4 and int2 weights on cores with Helium."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.conv import filters_of, first_reads_bytes
from milliwatt.backend.mcu.lowering.dsp.dense import filters_of as dense_filters_of
from milliwatt.backend.mcu.lowering.dsp.subbyte_layout import has_subbyte_parameters
from milliwatt.backend.mcu.lowering.mve.conv import (
    BLOCK_CHANNELS,
    BLOCK_PIXELS,
    block_overlap,
    reads_windows,
    window_arguments,
)
from milliwatt.backend.mcu.lowering.mve.dense import BLOCK, EVENS_FIRST, dense_scales, is_filled
from milliwatt.backend.mcu.lowering.mve.layout import VECTOR, MveKernel, block_scales, form_of
from milliwatt.backend.mcu.lowering.mve.subbyte_layout import is_subbyte_exact, subbyte_weights
from milliwatt.backend.mcu.lowering.portable.conv import is_pointwise
from milliwatt.backend.mcu.lowering.portable.dense import rows_overlap
from milliwatt.ir.types import DType
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.units import ceil_div


def _bits(site: Site) -> int:
    return site.inputs[1].dtype.bits


def _accepts_1x1(site: Site) -> bool:
    return (
        isinstance(site.op, Conv2D)
        and has_subbyte_parameters(site)
        and is_pointwise(site)
        and is_subbyte_exact(filters_of(site), _bits(site))
    )


def _accepts_conv(site: Site) -> bool:
    return (
        reads_windows(site)
        and has_subbyte_parameters(site)
        and is_subbyte_exact(filters_of(site), _bits(site))
    )


def _tables_and_clamp(site: Site) -> tuple[tuple[Table, Table], tuple[Arg, ...]]:
    """A convolution's tables, and the arguments from the output's zero point on."""
    op, (y,) = site.op, site.outputs
    assert isinstance(op, Conv2D)
    filters, bits = filters_of(site), _bits(site)
    low, high = activation_range(op.activation, y)
    form = form_of(filters, y, op.activation)
    weights, full = subbyte_weights(filters, bits, BLOCK_CHANNELS)
    ends = (*passed(y.zero_point, low, high), *fixed(form, bits, int(full)))
    return (weights, block_scales(filters, BLOCK_CHANNELS, form)), ends


def _lower_1x1(site: Site) -> Lowered:
    channels, _, _, depth = site.inputs[1].shape
    pixels, vectors = site.inputs[0].elements // depth, ceil_div(depth, VECTOR)
    tables, ends = _tables_and_clamp(site)
    return Lowered(
        "mw_conv2d_1x1_subbyte_mve",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(pixels, depth, vectors, channels),
            *ends,
        ),
        tables,
        scratch_bytes=BLOCK_PIXELS * VECTOR * vectors,
        overlaps=block_overlap(np.arange(pixels) * depth, channels),
    )


def _lower_conv(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    channels, kh, kw, depth = site.inputs[1].shape
    vectors = ceil_div(kh * kw * depth, VECTOR)
    tables, ends = _tables_and_clamp(site)
    first_reads = first_reads_bytes(x, y, op.stride_hw, op.padding)
    return Lowered(
        "mw_conv2d_subbyte_mve",
        (
            *window_arguments(site),
            *passed(vectors, x.zero_point),
            *ends,
        ),
        tables,
        scratch_bytes=BLOCK_PIXELS * VECTOR * vectors,
        overlaps=block_overlap(first_reads, channels),
    )


def _accepts_dense(site: Site) -> bool:
    return (
        isinstance(site.op, FullyConnected)
        and has_subbyte_parameters(site)
        and is_subbyte_exact(dense_filters_of(site), _bits(site))
        and is_filled(site)
    )


def _lower_dense(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows, vectors = x.elements // depth, ceil_div(depth, VECTOR)
    filters, bits = dense_filters_of(site), _bits(site)
    low, high = activation_range(op.activation, y)
    form = form_of(filters, y, op.activation)
    weights, full = subbyte_weights(filters, bits, BLOCK, EVENS_FIRST)
    scales, step_bytes = dense_scales(filters, form)
    copied = depth % VECTOR != 0
    scratch = (Scratch(),) if copied else ()
    return Lowered(
        "mw_fully_connected_copied_subbyte_mve" if copied else "mw_fully_connected_subbyte_mve",
        (
            *(In(0), Out(0), *scratch, Ref("weights"), Ref("scales")),
            *passed(rows, depth, vectors, channels, step_bytes, y.zero_point, low, high),
            *fixed(form, bits, int(full)),
        ),
        (weights, scales),
        scratch_bytes=VECTOR * vectors if copied else 0,
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    MveKernel("conv2d_1x1_subbyte_mve", "mw_conv2d_1x1_subbyte_mve.h", _accepts_1x1, _lower_1x1),
    MveKernel("conv2d_subbyte_mve", "mw_conv2d_subbyte_mve.h", _accepts_conv, _lower_conv),
    MveKernel(
        "fully_connected_subbyte_mve",
        "mw_fully_connected_subbyte_mve.h",
        _accepts_dense,
        _lower_dense,
    ),
)
