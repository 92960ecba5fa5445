# SPDX-License-Identifier: MIT
"""Convolutions and fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.window import same_padding, transpose_same_padding
from tests.cases.build import Case, case, per_channel, tensor, values

NONE = Activation.NONE


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution: input N,H,W,C, filter, what else differs from the plain one."""

    x: tuple[int, int, int, int]
    out: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding | str = "valid"
    groups: int = 1
    activation: Activation = NONE


@dataclass(frozen=True)
class Numbers:
    """Number formats of a layer; `gain` is about how much of the output's range is used."""

    weights: DType = DType.INT8
    per_channel: bool = True
    x_zero: int = -128
    w_zero: int = 0
    y_zero: int = -128
    gain: float = 1.0
    bias: DType = DType.INT32


PLAIN = Numbers()
CONVOLUTIONS = [
    Window((1, 1, 1, 1), 1),
    Window((1, 5, 5, 3), 7),
    Window((1, 4, 3, 14), 51),
    Window((2, 3, 3, 138), 5),
    Window((1, 25, 5, 64), 8, activation=Activation.RELU),
    Window((1, 6, 6, 16), 8, stride=(2, 2)),
    Window((1, 7, 5, 3), 4, (3, 3), padding="same"),
    Window((1, 8, 8, 3), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 9, 7, 1), 4, (5, 4), stride=(2, 2), padding="same"),
    Window((2, 6, 5, 4), 3, (3, 2), padding="valid"),
    Window((1, 1, 1, 9), 6, (3, 3), padding="same"),
    Window((1, 2, 2, 5), 3, (5, 5), padding=Padding(3, 2, 2, 4)),
    Window((1, 9, 9, 2), 3, (3, 3), dilation=(2, 3), padding="same"),
    Window((1, 9, 10, 3), 3, (2, 3), stride=(4, 5), padding="valid"),
    Window((1, 7, 7, 6), 9, (3, 3), padding="same", groups=3),
    Window((1, 4, 4, 4), 4, (1, 1), groups=2),
    Window((1, 10, 1, 8), 4, (4, 1), stride=(2, 1), padding=Padding(1, 0, 0, 0)),
    Window((1, 3, 4, 2), 2, (2, 2), dilation=(3, 1), padding=Padding(2, 3, 0, 1)),
    Window((2, 5, 5, 2), 2, (2, 2), stride=(3, 3), padding=Padding(1, 1, 1, 1)),
    Window((1, 2, 3, 2), 3, (1, 1), stride=(2, 1), padding=Padding(1, 2, 0, 3)),
]
DEPTHWISE = [
    Window((1, 1, 1, 1), 1),
    Window((1, 5, 4, 3), 3, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 25, 5, 14), 14, (3, 3), padding="same"),
    Window((1, 6, 6, 8), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((2, 5, 5, 4), 8, (3, 3), padding="valid"),
    Window((1, 9, 9, 1), 5, (4, 3), stride=(2, 2), padding="same"),
    Window((1, 3, 3, 51), 51, (5, 5), padding="same"),
    Window((1, 8, 8, 2), 6, (3, 2), dilation=(2, 2), padding="same"),
    Window((1, 25, 5, 12), 12, (25, 5)),
    Window((1, 2, 2, 3), 3, (5, 4), padding=Padding(3, 2, 3, 1)),
    Window((1, 12, 1, 6), 6, (5, 1)),
    Window((1, 7, 9, 2), 2, (1, 2), stride=(3, 4), padding=Padding(2, 3, 1, 1)),
]
TRANSPOSED = [
    Window((1, 1, 1, 1), 1),
    Window((1, 3, 4, 3), 5, (3, 3), stride=(2, 2), padding="same"),
    Window((2, 4, 3, 2), 3, (2, 3), stride=(2, 1), padding="valid"),
    Window((1, 3, 3, 4), 2, (2, 2), stride=(3, 3), padding="valid"),
    Window((1, 5, 1, 6), 3, (4, 1), stride=(2, 1), padding="same", activation=Activation.RELU),
    Window((1, 2, 2, 14), 7, (5, 5), stride=(1, 1), padding="same"),
]
DENSE = [(1, 1, 1), (1, 3, 10), (1, 138, 51), (2, 14, 7), (5, 51, 1), (1, 640, 12), (3, 9, 8)]

