# SPDX-License-Identifier: MIT
"""Pools and means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call, requantised
from milliwatt.frontend.onnx.formats import FINEST_STEP, Format
from milliwatt.frontend.onnx.linear import bias_type
from milliwatt.frontend.onnx.values import Value
from milliwatt.frontend.onnx.windows import Window, read_window, rounded_up_differs
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.shape import Pad
from milliwatt.ops.window import HW

_NONE = Activation.NONE
_ROWS_AND_COLUMNS = (1, 2)


def max_pool(call: Call) -> None:
    """MaxPool; integers keep their format, since the largest stays the largest."""
    x, window = _pooled(call)
    if call.integer("storage_order", 0):
        raise UnsupportedError("storage_order: columns first")
    if any(call.node.outputs[1:]):
        raise UnsupportedError("the indices of the largest elements")
    op = MaxPool2D(window.kernel_hw, window.stride_hw, window.padding, _NONE)
    _define(call, call.emit_moved(op, x))


def global_max_pool(call: Call) -> None:
    """GlobalMaxPool: one window over the whole image."""
    x = call.scope.as_rows(call.value())
    hw = _hw(call, x)
    _define(call, call.emit_moved(MaxPool2D(hw, hw, Padding(), _NONE), x))


def average_pool(call: Call) -> None:
    """AveragePool; over the whole image it is a mean."""
    x, window = _pooled(call)
    if window.padding == Padding() and window.kernel_hw == _hw(call, x):
        _define(call, _mean(call, x, _ROWS_AND_COLUMNS))
        return
    if call.integer("count_include_pad", 0) and window.padding != Padding():
        x = _padded(call, x, window.padding)
        window = replace(window, padding=Padding())
    target = call.target(x)
    if target is None or target.quant == call.scope.type(x).quant:
        result = call.emit_unary(_averages(window), x, target)
    elif window.padding == Padding():
        result = _average_by_ones(call, x, window, target)
    else:
        result = _average_twice_rounded(call, x, window, target)
    _define(call, result)


def global_average_pool(call: Call) -> None:
    """GlobalAveragePool."""
    x = call.scope.as_rows(call.value())
    _define(call, _mean(call, x, _ROWS_AND_COLUMNS))


def reduce_mean(call: Call) -> None:
    """ReduceMean over constant axes, given as an attribute or (from opset 18) an operand."""
    x = call.value()
    if call.opset >= 18:
        axes = call.ints(1, "axes") if call.has(1) else None
        if not axes and call.integer("noop_with_empty_axes", 0):
            call.define(x)
            return
    else:
        axes = call.integers_or_none("axes")
    dims = range(call.rank(x)) if not axes else sorted({call.dim(x, a) for a in axes})
    if not dims:
        raise UnsupportedError("the mean of a single number")
    result = _mean(call, x, tuple(sorted(call.scope.axis(x, d) for d in dims)))
    if not call.integer("keepdims", 1):
        shape = call.scope.shape(x)
        result = call.reshaped(result, tuple(d for i, d in enumerate(shape) if i not in dims))
    call.define(result)


def _pooled(call: Call) -> tuple[Value, Window]:
    """The operand as NHWC, and the window over it."""
    rank = call.rank(call.value())
    x = call.scope.as_rows(call.value())
    hw = _hw(call, x)
    window = read_window(call, hw, None, rank)
    if window.dilation_hw != (1, 1):
        raise UnsupportedError("dilation")
    if call.integer("ceil_mode", 0) and rounded_up_differs(window, hw):
        raise UnsupportedError("ceil_mode: windows that reach past the padded image")
    return x, window


def _define(call: Call, result: Value) -> None:
    call.define(call.scope.as_rank(result, call.rank(call.value())))


def _hw(call: Call, x: Value) -> HW:
    shape = call.scope.type(x).shape
    return shape[1], shape[2]


def _averages(window: Window) -> AveragePool2D:
    return AveragePool2D(window.kernel_hw, window.stride_hw, window.padding, _NONE)


def _padded(call: Call, x: Value, padding: Padding) -> Value:
    """The image with zeros around it that count in the average."""
    kind = call.scope.type(x)
    zero = 0.0 if kind.dtype.is_float else kind.zero_point
    rows, columns = (padding.top, padding.bottom), (padding.left, padding.right)
    op = Pad(((0, 0), rows, columns, (0, 0)), zero)
    return call.scope.move(f"{call.wanted}_padded", op, x)


def _average_by_ones(call: Call, x: Value, window: Window, target: Format) -> Value:
    """Averages in another format than x's, rounded once: a convolution by ones.

    The scale of the ones divides by their number.
    """
    (rows, columns), channels = window.kernel_hw, call.scope.type(x).shape[3]
    height, width = _hw(call, x)
    if rows > height or columns > width:
        raise ModelError(f"a window of {window.kernel_hw} on an image of {(height, width)}")
    shape = (1, rows, columns, channels)
    scale = float(np.float32(1.0 / (rows * columns)))
    ones_type = TensorType(shape, DType.INT8, Quant.per_tensor(scale, 0))
    zeros_type = TensorType((channels,), bias_type(target.dtype))
    ones = call.scope.add_constant(f"{call.wanted}_ones", ones_type, np.ones(shape, np.int8))
    zeros = call.scope.add_constant(f"{call.wanted}_zeros", zeros_type, np.zeros(channels))
    op = DepthwiseConv2D(window.stride_hw, (1, 1), Padding(), _NONE)
    return call.emit_integers(op, x.name, ones, zeros, target=target, channels_last=True)


def _average_twice_rounded(call: Call, x: Value, window: Window, target: Format) -> Value:
    """Averages in x's own steps, brought to another format.

    With padding the divisor varies. The first rounding is of half a step of x's; that stays
    within one step of the output unless those are finer than half as large.
    """
    kind = call.scope.type(x)
    if target.quant.scale[0] < FINEST_STEP * kind.scale:
        raise UnsupportedError("padding, with an output quantised much finer than the input")
    wanted = f"{call.wanted}_averages"
    name = call.scope.emit(wanted, _averages(window), (x.name,), kind.dtype, kind.quant)
    return requantised(call, replace(x, name=name), target)


def _mean(call: Call, x: Value, axes: tuple[int, ...]) -> Value:
    """The mean over the draft's axes, which stay as 1."""
    return call.emit_unary(Mean(axes, True), x, call.target(x))
