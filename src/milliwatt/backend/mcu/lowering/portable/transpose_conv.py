# SPDX-License-Identifier: MIT
"""Portable kernels of the transposed convolution."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Ref, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import (
    constant,
    float_table,
    has_constant_parameters,
    scaling,
    scaling_of_bias,
    weight_bits,
    weight_zero,
    weights_table,
    wide_bias,
)
from milliwatt.backend.mcu.lowering.common.overlap import pixels
from milliwatt.backend.mcu.lowering.common.shared import (
    PortableKernel,
    activation_code,
    fixed,
    is_site,
    passed,
    suffix,
)
from milliwatt.backend.mcu.lowering.portable.conv import channel_factors
from milliwatt.ir.types import Array, DType
from milliwatt.ops.conv import TransposeConv2D
from milliwatt.quant.arith import activation_range

_POINTERS = (In(0), Out(0), Ref("weights"), Ref("bias"))
_SCALED = (*_POINTERS, Ref("multiplier"), Ref("shift"))


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, TransposeConv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    builder = {DType.INT8: _call_s8, DType.INT16: _call_s16}.get(x.dtype, _call_f32)
    geometry = (
        *fixed(x.shape[0]),
        *passed(*x.shape[1:], *y.shape[1:], *weights.shape[1:3], *op.stride_hw),
        *passed(op.padding.top, op.padding.left),
    )
    args, tables = builder(site, op, geometry)
    rows, columns = (
        _first_in(y.shape[1 + i], weights.shape[1 + i], op.stride_hw[i], before, x.shape[1 + i])
        for i, before in enumerate((op.padding.top, op.padding.left))
    )
    return Lowered(
        f"mw_transpose_conv2d_{suffix(x.dtype)}", args, tables, overlaps=pixels(x, y, rows, columns)
    )


def _first_in(outputs: int, taps: int, stride: int, before: int, extent: int) -> Array:
    """The first row (column) of x that each row (column) of y reads."""
    last_tap = np.arange(outputs) + before - taps + 1
    return np.clip(-(-last_tap // stride), 0, extent)


_Call = tuple[tuple[Arg, ...], tuple[Table, ...]]


def _call_s8(site: Site, op: TransposeConv2D, geometry: tuple[Arg, ...]) -> _Call:
    x, weights, _ = site.inputs
    (y,) = site.outputs
    scales = scaling(channel_factors(site))
    return (
        *_SCALED,
        *geometry,
        *passed(x.zero_point),
        *fixed(weight_zero(site)),
        *passed(y.zero_point, *activation_range(op.activation, y)),
        *fixed(int(scales.per_channel), weight_bits(site)),
    ), (
        weights_table(constant(site, 1), weights.dtype),
        Table("bias", constant(site, 2).astype(np.int32)),
        *scales.tables,
    )


def _call_s16(site: Site, op: TransposeConv2D, geometry: tuple[Arg, ...]) -> _Call:
    _, weights, bias_type = site.inputs
    bias, bias_words = wide_bias(constant(site, 2))
    scales, wide = scaling_of_bias(channel_factors(site), bias_type)
    return (
        *_SCALED,
        *geometry,
        *fixed(weight_zero(site)),
        *passed(*activation_range(op.activation, site.outputs[0])),
        *fixed(int(scales.per_channel), weight_bits(site), bias_words, int(wide)),
    ), (weights_table(constant(site, 1), weights.dtype), bias, *scales.tables)


def _call_f32(site: Site, op: TransposeConv2D, geometry: tuple[Arg, ...]) -> _Call:
    return (
        *_POINTERS,
        *geometry,
        *fixed(activation_code(op.activation)),
    ), (float_table("weights", constant(site, 1)), float_table("bias", constant(site, 2)))


def _kernel(dtype: DType) -> Kernel:
    name = f"transpose_conv2d_{suffix(dtype)}"
    return PortableKernel(
        name,
        f"mw_{name}.h",
        lambda s: is_site(s, TransposeConv2D, dtype) and has_constant_parameters(s),
        _lower,
    )


KERNELS: tuple[Kernel, ...] = (
    *(_kernel(dtype) for dtype in (DType.INT8, DType.INT16, DType.FLOAT32)),
)
