# SPDX-License-Identifier: MIT
"""Arithmetic, activations, changes of number format, means and resizing."""

from __future__ import annotations

from milliwatt.errors import ModelError
from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.call import Call
from milliwatt.frontend.tflite.flat import Scalar
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation
from milliwatt.ops.pool import Mean
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest


def add(call: Call) -> None:
    """ADD."""
    call.expect_operands(2, 2)
    activation = call.activation(schema.AddOptions.fused_activation_function)
    call.emit(Add(activation), [call.value(0), call.value(1)])


def sub(call: Call) -> None:
    """SUB."""
    call.expect_operands(2, 2)
    activation = call.activation(schema.SubOptions.fused_activation_function)
    call.emit(Sub(activation), [call.value(0), call.value(1)])


def mul(call: Call) -> None:
    """MUL."""
    call.expect_operands(2, 2)
    activation = call.activation(schema.MulOptions.fused_activation_function)
    call.emit(Mul(activation), [call.value(0), call.value(1)])


def relu(call: Call) -> None:
    """RELU."""
    _clamp(call, Activation.RELU)


def relu6(call: Call) -> None:
    """RELU6."""
    _clamp(call, Activation.RELU6)


def relu_n1_to_1(call: Call) -> None:
    """RELU_N1_TO_1."""
    _clamp(call, Activation.RELU_N1_TO_1)


def _clamp(call: Call, activation: Activation) -> None:
    call.expect_operands(1, 1)
    call.emit(Relu(activation), [call.value(0)])


def leaky_relu(call: Call) -> None:
    """LEAKY_RELU."""
    call.expect_operands(1, 1)
    call.emit(LeakyRelu(call.real(schema.LeakyReluOptions.alpha)), [call.value(0)])


def logistic(call: Call) -> None:
    """LOGISTIC."""
    call.expect_operands(1, 1)
    call.emit(Logistic(), [call.value(0)])


def tanh(call: Call) -> None:
    """TANH."""
    call.expect_operands(1, 1)
    call.emit(Tanh(), [call.value(0)])


def softmax(call: Call) -> None:
    """SOFTMAX."""
    call.expect_operands(1, 1)
    beta = call.real(schema.SoftmaxOptions.beta)
    if beta <= 0:
        raise ModelError(f"softmax's beta {beta} must be positive")
    call.emit(Softmax(beta), [call.value(0)])


def log_softmax(call: Call) -> None:
    """LOG_SOFTMAX."""
    call.expect_operands(1, 1)
    call.emit(LogSoftmax(), [call.value(0)])


def quantize(call: Call) -> None:
    """QUANTIZE: from float, or from other integers."""
    call.expect_operands(1, 1)
    output = call.record.outputs[0]
    is_public = output in call.scope.subgraph.outputs
    result = call.scope.external_type(output) if is_public else call.output_type()
    operand = call.scope.either(call.tensor(0))
    (name,) = call.draft.apply(Quantize(), [operand], [(call.output_name(), result)])
    call.define(0, name)


def dequantize(call: Call) -> None:
    """DEQUANTIZE; of a float16 constant, which is float32 already, nothing."""
    call.expect_operands(1, 1)
    name = call.scope.either(call.tensor(0))
    if call.draft.types[name].dtype.is_float:
        call.define(0, name)
        return
    call.emit(Dequantize(), [name])


def mean(call: Call) -> None:
    """MEAN: the axes are an operand."""
    call.expect_operands(2, 2)
    rank = len(call.type(0).shape)
    axes = sorted({call.axis(a, rank) for a in call.ints(1, "the axes")})
    call.emit(Mean(tuple(axes), call.flag(schema.ReducerOptions.keep_dims)), [call.value(0)])


def resize_nearest_neighbor(call: Call) -> None:
    """RESIZE_NEAREST_NEIGHBOR."""
    options = schema.ResizeNearestNeighborOptions
    hw, align, half = _resize(call, options.align_corners, options.half_pixel_centers)
    call.emit(ResizeNearest(hw, align, half), [call.value(0)])


def resize_bilinear(call: Call) -> None:
    """RESIZE_BILINEAR."""
    options = schema.ResizeBilinearOptions
    hw, align, half = _resize(call, options.align_corners, options.half_pixel_centers)
    call.emit(ResizeBilinear(hw, align, half), [call.value(0)])


def _resize(call: Call, align: Scalar, half: Scalar) -> tuple[tuple[int, int], bool, bool]:
    call.expect_operands(2, 2)
    size = call.ints(1, "the size")
    if len(size) != 2 or min(size) < 1:
        raise ModelError(f"size {list(size)} must be two positive numbers")
    return (size[0], size[1]), call.flag(align), call.flag(half)
