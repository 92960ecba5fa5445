# SPDX-License-Identifier: MIT
"""Random applications of operators: awkward shapes, every number format, the whole range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from milliwatt.ir.types import Array, DType, Quant, Shape, TensorType
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack
from milliwatt.ops.window import same_padding, transpose_same_padding
from tests.oracles.tflite_graph import bias_type

T = TypeVar("T")
Rng = np.random.Generator
CHANNELS = (1, 2, 3, 4, 14, 51)


@dataclass(frozen=True)
class Application:
    """An operator, its operands' and results' types, the operands' values, which are constant."""

    op: Op
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    values: tuple[Array, ...]
    constant: Mapping[int, Array] = field(default_factory=dict)

    @property
    def given(self) -> list[Array]:
        """The values of the operands that are not constant."""
        return [v for i, v in enumerate(self.values) if i not in self.constant]


def activation_quant(dtype: DType, rng: Rng, low: float = -5, high: float = -1) -> Quant | None:
    """A scale between 2**low and 2**high, a zero point anywhere (0 for int16); none for float."""
    if dtype.is_float:
        return None
    zeros = {DType.INT8: (-128, 127), DType.UINT8: (0, 255)}.get(dtype, (0, 0))
    return Quant.per_tensor(_scale(rng, low, high), int(rng.integers(*zeros, endpoint=True)))


def values(kind: TensorType, rng: Rng) -> Array:
    """Elements over the whole range, a tenth of them its ends."""
    if kind.dtype.is_float:
        return (rng.standard_normal(kind.shape) * 4).astype(np.float32)
    low, high = kind.dtype.integer_range
    inner = rng.integers(low, high, kind.shape, endpoint=True)
    ends = rng.choice([low, high], kind.shape)
    return np.where(rng.random(kind.shape) < 0.1, ends, inner).astype(kind.dtype.numpy)


def _scale(rng: Rng, low: float, high: float) -> float:
    return float(np.float32(2.0 ** rng.uniform(low, high)))


def _pick(rng: Rng, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def _pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    a, b = rng.integers(low, high, 2, endpoint=True)
    return int(a), int(b)


def _image(rng: Rng, most: int = 11) -> Shape:
    return (int(rng.integers(1, 3)), *_pair(rng, 1, most), _pick(rng, CHANNELS))


def _made(
    op: Op,
    inputs: Sequence[TensorType],
    rng: Rng,
    dtype: DType,
    quant: Quant | None,
    constant: Mapping[int, Array] | None = None,
) -> Application:
    """An application whose every result has `dtype` and `quant`."""
    outputs = tuple(TensorType(shape, dtype, quant) for shape in op.infer(inputs))
    known = constant or {}
    given = tuple(known[i] if i in known else values(t, rng) for i, t in enumerate(inputs))
    return Application(op, tuple(inputs), outputs, given, known)


def _weights(shape: Shape, axis: int, dtype: DType, rng: Rng, *, channelwise: bool) -> TensorType:
    if dtype.is_float:
        return TensorType(shape, dtype)
    count = shape[axis] if channelwise else 1
    scales = tuple(_scale(rng, -8, -3) for _ in range(count))
    return TensorType(shape, dtype, Quant(scales, (0,) * count, axis if count > 1 else None))


def _linear(
    op: Op, x: TensorType, weights: TensorType, channels: int, bias: DType, rng: Rng
) -> Application:
    kind = bias_type(x, weights, channels, bias)
    if bias.is_float:
        offsets = values(kind, rng)
    else:
        offsets = rng.integers(-20000, 20000, channels).astype(bias.numpy)
    quant = activation_quant(x.dtype, rng, -1, 6)
    constant = {1: values(weights, rng), 2: offsets}
    return _made(op, (x, weights, kind), rng, x.dtype, quant, constant)


def _weight_dtype(dtype: DType, rng: Rng, *, int4: bool = True) -> DType:
    if dtype.is_float:
        return DType.FLOAT32
    return DType.INT4 if int4 and dtype is DType.INT8 and rng.random() < 0.3 else DType.INT8


def _bias_dtype(dtype: DType) -> DType:
    return {DType.INT8: DType.INT32, DType.INT16: DType.INT64}.get(dtype, DType.FLOAT32)


def _window(
    rng: Rng, hw: tuple[int, int], kernel: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], Padding]:
    """Stride, dilation and padding, VALID or SAME, that suit the image."""
    stride, dilation = _pair(rng, 1, 3), _pair(rng, 1, 2)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if rng.random() < 0.5 or reach[0] > hw[0] or reach[1] > hw[1]:
        return stride, dilation, same_padding(hw, kernel, stride, dilation)
    return stride, dilation, Padding()


