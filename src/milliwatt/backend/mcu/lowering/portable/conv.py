# SPDX-License-Identifier: MIT
"""Portable kernels of convolutions."""

from __future__ import annotations

from collections.abc import Callable

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import (
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
from milliwatt.backend.mcu.lowering.common.overlap import windows
from milliwatt.backend.mcu.lowering.common.shared import (
    PortableKernel,
    activation_code,
    fixed,
    fixed_if,
    is_site,
    passed,
    suffix,
)
from milliwatt.backend.mcu.lowering.portable import dense
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import convolution_factors

_POINTERS = (In(0), Out(0), Ref("weights"), Ref("bias"))
_LONGEST_GATHERED_RUN = 32
"""Elements of a filter's row up to which copying windows together pays."""

_SCALED = (*_POINTERS, Ref("multiplier"), Ref("shift"))


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


def channel_factors(site: Site) -> tuple[Array, Array]:
    """Multipliers and shifts of each output channel."""
    y = site.outputs[0]
    return convolution_factors(site.inputs[0], site.inputs[1], y, y.shape[3])


def _lower_pointwise(site: Site) -> Lowered:
    assert isinstance(site.op, Conv2D)
    activation = site.op.activation
    match site.inputs[0].dtype:
        case DType.INT8:
            return dense.rows_s8(site, scaling(channel_factors(site)), activation)
        case DType.INT16:
            return dense.rows_s16(site, channel_factors(site), activation)
        case _:
            return dense.rows_f32(site, activation)


def _geometry(site: Site, channels: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Sizes, with `channels` where the kernel wants them, filter, strides, dilations, padding."""
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    x, weights, _ = site.inputs
    return (
        *fixed(x.shape[0]),
        *passed(*x.shape[1:], *site.outputs[0].shape[1:3]),
        *channels,
        *fixed_if(isinstance(op, DepthwiseConv2D), *weights.shape[1:3]),
        *passed(*op.stride_hw, *op.dilation_hw),
        *passed(op.padding.top, op.padding.left),
    )


def _conv_geometry(site: Site) -> tuple[Arg, ...]:
    channels, _, _, depth = site.inputs[1].shape
    groups = site.inputs[0].shape[3] // depth
    return _geometry(site, (*fixed_if(groups == 1, groups), *passed(channels // groups)))


def _depthwise_geometry(site: Site) -> tuple[Arg, ...]:
    return _geometry(site, fixed(site.outputs[0].shape[3] // site.inputs[0].shape[3]))


def _conv_layout(site: Site) -> tuple[Arg, ...]:
    """Whether rows of taps are runs, whether windows reach outside."""
    op, weights = site.op, site.inputs[1]
    assert isinstance(op, Conv2D)
    depth = weights.shape[3]
    one_group = depth == site.inputs[0].shape[3]
    whole_bytes = depth * weights.dtype.bits % 8 == 0
    contiguous = op.dilation_hw[1] == 1 and one_group and whole_bytes
    return fixed(int(contiguous), int(reaches_outside(site)))


def _depthwise_layout(site: Site) -> tuple[Arg, ...]:
    return fixed(int(reaches_outside(site)))


def _conv_filters(site: Site) -> Array:
    return constant(site, 1)


def _depthwise_filters(site: Site) -> Array:
    """[channels, taps]."""
    channels = site.outputs[0].shape[3]
    return constant(site, 1).reshape(-1, channels).T


def _lower_window(
    site: Site, name: str, geometry: tuple[Arg, ...], layout: tuple[Arg, ...], filters: Array
) -> Lowered:
    """The call of a convolution's kernel `name`, for any element type."""
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    x, y = site.inputs[0], site.outputs[0]
    builder = {DType.INT8: _window_s8, DType.INT16: _window_s16}.get(x.dtype, _window_f32)
    args, tables = builder(site, geometry, layout, filters)
    return Lowered(
        f"mw_{name}_{suffix(x.dtype)}",
        args,
        tables,
        overlaps=windows(x, y, op.stride_hw, op.padding, op.dilation_hw),
    )


_Call = tuple[tuple[Arg, ...], tuple[Table, ...]]


def _window_s8(
    site: Site, geometry: tuple[Arg, ...], layout: tuple[Arg, ...], filters: Array
) -> _Call:
    op, x, weights, y = site.op, site.inputs[0], site.inputs[1], site.outputs[0]
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    scales = scaling(channel_factors(site))
    w_zero = weight_zero(site)
    by_channel = filters.reshape(y.shape[3], -1)
    return (
        *_SCALED,
        *geometry,
        *passed(x.zero_point),
        *fixed(w_zero),
        *passed(y.zero_point, *activation_range(op.activation, y)),
        *fixed(int(scales.per_channel), weight_bits(site)),
        *layout,
    ), (
        weights_table(filters, weights.dtype),
        folded_bias(constant(site, 2), by_channel, x.zero_point, w_zero),
        *scales.tables,
    )


def _window_s16(
    site: Site, geometry: tuple[Arg, ...], layout: tuple[Arg, ...], filters: Array
) -> _Call:
    op, weights, y = site.op, site.inputs[1], site.outputs[0]
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    bias, bias_words = wide_bias(constant(site, 2))
    scales, wide = scaling_of_bias(channel_factors(site), site.inputs[2])
    return (
        *_SCALED,
        *geometry,
        *fixed(weight_zero(site)),
        *passed(*activation_range(op.activation, y)),
        *fixed(int(scales.per_channel), weight_bits(site)),
        *layout,
        *fixed(bias_words, int(wide)),
    ), (weights_table(filters, weights.dtype), bias, *scales.tables)


def _window_f32(
    site: Site, geometry: tuple[Arg, ...], layout: tuple[Arg, ...], filters: Array
) -> _Call:
    op = site.op
    assert isinstance(op, Conv2D | DepthwiseConv2D)
    return (
        *_POINTERS,
        *geometry,
        *fixed(activation_code(op.activation)),
        *layout,
    ), (float_table("weights", filters), float_table("bias", constant(site, 2)))


def _lower_conv(site: Site) -> Lowered:
    return _lower_window(
        site, "conv2d", _conv_geometry(site), _conv_layout(site), _conv_filters(site)
    )


def _lower_depthwise(site: Site) -> Lowered:
    return _lower_window(
        site,
        "depthwise_conv2d",
        _depthwise_geometry(site),
        _depthwise_layout(site),
        _depthwise_filters(site),
    )


def _takes_gather(site: Site) -> bool:
    """Short runs of one group: few channels, a filter of several rows."""
    if not _accepts(Conv2D, DType.INT8)(site):
        return False
    _, kh, kw, depth = site.inputs[1].shape
    return depth == site.inputs[0].shape[3] and kh > 1 and kw * depth <= _LONGEST_GATHERED_RUN


def _lower_gather(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, weights, _ = site.inputs
    (y,) = site.outputs
    channels = weights.shape[0]
    filters = constant(site, 1).reshape(channels, -1)
    args, tables = _window_s8(site, _geometry(site, passed(channels)), (), filters)
    return Lowered(
        "mw_conv2d_gather_s8",
        (*args[:2], Scratch(), *args[2:]),
        tables,
        scratch_bytes=filters.shape[1],
        overlaps=windows(x, y, op.stride_hw, op.padding, op.dilation_hw, copied=True),
    )


def _accepts(op: type[Op], dtype: DType) -> Callable[[Site], bool]:
    return lambda site: is_site(site, op, dtype) and has_constant_parameters(site)


def _kernels(dtype: DType) -> tuple[Kernel, ...]:
    kind = suffix(dtype)
    takes_conv = _accepts(Conv2D, dtype)
    return (
        PortableKernel(
            f"conv2d_1x1_{kind}",
            f"mw_fully_connected_{kind}.h",
            lambda s: takes_conv(s) and is_pointwise(s),
            _lower_pointwise,
        ),
        PortableKernel(f"conv2d_{kind}", f"mw_conv2d_{kind}.h", takes_conv, _lower_conv),
        PortableKernel(
            f"depthwise_conv2d_{kind}",
            f"mw_depthwise_conv2d_{kind}.h",
            _accepts(DepthwiseConv2D, dtype),
            _lower_depthwise,
        ),
    )


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("conv2d_gather_s8", "mw_conv2d_gather_s8.h", _takes_gather, _lower_gather),
    *_kernels(DType.INT8),
    *_kernels(DType.INT16),
    *_kernels(DType.FLOAT32),
)
