# SPDX-License-Identifier: MIT
"""Portable kernels of the convolutions."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Ref, Site
from milliwatt.backend.mcu.lowering import dense
from milliwatt.backend.mcu.lowering._linear import (
    Scaling,
    constant,
    folded_bias,
    has_constant_parameters,
    scaling,
    weight_bits,
    weight_zero,
    weights_table,
)
from milliwatt.backend.mcu.lowering._overlap import windows
from milliwatt.backend.mcu.lowering._shared import (
    PortableKernel,
    fixed,
    fixed_if,
    is_site,
    passed,
)
from milliwatt.ir.types import DType
from milliwatt.ops.base import Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import convolution_factors


def is_pointwise(site: Site) -> bool:
    """Whether a convolution is a fully connected layer applied to every pixel."""
    op = site.op
    return (
        isinstance(op, Conv2D)
        and site.inputs[1].shape[1:3] == (1, 1)
        and op.stride_hw == (1, 1)
        and op.padding == Padding()
        and site.inputs[1].shape[3] == site.inputs[0].shape[3]
    )


def reaches_outside(site: Site) -> bool:
    """Whether some window of a convolution covers padding."""
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    _, in_h, in_w, _ = site.inputs[0].shape
    _, out_h, out_w, _ = site.outputs[0].shape
    _, kh, kw, _ = site.inputs[1].shape
    last_y = (out_h - 1) * op.stride_hw[0] - op.padding.top + (kh - 1) * op.dilation_hw[0]
    last_x = (out_w - 1) * op.stride_hw[1] - op.padding.left + (kw - 1) * op.dilation_hw[1]
    return bool(op.padding.top or op.padding.left or last_y >= in_h or last_x >= in_w)


def _channel_scaling(site: Site) -> Scaling:
    y = site.outputs[0]
    return scaling(convolution_factors(site.inputs[0], site.inputs[1], y, y.shape[3]))


def _accepts_pointwise_s8(site: Site) -> bool:
    return _accepts_conv_s8(site) and is_pointwise(site)


def _lower_pointwise_s8(site: Site) -> Lowered:
    assert isinstance(site.op, Conv2D)
    return dense.rows_s8(site, _channel_scaling(site), site.op.activation)


def _accepts_conv_s8(site: Site) -> bool:
    return is_site(site, Conv2D, DType.INT8) and has_constant_parameters(site)


def _lower_conv_s8(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    channels, kh, kw, depth = weights.shape
    groups = x.shape[3] // depth
    bits, w_zero = weight_bits(site), weight_zero(site)
    filters = constant(site, 1)
    scales = _channel_scaling(site)
    whole_bytes = bits == 8 or depth % 2 == 0
    contiguous = op.dilation_hw[1] == 1 and groups == 1 and whole_bytes
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_conv2d_s8",
        (
            *(In(0), Out(0), Ref("weights"), Ref("bias"), Ref("multiplier"), Ref("shift")),
            *fixed(x.shape[0]),
            *passed(*x.shape[1:], *y.shape[1:3]),
            *fixed_groups(groups, channels),
            *passed(kh, kw, *op.stride_hw, *op.dilation_hw, op.padding.top, op.padding.left),
            *passed(x.zero_point),
            *fixed(w_zero),
            *passed(y.zero_point, low, high),
            *fixed(int(scales.per_channel), bits, int(contiguous), int(reaches_outside(site))),
        ),
        (
            weights_table(filters, weights.dtype),
            folded_bias(constant(site, 2), filters.reshape(channels, -1), x.zero_point, w_zero),
            *scales.tables,
        ),
        overlaps=windows(x, y, op.stride_hw, op.padding, op.dilation_hw),
    )


def fixed_groups(groups: int, channels: int) -> tuple[Arg, ...]:
    """Groups and channels per group; a single group is known inside the kernel."""
    return (*fixed_if(groups == 1, groups), *passed(channels // groups))


def _accepts_depthwise_s8(site: Site) -> bool:
    return is_site(site, DepthwiseConv2D, DType.INT8) and has_constant_parameters(site)


def _lower_depthwise_s8(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    _, kh, kw, channels = weights.shape
    bits, w_zero = weight_bits(site), weight_zero(site)
    filters = constant(site, 1).reshape(kh * kw, channels).T
    scales = _channel_scaling(site)
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_depthwise_conv2d_s8",
        (
            *(In(0), Out(0), Ref("weights"), Ref("bias"), Ref("multiplier"), Ref("shift")),
            *fixed(x.shape[0]),
            *passed(*x.shape[1:], *y.shape[1:3]),
            *fixed(channels // x.shape[3]),
            *passed(kh, kw, *op.stride_hw, *op.dilation_hw, op.padding.top, op.padding.left),
            *passed(x.zero_point),
            *fixed(w_zero),
            *passed(y.zero_point, low, high),
            *fixed(int(scales.per_channel), bits, int(reaches_outside(site))),
        ),
        (
            weights_table(filters, weights.dtype),
            folded_bias(constant(site, 2), filters, x.zero_point, w_zero),
            *scales.tables,
        ),
        overlaps=windows(x, y, op.stride_hw, op.padding, op.dilation_hw),
    )


KERNELS: tuple[Kernel, ...] = (
    PortableKernel(
        "conv2d_1x1_s8", "mw_fully_connected_s8.h", _accepts_pointwise_s8, _lower_pointwise_s8
    ),
    PortableKernel("conv2d_s8", "mw_conv2d_s8.h", _accepts_conv_s8, _lower_conv_s8),
    PortableKernel(
        "depthwise_conv2d_s8",
        "mw_depthwise_conv2d_s8.h",
        _accepts_depthwise_s8,
        _lower_depthwise_s8,
    ),
)