def conv2d(dtype: DType, rng: Rng) -> Application:
    """Grouped, dilated, strided; kernels larger than the image; 32- and 64-bit accumulators."""
    shape, kernel, channels = _image(rng), _pair(rng, 1, 5), _pick(rng, (1, 3, 8, 14))
    x = TensorType(shape, dtype, activation_quant(dtype, rng))
    divisors = [g for g in range(1, shape[3] + 1) if shape[3] % g == 0 and channels % g == 0]
    w_shape = (channels, *kernel, shape[3] // _pick(rng, divisors))
    w_dtype = _weight_dtype(dtype, rng)
    channelwise = w_dtype is DType.INT8 and rng.random() < 0.5
    weights = _weights(w_shape, 0, w_dtype, rng, channelwise=channelwise)
    stride, dilation, padding = _window(rng, shape[1:3], kernel)
    op = Conv2D(stride, dilation, padding, _pick(rng, list(Activation)))
    bias = _bias_dtype(dtype)
    if bias is DType.INT64 and rng.random() < 0.5:
        bias = DType.INT32
    return _linear(op, x, weights, channels, bias, rng)


def depthwise(dtype: DType, rng: Rng) -> Application:
    """With a channel multiplier of 1 to 3."""
    shape, kernel = _image(rng), _pair(rng, 1, 5)
    x = TensorType(shape, dtype, activation_quant(dtype, rng))
    channels = shape[3] * int(rng.integers(1, 4))
    w_dtype = _weight_dtype(dtype, rng)
    channelwise = w_dtype is DType.INT8 and rng.random() < 0.5
    weights = _weights((1, *kernel, channels), 3, w_dtype, rng, channelwise=channelwise)
    stride, dilation, padding = _window(rng, shape[1:3], kernel)
    op = DepthwiseConv2D(stride, dilation, padding, _pick(rng, list(Activation)))
    return _linear(op, x, weights, channels, _bias_dtype(dtype), rng)


def transpose_conv(dtype: DType, rng: Rng) -> Application:
    """SAME with every output size it may have, and VALID, with gaps where stride > kernel."""
    shape, kernel, channels = _image(rng, 6), _pair(rng, 1, 5), _pick(rng, (1, 3, 8, 14))
    x = TensorType(shape, dtype, activation_quant(dtype, rng))
    w_dtype = _weight_dtype(dtype, rng, int4=False)
    channelwise = w_dtype is DType.INT8 and rng.random() < 0.5
    weights = _weights((channels, *kernel, shape[3]), 0, w_dtype, rng, channelwise=channelwise)
    stride = _pair(rng, 1, 3)
    if rng.random() < 0.5:
        output = tuple(
            d * s - int(rng.integers(s)) for d, s in zip(shape[1:3], stride, strict=True)
        )
        padding = transpose_same_padding(output, kernel, stride)
    else:
        dims = zip(shape[1:3], stride, kernel, strict=True)
        output = tuple(d * s + max(k - s, 0) for d, s, k in dims)
        padding = Padding()
    op = TransposeConv2D(stride, padding, output, Activation.NONE)
    return _linear(op, x, weights, channels, _bias_dtype(dtype), rng)


def dense(dtype: DType, rng: Rng) -> Application:
    """Per-channel weights with int8 activations only, as TFLM has them."""
    keep, w_dtype = bool(rng.random() < 0.5), _weight_dtype(dtype, rng)
    channelwise = dtype is DType.INT8 and w_dtype is DType.INT8 and rng.random() < 0.5
    depth, channels = _pick(rng, (1, 3, 14, 51, 200)), _pick(rng, (1, 3, 8, 14))
    shape = (int(rng.integers(1, 4)), depth)
    if keep and not channelwise:
        shape = (2, *shape)
    x = TensorType(shape, dtype, activation_quant(dtype, rng))
    weights = _weights((channels, depth), 0, w_dtype, rng, channelwise=channelwise)
    op = FullyConnected(_pick(rng, list(Activation)), keep)
    return _linear(op, x, weights, channels, _bias_dtype(dtype), rng)


def _pool(kind: type[AveragePool2D] | type[MaxPool2D], dtype: DType, rng: Rng) -> Application:
    x = TensorType(_image(rng, 8), dtype, activation_quant(dtype, rng))
    kernel, stride = _pair(rng, 1, 4), _pair(rng, 1, 3)
    hw = x.shape[1:3]
    same = rng.random() < 0.5 or kernel[0] > hw[0] or kernel[1] > hw[1]
    padding = same_padding(hw, kernel, stride) if same else Padding()
    op = kind(kernel, stride, padding, _pick(rng, list(Activation)))
    return _made(op, [x], rng, dtype, x.quant)


def average_pool(dtype: DType, rng: Rng) -> Application:
    """Windows hang over the edges."""
    return _pool(AveragePool2D, dtype, rng)


def max_pool(dtype: DType, rng: Rng) -> Application:
    """Windows hang over the edges."""
    return _pool(MaxPool2D, dtype, rng)


def mean(dtype: DType, rng: Rng) -> Application:
    """One or two axes (TFLM has no room for more), equal and unequal quantisation."""
    x = TensorType(_image(rng, 8), dtype, activation_quant(dtype, rng))
    op = Mean(_pick(rng, ((1, 2), (3,), (1,), (2,), (2, 3))), bool(rng.random() < 0.5))
    quant = x.quant if rng.random() < 0.5 else activation_quant(dtype, rng, -6, 0)
    return _made(op, [x], rng, dtype, quant)


def _binary(kind: type[Add] | type[Sub] | type[Mul], dtype: DType, rng: Rng) -> Application:
    a = _image(rng, 6)
    b = tuple(1 if rng.random() < 0.3 else d for d in a) if rng.random() < 0.5 else a
    shapes = (a, b) if rng.random() < 0.5 else (b, a)
    inputs = [TensorType(s, dtype, activation_quant(dtype, rng)) for s in shapes]
    op = kind(_pick(rng, list(Activation)))
    return _made(op, inputs, rng, dtype, activation_quant(dtype, rng, -6, 1))


def add(dtype: DType, rng: Rng) -> Application:
    """With and without broadcast."""
    return _binary(Add, dtype, rng)


def sub(dtype: DType, rng: Rng) -> Application:
    """With and without broadcast."""
    return _binary(Sub, dtype, rng)


def mul(dtype: DType, rng: Rng) -> Application:
    """With and without broadcast."""
    return _binary(Mul, dtype, rng)


CONVERSIONS = {
    DType.FLOAT32: (DType.INT8, DType.INT16),
    DType.INT8: (DType.INT8, DType.INT16, DType.INT32, DType.UINT8),
    DType.UINT8: (DType.INT8,),
    DType.INT16: (DType.INT8, DType.INT16, DType.INT32),
    DType.INT32: (DType.INT8, DType.INT16),
}
"""What TFLM's QUANTIZE turns into what."""


def quantize(dtype: DType, rng: Rng, targets: Sequence[DType] = ()) -> Application:
    """From `dtype` to one of the targets; where none are given, to any that TFLM has."""
    target = _pick(rng, targets or CONVERSIONS[dtype])
    x = TensorType(_image(rng, 6), dtype, activation_quant(dtype, rng))
    if x.quant is not None and {dtype, target} == {DType.INT8, DType.UINT8} and rng.random() < 0.5:
        shift = 128 if target is DType.UINT8 else -128
        quant = Quant.per_tensor(x.scale, x.zero_point + shift)
    else:
        quant = activation_quant(target, rng, -8, 0)
    return _made(Quantize(), [x], rng, target, quant)


def dequantize(dtype: DType, rng: Rng) -> Application:
    """To float32."""
    x = TensorType(_image(rng, 6), dtype, activation_quant(dtype, rng))
    return _made(Dequantize(), [x], rng, DType.FLOAT32, None)


def _resize(
    kind: type[ResizeNearest] | type[ResizeBilinear], dtype: DType, rng: Rng
) -> Application:
    x = TensorType(_image(rng, 8), dtype, activation_quant(dtype, rng))
    corners, centres = _pick(rng, ((False, False), (True, False), (False, True)))
    op = kind(_pair(rng, 1, 20), corners, centres)
    return _made(op, [x], rng, dtype, x.quant)


def resize_nearest(dtype: DType, rng: Rng) -> Application:
    """Larger and smaller, all three ways of placing pixels."""
    return _resize(ResizeNearest, dtype, rng)


def resize_bilinear(dtype: DType, rng: Rng) -> Application:
    """Larger and smaller, all three ways of placing pixels."""
    return _resize(ResizeBilinear, dtype, rng)


def shape(dtype: DType, rng: Rng) -> Application:
    """One of the operators that move elements."""
    image = _image(rng, 6)
    kind = TensorType(image, dtype, activation_quant(dtype, rng))
    op, inputs = _pick(rng, _MOVES)(kind, rng)
    return _made(op, inputs, rng, dtype, kind.quant)


Move = tuple[Op, list[TensorType]]


def _reshape(x: TensorType, rng: Rng) -> Move:
    del rng
    batch, rows, columns, channels = x.shape
    return Reshape((batch * rows, columns * channels)), [x]


def _transpose(x: TensorType, rng: Rng) -> Move:
    return Transpose(tuple(int(i) for i in rng.permutation(4))), [x]


def _concat(x: TensorType, rng: Rng) -> Move:
    axis = int(rng.integers(4))
    extents = rng.integers(1, 5, int(rng.integers(1, 4)))
    shapes = [(*x.shape[:axis], int(n), *x.shape[axis + 1 :]) for n in extents]
    return Concat(axis), [TensorType(s, x.dtype, x.quant) for s in shapes]


def _split(x: TensorType, rng: Rng) -> Move:
    axis, parts = int(rng.integers(4)), int(rng.integers(1, 4))
    extent = parts * int(rng.integers(1, 4))
    whole = (*x.shape[:axis], extent, *x.shape[axis + 1 :])
    return Split(axis, parts), [TensorType(whole, x.dtype, x.quant)]


def _slice(x: TensorType, rng: Rng) -> Move:
    begins, sizes, strides = [], [], []
    for extent in x.shape:
        stride, begin = _pick(rng, (1, 1, 2, 3, -1, -2)), int(rng.integers(extent))
        most = ((extent - 1 - begin) // stride if stride > 0 else begin // -stride) + 1
        begins.append(begin)
        strides.append(stride)
        sizes.append(int(rng.integers(1, most + 1)))
    return Slice(tuple(begins), tuple(sizes), tuple(strides)), [x]


def _pad(x: TensorType, rng: Rng) -> Move:
    value = 1.5 if x.dtype.is_float else int(rng.integers(*x.dtype.integer_range))
    return Pad(tuple(_pair(rng, 0, 2) for _ in x.shape), value), [x]


def _pack(x: TensorType, rng: Rng) -> Move:
    part = TensorType(x.shape[1:], x.dtype, x.quant)
    return Pack(int(rng.integers(4))), [part] * int(rng.integers(1, 4))


def _unpack(x: TensorType, rng: Rng) -> Move:
    return Unpack(int(rng.integers(4))), [x]


_MOVES: tuple[Callable[[TensorType, Rng], Move], ...] = (
    _reshape,
    _transpose,
    _concat,
    _split,
    _slice,
    _pad,
    _pack,
    _unpack,
)

_ALL = (DType.INT8, DType.INT16, DType.FLOAT32)

FAMILIES: dict[str, tuple[Callable[[DType, Rng], Application], tuple[DType, ...]]] = {
    "conv2d": (conv2d, _ALL),
    "depthwise": (depthwise, _ALL),
    "transpose_conv": (transpose_conv, _ALL),
    "dense": (dense, _ALL),
    "average_pool": (average_pool, _ALL),
    "max_pool": (max_pool, _ALL),
    "mean": (mean, _ALL),
    "add": (add, _ALL),
    "sub": (sub, _ALL),
    "mul": (mul, _ALL),
    "quantize": (quantize, tuple(CONVERSIONS)),
    "dequantize": (dequantize, (DType.INT8, DType.UINT8, DType.INT16)),
    "resize_nearest": (resize_nearest, _ALL),
    "resize_bilinear": (resize_bilinear, (DType.INT8, DType.FLOAT32)),
    "shape": (shape, _ALL),
}
"""Each family's draw, and the element types of its first operand that TFLM takes."""


def draws(family: str, dtype: DType, count: int, seed: int = 0) -> list[Application]:
    """`count` applications, the same for the same seed."""
    make = FAMILIES[family][0]
    return [make(dtype, np.random.default_rng([seed, n])) for n in range(count)]
