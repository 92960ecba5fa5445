# SPDX-License-Identifier: MIT
"""Pools and means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call, requantised
from milliwatt.frontend.onnx.formats import Format
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
    x = call.scope.as_image(call.value())
    window = _window(call, x)
    if call.integer("storage_order", 0):
        raise UnsupportedError("storage_order: columns first")
    if any(call.node.outputs[1:]):
        raise UnsupportedError("the indices of the largest elements")
    call.define_moved(MaxPool2D(window.kernel_hw, window.stride_hw, window.padding, _NONE), x)


def global_max_pool(call: Call) -> None:
    """GlobalMaxPool: one window over the whole image."""
    x = call.scope.as_image(call.value())
    hw = _hw(call, x)
    call.define_moved(MaxPool2D(hw, hw, Padding(), _NONE), x)


def average_pool(call: Call) -> None:
    """AveragePool; over the whole image it is a mean."""
    x = call.scope.as_image(call.value())
    window = _window(call, x)
    if window.padding == Padding() and window.kernel_hw == _hw(call, x):
        _mean(call, x, _ROWS_AND_COLUMNS)
        return
    if call.integer("count_include_pad", 0):
        x = _padded(call, x, window.padding)
        window = replace(window, padding=Padding())
    target = call.target(x)
    if target is None:
        real = call.scope.as_real(x)
        call.define_real(_averages(window), real.name, channels_last=True)
        return
    if target.quant == call.scope.type(x).quant:
        call.define_integers(_averages(window), x.name, target=target, channels_last=True)
    else:
        _average_integers(call, x, window, target)


def global_average_pool(call: Call) -> None:
    """GlobalAveragePool."""
    _mean(call, call.scope.as_image(call.value()), _ROWS_AND_COLUMNS)


def reduce_mean(call: Call) -> None:
    """ReduceMean over constant axes, given as an attribute or (from opset 18) an operand."""
    x = call.value()
    if call.opset >= 18:
        axes = call.ints(1, "axes") if call.has(1) else None
        if axes is None and call.integer("noop_with_empty_axes", 0):
            call.define(x)
            return
    else:
        axes = call.integers_or_none("axes")
    dims = range(call.rank(x)) if not axes else (call.dim(x, a) for a in axes)
    chosen = sorted({call.scope.axis(x, d) for d in dims})
    result = _mean(call, x, tuple(chosen))
    if not call.integer("keepdims", 1):
        shape = call.scope.shape(x)
        kept = [d for i, d in enumerate(shape) if call.scope.axis(x, i) not in chosen]
        call.define(call.reshaped(result, tuple(kept)))


def _window(call: Call, x: Value) -> Window:
    kernel = call.node.attributes.get("kernel_shape", (0, 0))
    if not isinstance(kernel, tuple) or len(kernel) != 2:
        raise UnsupportedError(f"kernel_shape {kernel}; supported: two dimensions")
    hw = _hw(call, x)
    window = read_window(call, hw, (0, 0))
    if window.dilation_hw != (1, 1):
        raise UnsupportedError("dilation")
    if call.integer("ceil_mode", 0) and rounded_up_differs(window, hw):
        raise UnsupportedError("ceil_mode: windows that reach past the padded image")
    return window


def _hw(call: Call, x: Value) -> HW:
    shape = call.scope.type(x).shape
    return shape[1], shape[2]


def _averages(window: Window) -> AveragePool2D:
    return AveragePool2D(window.kernel_hw, window.stride_hw, window.padding, _NONE)


def _padded(call: Call, x: Value, padding: Padding) -> Value:
    """The image with zeros around it that count in the average."""
    if padding == Padding():
        return x
    kind = call.scope.type(x)
    zero = 0.0 if kind.dtype.is_float else kind.zero_point
    rows, columns = (padding.top, padding.bottom), (padding.left, padding.right)
    op = Pad(((0, 0), rows, columns, (0, 0)), zero)
    return call.scope.move(f"{call.wanted}_padded", op, x)


def _average_integers(call: Call, x: Value, window: Window, target: Format) -> None:
    """Averages in another format than x's, rounded once.

    Without padding an average is a convolution by ones; its weights' scale divides. With padding
    the divisor varies: averages in x's own steps are rounded again, which stays within a step of
    the exact result where the output's steps are not finer than half of x's.
    """
    scope = call.scope
    if window.padding != Padding():
        if target.quant.scale[0] <= 0.51 * scope.type(x).scale:
            raise UnsupportedError("padding, with an output quantised much finer than the input")
        kind = scope.type(x)
        name = scope.emit(
            f"{call.wanted}_averages", _averages(window), (x.name,), kind.dtype, kind.quant
        )
        call.define(requantised(call, replace(x, name=name), target))
        return
    rows, columns = window.kernel_hw
    channels = scope.type(x).shape[3]
    shape = (1, rows, columns, channels)
    scale = float(np.float32(1.0 / (rows * columns)))
    weights_type = TensorType(shape, DType.INT8, Quant.per_tensor(scale, 0))
    bias_type = TensorType((channels,), DType.INT32 if target.dtype is DType.INT8 else DType.INT64)
    ones = scope.add_constant(f"{call.wanted}_ones", weights_type, np.ones(shape, np.int8))
    zeros = scope.add_constant(f"{call.wanted}_zeros", bias_type, np.zeros(channels, np.int64))
    op = DepthwiseConv2D(window.stride_hw, (1, 1), Padding(), _NONE)
    call.define_integers(op, x.name, ones, zeros, target=target, channels_last=True)


def _mean(call: Call, x: Value, axes: tuple[int, ...]) -> Value:
    """Define the first output as the mean over the draft's axes, which stay as 1."""
    if not axes:
        raise ModelError("a mean over no dimension")
    op, target = Mean(axes, True), call.target(x)
    if target is None:
        call.define_real(op, call.scope.as_real(x).name, channels_last=x.channels_last)
    else:
        call.define_integers(op, x.name, target=target, channels_last=x.channels_last)
    return call.result()
