# SPDX-License-Identifier: MIT
"""The layers' definitions, one output element at a time: slow, and plain to read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.base import Activation
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.quant.arith import activation_range, quantize_multiplier
from tests.ops.draws import Application
from tests.quant.direct import c_divide, direct_multiply, direct_multiply_64, wrapped

Index = tuple[int, ...]


def real(kind: TensorType, value: Array, index: Index) -> int:
    """An element less its zero point."""
    assert kind.quant is not None
    zero = kind.zero_point if len(kind.quant.scale) == 1 else 0
    return int(value[index]) - zero


def rescaled(total: int, channel: int, made: Application, *, single: bool) -> int:
    """A layer's accumulator as an output element; `single`: x·w is rounded to float32."""
    x, weights, bias = made.inputs
    (y,) = made.outputs
    assert weights.quant is not None
    scales = weights.quant.scale
    scale = scales[channel if len(scales) > 1 else 0]
    if single and len(scales) == 1:
        product = float(np.float32(x.scale) * np.float32(scale))
    else:
        product = x.scale * scale
    factor = quantize_multiplier(product / y.scale)
    total += int(made.values[2][channel])
    if bias.dtype is DType.INT64:
        return clamped(direct_multiply_64(total, *factor), y, made.op.activation)
    return clamped(direct_multiply(wrapped(total), *factor), y, made.op.activation)


def clamped(value: int, y: TensorType, activation: Activation) -> int:
    """A real-valued integer with y's zero point, inside its range."""
    low, high = activation_range(activation, y)
    return min(max(value + y.zero_point, low), high)


def element(made: Application, index: Index) -> int:
    """One element of the application's output by its definition."""
    return _ELEMENT[type(made.op)](made, index)


def _taps(
    op: Conv2D | DepthwiseConv2D, filter_hw: Index, image_hw: Index, at: Index
) -> Iterator[tuple[int, int, int, int]]:
    """Filter row and column with the image row and column under them, inside the image."""
    for row in range(filter_hw[0]):
        for column in range(filter_hw[1]):
            y = at[0] * op.stride_hw[0] - op.padding.top + row * op.dilation_hw[0]
            x = at[1] * op.stride_hw[1] - op.padding.left + column * op.dilation_hw[1]
            if 0 <= y < image_hw[0] and 0 <= x < image_hw[1]:
                yield row, column, y, x


def _conv(made: Application, index: Index) -> int:
    batch, row, column, channel = index
    x, weights, _ = made.inputs
    depth = weights.shape[3]
    groups = x.shape[3] // depth
    first = channel // (weights.shape[0] // groups) * depth
    total = 0
    for fy, fx, y, xx in _taps(made.op, weights.shape[1:3], x.shape[1:3], (row, column)):
        for d in range(depth):
            total += real(x, made.values[0], (batch, y, xx, first + d)) * real(
                weights, made.values[1], (channel, fy, fx, d)
            )
    return rescaled(total, channel, made, single=False)


def _depthwise(made: Application, index: Index) -> int:
    batch, row, column, channel = index
    x, weights, _ = made.inputs
    source = channel // (weights.shape[3] // x.shape[3])
    total = 0
    for fy, fx, y, xx in _taps(made.op, weights.shape[1:3], x.shape[1:3], (row, column)):
        total += real(x, made.values[0], (batch, y, xx, source)) * real(
            weights, made.values[1], (0, fy, fx, channel)
        )
    return rescaled(total, channel, made, single=False)


def _transposed(made: Application, index: Index) -> int:
    batch, row, column, channel = index
    x, weights, _ = made.inputs
    op: TransposeConv2D = made.op
    total = 0
    for y, xx, fy, fx in np.ndindex(*x.shape[1:3], *weights.shape[1:3]):
        at = (
            y * op.stride_hw[0] - op.padding.top + fy,
            xx * op.stride_hw[1] - op.padding.left + fx,
        )
        if at == (row, column):
            for d in range(x.shape[3]):
                total += real(x, made.values[0], (batch, y, xx, d)) * real(
                    weights, made.values[1], (channel, fy, fx, d)
                )
    return rescaled(total, channel, made, single=False)


def _dense(made: Application, index: Index) -> int:
    x, weights, _ = made.inputs
    channels, depth = weights.shape
    row = int(np.ravel_multi_index(index, made.outputs[0].shape)) // channels
    flat = made.values[0].reshape(-1, depth)
    total = sum(
        real(x, flat, (row, d)) * real(weights, made.values[1], (index[-1], d))
        for d in range(depth)
    )
    return rescaled(total, index[-1], made, single=True)


def _seen(made: Application, index: Index) -> list[int]:
    """The real elements under a pooling window."""
    batch, row, column, channel = index
    op: AveragePool2D | MaxPool2D = made.op
    _, rows, columns, _ = made.inputs[0].shape
    top = row * op.stride_hw[0] - op.padding.top
    left = column * op.stride_hw[1] - op.padding.left
    return [
        int(made.values[0][batch, y, x, channel])
        for y in range(max(top, 0), min(top + op.filter_hw[0], rows))
        for x in range(max(left, 0), min(left + op.filter_hw[1], columns))
    ]


def _average(made: Application, index: Index) -> int:
    seen = _seen(made, index)
    half = len(seen) // 2
    total = sum(seen)
    mean = c_divide(total + (half if total > 0 else -half), len(seen))
    low, high = activation_range(made.op.activation, made.outputs[0])
    return min(max(mean, low), high)


def _largest(made: Application, index: Index) -> int:
    low, high = activation_range(made.op.activation, made.outputs[0])
    return min(max(max(_seen(made, index)), low), high)


_ELEMENT = {
    Conv2D: _conv,
    DepthwiseConv2D: _depthwise,
    TransposeConv2D: _transposed,
    FullyConnected: _dense,
    AveragePool2D: _average,
    MaxPool2D: _largest,
}
