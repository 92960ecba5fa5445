# SPDX-License-Identifier: MIT
"""Convolutions."""

from __future__ import annotations

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.constants import Constant
from milliwatt.frontend.onnx.linear import Linear, bias_or_zeros, emit_linear
from milliwatt.frontend.onnx.values import Value
from milliwatt.frontend.onnx.windows import Window, pair, read_window
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.window import HW

_NONE = Activation.NONE


def conv(call: Call) -> None:
    """Conv: depthwise where each input channel is a group of its own."""
    x, weights = _operands(call)
    rank = call.rank(call.value())
    _, input_hw, channels = _split_shape(call, x)
    outputs, depth, rows, columns = weights.array.shape
    groups = call.integer("group", 1)
    if groups < 1 or depth * groups != channels or outputs % groups:
        raise ModelError(
            f"weights {list(weights.array.shape)} in {groups} groups for {channels} channels"
        )
    window = read_window(call, input_hw, (rows, columns), rank)
    _expect_kernel(window, (rows, columns))
    bias = bias_or_zeros(call, 2, outputs)
    shape = (window.stride_hw, window.dilation_hw, window.padding, _NONE)
    if groups == channels and groups > 1:
        # [C*multiplier, 1, KH, KW] to [1, KH, KW, C*multiplier].
        linear = Linear(x, weights.transpose((1, 2, 3, 0)), bias, 3)
        result = emit_linear(call, DepthwiseConv2D(*shape), linear)
    else:
        linear = Linear(x, weights.transpose((0, 2, 3, 1)), bias, 0)
        result = emit_linear(call, Conv2D(*shape), linear)
    call.define(call.scope.as_rank(result, rank))


def conv_transpose(call: Call) -> None:
    """ConvTranspose without groups or dilation."""
    x, weights = _operands(call)
    rank = call.rank(call.value())
    _, input_hw, channels = _split_shape(call, x)
    _refuse_transposed(call)
    if weights.array.shape[0] != channels:
        raise ModelError(f"weights {list(weights.array.shape)} for {channels} channels")
    _, outputs, rows, columns = weights.array.shape
    window = read_window(call, input_hw, (rows, columns), rank)
    _expect_kernel(window, (rows, columns))
    if window.dilation_hw != (1, 1):
        raise UnsupportedError("dilation")
    extra, pads = pair(call, "output_padding", (0, 0), rank), window.padding
    total = (pads.top + pads.bottom, pads.left + pads.right)
    if min(*extra, *total) < 0:
        raise ModelError("negative padding")
    output_hw = tuple(
        (n - 1) * s + k + e - p
        for n, s, k, e, p in zip(
            input_hw, window.stride_hw, window.kernel_hw, extra, total, strict=True
        )
    )
    op = TransposeConv2D(
        window.stride_hw, Padding(pads.top, 0, pads.left, 0), (output_hw[0], output_hw[1]), _NONE
    )
    bias = bias_or_zeros(call, 2, outputs)
    # [Cin, Cout, KH, KW] to [Cout, KH, KW, Cin].
    result = emit_linear(call, op, Linear(x, weights.transpose((1, 2, 3, 0)), bias, 0))
    call.define(call.scope.as_rank(result, rank))


def _operands(call: Call) -> tuple[Value, Constant]:
    """The image as NHWC, and weights of four dimensions in the file's order."""
    weights = call.constant(1, "the weights")
    x = call.value()
    rank = call.rank(x)
    image = call.scope.as_rows(x)
    if weights.array.ndim != rank or 0 in weights.array.shape:
        raise ModelError(f"weights of shape {list(weights.array.shape)} for {rank} dimensions")
    return image, weights if rank == 4 else weights.insert_axis(2)


def _split_shape(call: Call, x: Value) -> tuple[int, HW, int]:
    batch, rows, columns, channels = call.scope.type(x).shape
    return batch, (rows, columns), channels


def _expect_kernel(window: Window, kernel_hw: HW) -> None:
    if window.kernel_hw != kernel_hw:
        raise ModelError(f"kernel_shape {window.kernel_hw} for weights of {kernel_hw}")


def _refuse_transposed(call: Call) -> None:
    if call.integer("group", 1) != 1:
        raise UnsupportedError("groups")
    if call.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise UnsupportedError("auto_pad; give pads")
    if call.node.attributes.get("output_shape") is not None:
        raise UnsupportedError("output_shape; give pads and output_padding")
