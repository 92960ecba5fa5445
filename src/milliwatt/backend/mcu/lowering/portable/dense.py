# SPDX-License-Identifier: MIT
"""Portable kernels of the fully connected layer."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Overlap, Ref, Site
from milliwatt.backend.mcu.lowering.common.linear import (
    Scaling,
    constant,
    float_table,
    folded_bias,
    has_constant_parameters,
    scaling,
    scaling_of_bias,
    weight_bits,
    weight_zero,
    weights_table,
    wide_bias,
)
from milliwatt.backend.mcu.lowering.common.overlap import in_order
from milliwatt.backend.mcu.lowering.common.shared import (
    PortableKernel,
    activation_code,
    fixed,
    is_site,
    passed,
)
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import fully_connected_factors


def _accepts_s8(site: Site) -> bool:
    return is_site(site, FullyConnected, DType.INT8) and has_constant_parameters(site)


def _lower_s8(site: Site) -> Lowered:
    assert isinstance(site.op, FullyConnected)
    x, weights, _ = site.inputs
    channels = weights.shape[0]
    factors = fully_connected_factors(x, weights, site.outputs[0], channels)
    return rows_s8(site, scaling(factors), site.op.activation)


def rows_s8(site: Site, scales: Scaling, activation: Activation) -> Lowered:
    """The call of `mw_fully_connected_s8` for a site whose filters are weights[channels, ...]."""
    x, weights, _ = site.inputs
    (y,) = site.outputs
    filters = constant(site, 1).reshape(weights.shape[0], -1)
    channels, depth = filters.shape
    rows = x.elements // depth
    bits, w_zero = weight_bits(site), weight_zero(site)
    low, high = activation_range(activation, y)
    return Lowered(
        "mw_fully_connected_s8",
        (
            *(In(0), Out(0), Ref("weights"), Ref("bias"), Ref("multiplier"), Ref("shift")),
            *passed(rows, depth, channels),
            *fixed(w_zero),
            *passed(y.zero_point, low, high),
            *fixed(int(scales.per_channel), bits),
        ),
        (
            weights_table(filters, weights.dtype),
            folded_bias(constant(site, 2), filters, x.zero_point, w_zero),
            *scales.tables,
        ),
        overlaps=rows_overlap(rows, depth, channels, x.dtype),
    )


def _accepts_s16(site: Site) -> bool:
    return is_site(site, FullyConnected, DType.INT16) and has_constant_parameters(site)


def _lower_s16(site: Site) -> Lowered:
    assert isinstance(site.op, FullyConnected)
    x, weights, _ = site.inputs
    factors = fully_connected_factors(x, weights, site.outputs[0], weights.shape[0])
    return rows_s16(site, factors, site.op.activation)


def rows_s16(site: Site, factors: tuple[Array, Array], activation: Activation) -> Lowered:
    """The call of `mw_fully_connected_s16` for a site whose filters are weights[channels, ...]."""
    x, weights, bias_type = site.inputs
    filters = constant(site, 1).reshape(weights.shape[0], -1)
    channels, depth = filters.shape
    rows = x.elements // depth
    bias, bias_words = wide_bias(constant(site, 2))
    scales, wide = scaling_of_bias(factors, bias_type)
    return Lowered(
        "mw_fully_connected_s16",
        (
            *(In(0), Out(0), Ref("weights"), Ref("bias"), Ref("multiplier"), Ref("shift")),
            *passed(rows, depth, channels),
            *fixed(weight_zero(site)),
            *passed(*activation_range(activation, site.outputs[0])),
            *fixed(int(scales.per_channel), weight_bits(site), bias_words, int(wide)),
        ),
        (weights_table(filters, weights.dtype), bias, *scales.tables),
        overlaps=rows_overlap(rows, depth, channels, x.dtype),
    )


def _accepts_f32(site: Site) -> bool:
    return is_site(site, FullyConnected, DType.FLOAT32) and has_constant_parameters(site)


def _lower_f32(site: Site) -> Lowered:
    assert isinstance(site.op, FullyConnected)
    return rows_f32(site, site.op.activation)


def rows_f32(site: Site, activation: Activation) -> Lowered:
    """The call of `mw_fully_connected_f32` for a site whose filters are weights[channels, ...]."""
    x, weights, _ = site.inputs
    filters = constant(site, 1).reshape(weights.shape[0], -1)
    channels, depth = filters.shape
    rows = x.elements // depth
    return Lowered(
        "mw_fully_connected_f32",
        (
            *(In(0), Out(0), Ref("weights"), Ref("bias")),
            *passed(rows, depth, channels),
            *fixed(activation_code(activation)),
        ),
        (float_table("weights", filters), float_table("bias", constant(site, 2))),
        overlaps=rows_overlap(rows, depth, channels, x.dtype),
    )


def rows_overlap(rows: int, depth: int, channels: int, dtype: DType) -> tuple[Overlap, ...]:
    """The overlap of a kernel that computes row after row of y[rows, channels]."""
    element = dtype.bits // 8
    steps = np.arange(rows)
    return in_order(
        steps * depth * element, (steps + 1) * channels * element, rows * channels * element
    )


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("fully_connected_s8", "mw_fully_connected_s8.h", _accepts_s8, _lower_s8),
    PortableKernel("fully_connected_s16", "mw_fully_connected_s16.h", _accepts_s16, _lower_s16),
    PortableKernel("fully_connected_f32", "mw_fully_connected_f32.h", _accepts_f32, _lower_f32),
)