_S8 = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-3, w_zero=9, per_channel=False, y_zero=0),
    Numbers(weights=DType.INT4, x_zero=-128, y_zero=3),
    Numbers(weights=DType.INT2, x_zero=-128, y_zero=3),
    Numbers(x_zero=0, y_zero=0, gain=1e-4, per_channel=False),
    Numbers(gain=1e5),
]
_S16 = [
    Numbers(x_zero=0, y_zero=0, bias=DType.INT64),
    Numbers(x_zero=0, y_zero=0, bias=DType.INT32),
    Numbers(x_zero=0, y_zero=0, bias=DType.INT64, per_channel=False, gain=5.0),
    Numbers(x_zero=0, y_zero=0, bias=DType.INT64, weights=DType.INT4, gain=0.01),
    Numbers(x_zero=0, y_zero=0, bias=DType.INT64, weights=DType.INT2, gain=0.01),
]

_SPREAD = {DType.INT4: 4.6, DType.INT2: 1.2}
"""Root mean square of random sub-byte weights."""


def _operands(
    x: TensorType,
    shape: tuple[int, ...],
    axis: int,
    y: TensorType,
    numbers: Numbers,
    rng: np.random.Generator,
) -> tuple[list[tuple[TensorType, Array]], TensorType]:
    """x, weights and bias with values, and y with a scale that suits what comes out."""
    if x.dtype is DType.FLOAT32:
        weights, bias = tensor(shape, DType.FLOAT32), tensor((shape[axis],), DType.FLOAT32)
        return [(t, values(t, rng)) for t in (x, weights, bias)], y
    if numbers.per_channel:
        weights = per_channel(shape, numbers.weights, axis, rng)
    else:
        weights = tensor(shape, numbers.weights, 0.007, numbers.w_zero)
    taps = int(np.prod(shape)) // shape[axis]
    w_scale = float(np.mean(weights.quant.scale)) if weights.quant else 0.0
    spread = np.hypot(_SPREAD.get(numbers.weights, 75.0), numbers.w_zero)
    x_reach = np.hypot(75.0, numbers.x_zero) if x.dtype is DType.INT8 else 18000.0
    x_scale = x.scale * x_reach
    deviation = x_scale * w_scale * spread * np.sqrt(taps)
    levels = 50.0 if x.dtype is DType.INT8 else 12000.0
    y = replace(
        y,
        quant=Quant.per_tensor(
            float(np.float32(deviation / levels / numbers.gain)), numbers.y_zero
        ),
    )
    bias = TensorType((shape[axis],), numbers.bias)
    reach = int(deviation / (x.scale * w_scale)) + 1
    biases = rng.integers(-reach, reach, bias.shape).astype(bias.dtype.numpy)
    return [(x, values(x, rng)), (weights, values(weights, rng)), (bias, biases)], y


def _pads(w: Window) -> Padding:
    if isinstance(w.padding, Padding):
        return w.padding
    if w.padding == "valid":
        return Padding()
    return same_padding(w.x[1:3], w.kernel, w.stride, w.dilation)


def _case(
    op: Op, x: TensorType, shape: tuple[int, ...], axis: int, numbers: Numbers, seed: int
) -> Case:
    rng = np.random.default_rng(seed)
    bias = TensorType((shape[axis],), DType.FLOAT32 if x.dtype.is_float else numbers.bias)
    (out,) = op.infer([x, TensorType(shape, numbers.weights), bias])
    operands, y = _operands(x, shape, axis, TensorType(out, x.dtype), numbers, rng)
    return case(op, operands, [y], constant=(1, 2))


def _x(shape: tuple[int, ...], dtype: DType, numbers: Numbers) -> TensorType:
    scales = {DType.INT8: 0.02, DType.INT16: 0.0003}
    return tensor(shape, dtype, scales.get(dtype), numbers.x_zero)


