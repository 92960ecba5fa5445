# SPDX-License-Identifier: MIT
"""Convolutions."""

from __future__ import annotations

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.linear import Linear, bias_or_zeros, emit_linear
from milliwatt.frontend.onnx.windows import read_window
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D

_NONE = Activation.NONE


def conv(call: Call) -> None:
    """Conv: depthwise where each input channel is a group of its own."""
    weights = call.constant(1, "the weights")
    x = call.scope.as_image(call.value())
    _, channels, *input_hw = call.scope.shape(x)
    if weights.array.ndim != 4:
        raise ModelError(f"weights of shape {list(weights.array.shape)} for an image")
    outputs, depth, rows, columns = weights.array.shape
    groups = call.integer("group", 1)
    if groups < 1 or depth * groups != channels or outputs % groups:
        raise ModelError(
            f"weights {list(weights.array.shape)} in {groups} groups for {channels} channels"
        )
    window = read_window(call, (input_hw[0], input_hw[1]), (rows, columns))
    if window.kernel_hw != (rows, columns):
        raise ModelError(f"kernel_shape {window.kernel_hw} for weights of {(rows, columns)}")
    bias = bias_or_zeros(call, 2, outputs)
    shape = (window.stride_hw, window.dilation_hw, window.padding, _NONE)
    if groups == channels and groups > 1:
        # [C*multiplier, 1, KH, KW] to [1, KH, KW, C*multiplier].
        linear = Linear(x, weights.transpose((1, 2, 3, 0)), bias, 3)
        emit_linear(call, DepthwiseConv2D(*shape), linear, channels_last=True)
    else:
        linear = Linear(x, weights.transpose((0, 2, 3, 1)), bias, 0)
        emit_linear(call, Conv2D(*shape), linear, channels_last=True)


def conv_transpose(call: Call) -> None:
    """ConvTranspose without groups or dilation."""
    weights = call.constant(1, "the weights")
    x = call.scope.as_image(call.value())
    _, channels, *input_hw = call.scope.shape(x)
    if weights.array.ndim != 4 or weights.array.shape[0] != channels:
        raise ModelError(f"weights {list(weights.array.shape)} for {channels} channels")
    if call.integer("group", 1) != 1:
        raise UnsupportedError("groups")
    if call.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise UnsupportedError("auto_pad; give pads")
    if call.integers_or_none("output_shape") is not None:
        raise UnsupportedError("output_shape; give pads and output_padding")
    _, outputs, rows, columns = weights.array.shape
    window = read_window(call, (input_hw[0], input_hw[1]), (rows, columns))
    if window.dilation_hw != (1, 1):
        raise UnsupportedError("dilation")
    extra = call.integers("output_padding", (0, 0))
    pads = window.padding
    total = (pads.top + pads.bottom, pads.left + pads.right)
    output = [
        (n - 1) * s + k + e - p
        for n, s, k, e, p in zip(
            input_hw, window.stride_hw, window.kernel_hw, extra, total, strict=True
        )
    ]
    op: Op = TransposeConv2D(
        window.stride_hw, Padding(pads.top, 0, pads.left, 0), (output[0], output[1]), _NONE
    )
    bias = bias_or_zeros(call, 2, outputs)
    # [Cin, Cout, KH, KW] to [Cout, KH, KW, Cin].
    linear = Linear(x, weights.transpose((1, 2, 3, 0)), bias, 0)
    emit_linear(call, op, linear, channels_last=True)
