# SPDX-License-Identifier: MIT
"""Operators with weights and windows."""

from __future__ import annotations

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.call import Call
from milliwatt.frontend.tflite.flat import Scalar
from milliwatt.frontend.tflite.operators.weights import weights_and_bias
from milliwatt.ops.base import Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.window import same_padding, transpose_same_padding
from milliwatt.units import ceil_div

HW = tuple[int, int]

MAX_WINDOW = 4096
"""Rows or columns that a filter reaches over, and strides, at most."""


def conv_2d(call: Call) -> None:
    """CONV_2D: x, weights[Cout,KH,KW,Cin/groups], bias."""
    call.expect_operands(2, 3)
    options = schema.Conv2DOptions
    x, weights, bias = weights_and_bias(call, x=0, weights=1, bias=2, axis=0)
    stride = positive(call, options.stride_h, options.stride_w, "stride")
    dilation = positive(call, options.dilation_h_factor, options.dilation_w_factor, "dilation")
    taps = image_hw(call, weights)
    padding = window_padding(call, options.padding, image_hw(call, x), taps, stride, dilation)
    activation = call.activation(options.fused_activation_function)
    call.emit(Conv2D(stride, dilation, padding, activation), [x, weights, bias])


def depthwise_conv_2d(call: Call) -> None:
    """DEPTHWISE_CONV_2D: x, weights[1,KH,KW,C*multiplier], bias."""
    call.expect_operands(2, 3)
    options = schema.DepthwiseConv2DOptions
    x, weights, bias = weights_and_bias(call, x=0, weights=1, bias=2, axis=3)
    stride = positive(call, options.stride_h, options.stride_w, "stride")
    dilation = positive(call, options.dilation_h_factor, options.dilation_w_factor, "dilation")
    taps = image_hw(call, weights)
    padding = window_padding(call, options.padding, image_hw(call, x), taps, stride, dilation)
    channels, filters = call.draft.types[x].shape[3], call.draft.types[weights].shape[3]
    multiplier = call.integer(options.depth_multiplier)
    if channels * multiplier != filters:
        raise ModelError(
            f"depth multiplier {multiplier} of {channels} channels does not give {filters} filters"
        )
    activation = call.activation(options.fused_activation_function)
    call.emit(DepthwiseConv2D(stride, dilation, padding, activation), [x, weights, bias])


def transpose_conv(call: Call) -> None:
    """TRANSPOSE_CONV: output shape, weights[Cout,KH,KW,Cin], x, bias."""
    call.expect_operands(3, 4)
    options = schema.TransposeConvOptions
    x, weights, bias = weights_and_bias(call, x=2, weights=1, bias=3, axis=0)
    stride = positive(call, options.stride_h, options.stride_w, "stride")
    # TFLM takes the declared shape, whatever the operand says; a file may compute the operand.
    constant = call.value(0) in call.draft.constants
    shape = call.ints(0, "the output shape") if constant else call.output_type().shape
    if len(shape) != 4 or min(shape) < 1:
        raise ModelError(f"output shape {list(shape)} must be four positive numbers")
    output_hw = shape[1], shape[2]
    is_same = is_padding_same(call, options.padding)
    taps = image_hw(call, weights)
    padding = transpose_same_padding(output_hw, taps, stride) if is_same else Padding()
    _check_transposed(image_hw(call, x), taps, stride, output_hw, is_same)
    activation = call.activation(options.fused_activation_function)
    call.emit(TransposeConv2D(stride, padding, output_hw, activation), [x, weights, bias])


def _check_transposed(image: HW, taps: HW, stride: HW, output: HW, is_same: bool) -> None:
    """A ModelError unless the convolution that this one transposes gives the image's size."""
    for pixels, tap, step, extent in zip(image, taps, stride, output, strict=True):
        if pixels != ceil_div(extent if is_same else extent - tap + 1, step):
            raise ModelError(f"an output of {output} does not come from an image of {image}")


def fully_connected(call: Call) -> None:
    """FULLY_CONNECTED: x, weights[N,K], bias; the output keeps x's leading dimensions or not."""
    call.expect_operands(2, 3)
    options = schema.FullyConnectedOptions
    if call.integer(options.weights_format):
        raise UnsupportedError("shuffled weights; export with the default weights format")
    operands = weights_and_bias(call, x=0, weights=1, bias=2, axis=0)
    activation = call.activation(options.fused_activation_function)
    keep = call.flag(options.keep_num_dims)
    call.emit_reshaped(FullyConnected(activation, keep), operands)


def average_pool_2d(call: Call) -> None:
    """AVERAGE_POOL_2D."""
    filter_hw, stride, padding = _pool(call)
    activation = call.activation(schema.Pool2DOptions.fused_activation_function)
    call.emit(AveragePool2D(filter_hw, stride, padding, activation), [call.value(0)])


def max_pool_2d(call: Call) -> None:
    """MAX_POOL_2D."""
    filter_hw, stride, padding = _pool(call)
    activation = call.activation(schema.Pool2DOptions.fused_activation_function)
    call.emit(MaxPool2D(filter_hw, stride, padding, activation), [call.value(0)])


def _pool(call: Call) -> tuple[HW, HW, Padding]:
    call.expect_operands(1, 1)
    options = schema.Pool2DOptions
    filter_hw = positive(call, options.filter_height, options.filter_width, "filter")
    stride = positive(call, options.stride_h, options.stride_w, "stride")
    image = image_hw(call, call.value(0))
    return filter_hw, stride, window_padding(call, options.padding, image, filter_hw, stride)


def image_hw(call: Call, name: str) -> HW:
    """Rows and columns of a value [N,H,W,C]; a ModelError where it has another rank."""
    value = call.draft.types[name]
    if len(value.shape) != 4:
        raise ModelError(f"{value} must have 4 dimensions")
    return value.shape[1], value.shape[2]


def positive(call: Call, height: Scalar, width: Scalar, what: str) -> HW:
    """Two options that must be positive, and within reason."""
    pair = call.integer(height), call.integer(width)
    if min(pair) < 1 or max(pair) > MAX_WINDOW:
        raise ModelError(f"{what} {pair} must be positive and at most {MAX_WINDOW}")
    return pair


def is_padding_same(call: Call, field: Scalar) -> bool:
    """Whether the padding option says SAME rather than VALID."""
    code = call.integer(field)
    if code not in (schema.PADDING_SAME, schema.PADDING_VALID):
        raise ModelError(f"padding {code} does not exist")
    return code == schema.PADDING_SAME


def window_padding(
    call: Call, field: Scalar, image: HW, taps: HW, stride: HW, dilation: HW = (1, 1)
) -> Padding:
    """The padding option made explicit."""
    reach = tuple((t - 1) * d + 1 for t, d in zip(taps, dilation, strict=True))
    if max(reach) > MAX_WINDOW:
        raise ModelError(f"filter {taps} with dilation {dilation} reaches over {max(reach)}")
    if is_padding_same(call, field):
        return same_padding(image, taps, stride, dilation)
    return Padding()