def convolution(w: Window, dtype: DType, numbers: Numbers, seed: int) -> Case:
    """A Conv2D site."""
    op = Conv2D(w.stride, w.dilation, _pads(w), w.activation)
    shape = (w.out, *w.kernel, w.x[3] // w.groups)
    return _case(op, _x(w.x, dtype, numbers), shape, 0, numbers, seed)


def depthwise(w: Window, dtype: DType, numbers: Numbers, seed: int) -> Case:
    """A DepthwiseConv2D site."""
    op = DepthwiseConv2D(w.stride, w.dilation, _pads(w), w.activation)
    return _case(op, _x(w.x, dtype, numbers), (1, *w.kernel, w.out), 3, numbers, seed)


def transposed(w: Window, dtype: DType, numbers: Numbers, seed: int) -> Case:
    """A TransposeConv2D site."""
    same = w.padding == "same"
    output = tuple(
        d * s if same else max((d - 1) * s + k, d * s)
        for d, s, k in zip(w.x[1:3], w.stride, w.kernel, strict=True)
    )
    pads = transpose_same_padding(output, w.kernel, w.stride) if same else Padding()
    op = TransposeConv2D(w.stride, pads, output, w.activation)
    shape = (w.out, *w.kernel, w.x[3])
    return _case(op, _x(w.x, dtype, numbers), shape, 0, numbers, seed)


def dense(size: tuple[int, int, int], dtype: DType, numbers: Numbers, seed: int) -> Case:
    """A FullyConnected site of (rows, depth, channels)."""
    rows, depth, channels = size
    op = FullyConnected(Activation.RELU if channels == 10 else NONE, keep_dims=False)
    return _case(op, _x((rows, depth), dtype, numbers), (channels, depth), 0, numbers, seed)


def _random_window(rng: np.random.Generator, depthwise_too: bool) -> Window:
    """Any geometry, windows that lie wholly in the padding included."""

    def pick(low: int, high: int) -> int:
        return int(rng.integers(low, high, endpoint=True))

    kernel, dilation = (pick(1, 5), pick(1, 5)), (pick(1, 3), pick(1, 3))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = Padding(pick(0, 6), pick(0, 6), pick(0, 6), pick(0, 6))
    height = max(pick(1, 9), reach[0] - pads.top - pads.bottom)
    width = max(pick(1, 9), reach[1] - pads.left - pads.right)
    groups = pick(1, 3)
    channels = groups * pick(1, 7)
    outs = channels * pick(1, 2) if depthwise_too else groups * pick(1, 6)
    stride = (pick(1, 4), pick(1, 4))
    shape = (pick(1, 2), height, width, channels)
    return Window(shape, outs, kernel, stride, dilation, pads, groups)


def _random_family(make, depthwise_too: bool, dtype: DType, formats: list[Numbers]):
    def build(seed: int) -> list[Case]:
        rng = np.random.default_rng(seed + 77)
        windows = [_random_window(rng, depthwise_too) for _ in range(50)]
        return [
            make(window, dtype, formats[i % len(formats)], seed + i)
            for i, window in enumerate(windows)
        ]

    return build


def _family(make, shapes, dtype: DType, formats: list[Numbers]):
    def build(seed: int) -> list[Case]:
        return [
            make(shape, dtype, numbers, seed + 100 * i + j)
            for i, shape in enumerate(shapes)
            for j, numbers in enumerate(formats)
        ]

    return build


FAMILIES = {
    f"{name}_{suffix}": _family(make, shapes, dtype, formats)
    for name, make, shapes in (
        ("conv2d", convolution, CONVOLUTIONS),
        ("depthwise", depthwise, DEPTHWISE),
        ("transpose_conv", transposed, TRANSPOSED),
        ("dense", dense, DENSE),
    )
    for suffix, dtype, formats in (
        ("s8", DType.INT8, _S8),
        ("s16", DType.INT16, _S16),
        ("f32", DType.FLOAT32, [PLAIN]),
    )
} | {
    f"{name}_random_{suffix}": _random_family(make, deep, dtype, formats)
    for name, make, deep in (("conv2d", convolution, False), ("depthwise", depthwise, True))
    for suffix, dtype, formats in (("s8", DType.INT8, _S8), ("s16", DType.INT16, _S16))
}
