# SPDX-License-Identifier: MIT
"""One small converter for each ATen operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from milliwatt.errors import UnsupportedError
from milliwatt.frontend.torch.values import Argument, Importer, Value
from milliwatt.ir.types import Array
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.shape import Concat, Pad, Transpose

Converter = Callable[[Importer, str, Sequence[Any]], Value]
_NONE = Activation.NONE


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    numbers = tuple(int(v) for v in value)
    return (numbers[0], numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def _image(name: str, value: Value) -> str:
    if not value.channels_last:
        raise UnsupportedError(f"'{name}': needs an image of four dimensions")
    return value.name


def _constant(name: str, what: str, value: Argument) -> Array:
    if not isinstance(value, np.ndarray):
        raise UnsupportedError(f"'{name}': {what} must be a parameter or buffer of the module")
    return value


def _operand(name: str, value: Argument) -> Value:
    if not isinstance(value, Value):
        raise UnsupportedError(f"'{name}': of a constant of the module, not of an input's value")
    return value


def _argument(args: Sequence[Any], index: int, default: Any) -> Any:
    return args[index] if len(args) > index else default


def _conv2d(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    weights = _constant(name, "the weights", args[1])
    bias = _argument(args, 2, None)
    stride, dilation = _pair(_argument(args, 3, 1)), _pair(_argument(args, 5, 1))
    groups = int(_argument(args, 6, 1))
    padding = _conv_padding(name, _argument(args, 4, 0), weights.shape[2:], dilation, stride)
    channels = to.torch_shape(x)[1]
    ready = np.zeros(weights.shape[0]) if bias is None else _constant(name, "the bias", bias)
    b = to.builder.add_constant(f"{name}.bias", ready)
    if groups == channels and groups > 1:
        # [C*multiplier, 1, KH, KW] to [1, KH, KW, C*multiplier].
        w = to.builder.add_constant(f"{name}.weights", weights.transpose(1, 2, 3, 0))
        op: Op = DepthwiseConv2D(stride, dilation, padding, _NONE)
    else:
        w = to.builder.add_constant(f"{name}.weights", weights.transpose(0, 2, 3, 1))
        op = Conv2D(stride, dilation, padding, _NONE)
    return Value(to.builder.add_node(name, op, _image(name, x), w, b), channels_last=True)


def _conv_padding(
    name: str,
    padding: str | int | Sequence[int],
    kernel_hw: Sequence[int],
    dilation: tuple[int, int],
    stride: tuple[int, int],
) -> Padding:
    if padding == "valid":
        return Padding()
    if padding == "same":
        if stride != (1, 1):
            raise UnsupportedError(f"'{name}': padding 'same' with a stride")
        rows, columns = (d * (k - 1) for k, d in zip(kernel_hw, dilation, strict=True))
        return Padding(rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    rows, columns = _pair(cast("int | Sequence[int]", padding))
    return Padding(rows, rows, columns, columns)


def _linear(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    weights = _constant(name, "the weights", args[1])
    bias = _argument(args, 2, None)
    w = to.builder.add_constant(f"{name}.weights", weights)
    ready = np.zeros(weights.shape[0]) if bias is None else _constant(name, "the bias", bias)
    b = to.builder.add_constant(f"{name}.bias", ready)
    source = to.as_torch(name, x)
    keep = len(to.builder.shape(source)) > 2
    y = to.builder.add_node(name, FullyConnected(_NONE, keep), source, w, b)
    return to.from_torch(name, y)


def _batch_norm(to: Importer, name: str, args: Sequence[Any]) -> Value:
    """y = x * factor + offset per channel; folded into the convolution before it by a pass."""
    x = _operand(name, args[0])
    mean, variance = (_constant(name, "the statistics", a) for a in args[3:5])
    ones = np.ones_like(mean)
    gamma = ones if args[1] is None else _constant(name, "the scale", args[1])
    beta = 0 * ones if args[2] is None else _constant(name, "the offset", args[2])
    if bool(args[5]):
        raise UnsupportedError(f"'{name}': batch normalisation in training mode; call eval() first")
    factor = gamma / np.sqrt(variance.astype(np.float64) + float(args[7]))
    return _scale_and_shift(to, name, x, factor, beta - mean * factor)


def _scale_and_shift(to: Importer, name: str, x: Value, factor: Array, offset: Array) -> Value:
    rank = len(to.torch_shape(x))
    channels = (1, -1) + (1,) * (rank - 2)
    f = to.constant(f"{name}.factor", factor.reshape(channels), x)
    o = to.constant(f"{name}.offset", offset.reshape(channels), x)
    scaled = to.builder.add_node(f"{name}.scaled", Mul(_NONE), x.name, f)
    return Value(to.builder.add_node(name, Add(_NONE), scaled, o), x.channels_last)


def _unary(op: Op) -> Converter:
    def convert(to: Importer, name: str, args: Sequence[Any]) -> Value:
        x = _operand(name, args[0])
        return Value(to.builder.add_node(name, op, x.name), x.channels_last)

    return convert


def _hardtanh(to: Importer, name: str, args: Sequence[Any]) -> Value:
    return _clamp(to, name, (args[0], _argument(args, 1, -1.0), _argument(args, 2, 1.0)))


def _clamp(to: Importer, name: str, args: Sequence[Any]) -> Value:
    low, high = _argument(args, 1, None), _argument(args, 2, None)
    kinds: dict[tuple[float | None, float | None], Activation] = {
        (0.0, 6.0): Activation.RELU6,
        (0.0, None): Activation.RELU,
        (-1.0, 1.0): Activation.RELU_N1_TO_1,
    }
    bounds = None if low is None else float(low), None if high is None else float(high)
    if bounds not in kinds:
        raise UnsupportedError(f"'{name}': clamp to {bounds}; there are {[*kinds]}")
    return _unary(Relu(kinds[bounds]))(to, name, args)


def _leaky_relu(to: Importer, name: str, args: Sequence[Any]) -> Value:
    return _unary(LeakyRelu(float(_argument(args, 1, 0.01))))(to, name, args)


def _binary(make: Callable[[Activation], Op]) -> Converter:
    def convert(to: Importer, name: str, args: Sequence[Any]) -> Value:
        a, b = args[0], args[1]
        scaling = _argument(args, 2, 1)
        if scaling != 1:
            raise UnsupportedError(f"'{name}': alpha {scaling}; only 1 is supported")
        like = _operand(name, a if isinstance(a, Value) else b)
        names = [
            x.name if isinstance(x, Value) else to.constant(name, np.asarray(x, np.float32), like)
            for x in (a, b)
        ]
        if isinstance(a, Value) and isinstance(b, Value) and a.channels_last != b.channels_last:
            raise UnsupportedError(f"'{name}': operands of different layouts")
        return Value(to.builder.add_node(name, make(_NONE), *names), like.channels_last)

    return convert


def _pool(to: Importer, name: str, args: Sequence[Any], make: type[Op]) -> Value:
    x = _operand(name, args[0])
    kernel = _pair(args[1])
    stride = _pair(_argument(args, 2, None) or kernel)
    rows, columns = _pair(_argument(args, 3, 0))
    padding = Padding(rows, rows, columns, columns)
    op = cast(Any, make)(kernel, stride, padding, _NONE)
    return Value(to.builder.add_node(name, op, _image(name, x)), channels_last=True)


def _max_pool(to: Importer, name: str, args: Sequence[Any]) -> Value:
    if _pair(_argument(args, 4, 1)) != (1, 1) or _argument(args, 5, False):
        raise UnsupportedError(f"'{name}': dilation or ceil_mode")
    return _pool(to, name, args, MaxPool2D)


def _average_pool(to: Importer, name: str, args: Sequence[Any]) -> Value:
    padded = _pair(_argument(args, 3, 0)) != (0, 0)
    if _argument(args, 4, False) or _argument(args, 6, None):
        raise UnsupportedError(f"'{name}': ceil_mode or divisor_override")
    if padded and _argument(args, 5, True):
        raise UnsupportedError(f"'{name}': padding counted in the average (count_include_pad)")
    return _pool(to, name, args, AveragePool2D)


def _adaptive_average_pool(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    height, width = to.torch_shape(x)[2:]
    out = _pair(args[1])
    if height % out[0] or width % out[1]:
        raise UnsupportedError(f"'{name}': {height}x{width} does not divide into {out}")
    window = height // out[0], width // out[1]
    op = AveragePool2D(window, window, Padding(), _NONE)
    return Value(to.builder.add_node(name, op, _image(name, x)), channels_last=True)


def _mean(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    dims = [int(d) for d in args[1] or range(len(to.torch_shape(x)))]
    keep = bool(_argument(args, 2, False))
    axes = tuple(sorted(to.axis(x, d) for d in dims))
    y = to.builder.add_node(name, Mean(axes, keep), x.name)
    if not keep and x.channels_last and axes != (1, 2):
        raise UnsupportedError(f"'{name}': mean over dimensions {dims} of an image")
    return Value(y, x.channels_last and keep)


def _softmax(make: Callable[[], Op]) -> Converter:
    def convert(to: Importer, name: str, args: Sequence[Any]) -> Value:
        x = _operand(name, args[0])
        if to.axis(x, int(args[1])) != len(to.builder.shape(x.name)) - 1:
            raise UnsupportedError(f"'{name}': over a dimension that is not the channels")
        return Value(to.builder.add_node(name, make(), x.name), x.channels_last)

    return convert


def _flatten(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    shape = to.torch_shape(x)
    start, end = int(_argument(args, 1, 0)) % len(shape), int(_argument(args, 2, -1)) % len(shape)
    return to.reshape(name, x, (*shape[:start], -1, *shape[end + 1 :]))


def _view(to: Importer, name: str, args: Sequence[Any]) -> Value:
    return to.reshape(name, _operand(name, args[0]), [int(d) for d in args[1]])


def _squeeze(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    shape = to.torch_shape(x)
    dims = args[1] if len(args) > 1 else range(len(shape))
    chosen = {int(d) % len(shape) for d in ([dims] if isinstance(dims, int) else dims)}
    kept = [d for i, d in enumerate(shape) if i not in chosen or d != 1]
    return to.reshape(name, x, kept)


def _unsqueeze(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    shape = list(to.torch_shape(x))
    shape.insert(int(args[1]) % (len(shape) + 1), 1)
    return to.reshape(name, x, shape)


def _permute(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    rank = len(to.torch_shape(x))
    perm = tuple(int(d) % rank for d in args[1])
    moved = to.builder.add_node(name, Transpose(perm), to.as_torch(name, x))
    return to.from_torch(name, moved)


def _transpose(to: Importer, name: str, args: Sequence[Any]) -> Value:
    rank = len(to.torch_shape(_operand(name, args[0])))
    perm = list(range(rank))
    first, second = int(args[1]) % rank, int(args[2]) % rank
    perm[first], perm[second] = second, first
    return _permute(to, name, (args[0], perm))


def _cat(to: Importer, name: str, args: Sequence[Any]) -> Value:
    parts = [_operand(name, part) for part in args[0]]
    if len({p.channels_last for p in parts}) != 1:
        raise UnsupportedError(f"'{name}': operands of different layouts")
    axis = to.axis(parts[0], int(_argument(args, 1, 0)))
    y = to.builder.add_node(name, Concat(axis), *(p.name for p in parts))
    return Value(y, parts[0].channels_last)


def _pad(to: Importer, name: str, args: Sequence[Any]) -> Value:
    x = _operand(name, args[0])
    if _argument(args, 2, "constant") != "constant" or (_argument(args, 3, 0) or 0) != 0:
        raise UnsupportedError(f"'{name}': padding other than with zeros")
    amounts = [int(a) for a in args[1]]
    pads = [(0, 0)] * len(to.torch_shape(x))
    for i in range(len(amounts) // 2):
        pads[to.axis(x, -1 - i)] = amounts[2 * i], amounts[2 * i + 1]
    return Value(to.builder.add_node(name, Pad(tuple(pads), 0.0), x.name), x.channels_last)


def _dropout(to: Importer, name: str, args: Sequence[Any]) -> Value:
    if bool(args[2]) and float(args[1]) > 0:
        raise UnsupportedError(
            f"'{name}': dropout that is active in evaluation; pass training=self.training"
        )
    return _identity(to, name, args)


def _identity(to: Importer, name: str, args: Sequence[Any]) -> Value:
    del to
    return _operand(name, args[0])


CONVERTERS: Mapping[str, Converter] = {
    "aten.conv2d.default": _conv2d,
    "aten.conv2d.padding": _conv2d,
    "aten.linear.default": _linear,
    "aten.batch_norm.default": _batch_norm,
    "aten.relu.default": _unary(Relu(Activation.RELU)),
    "aten.relu_.default": _unary(Relu(Activation.RELU)),
    "aten.relu6.default": _unary(Relu(Activation.RELU6)),
    "aten.relu6_.default": _unary(Relu(Activation.RELU6)),
    "aten.hardtanh.default": _hardtanh,
    "aten.hardtanh_.default": _hardtanh,
    "aten.clamp.default": _clamp,
    "aten.leaky_relu.default": _leaky_relu,
    "aten.leaky_relu_.default": _leaky_relu,
    "aten.sigmoid.default": _unary(Logistic()),
    "aten.tanh.default": _unary(Tanh()),
    "aten.softmax.int": _softmax(lambda: Softmax(1.0)),
    "aten.log_softmax.int": _softmax(LogSoftmax),
    "aten.add.Tensor": _binary(Add),
    "aten.add_.Tensor": _binary(Add),
    "aten.sub.Tensor": _binary(Sub),
    "aten.mul.Tensor": _binary(Mul),
    "aten.max_pool2d.default": _max_pool,
    "aten.avg_pool2d.default": _average_pool,
    "aten.adaptive_avg_pool2d.default": _adaptive_average_pool,
    "aten.mean.dim": _mean,
    "aten.flatten.using_ints": _flatten,
    "aten.view.default": _view,
    "aten.reshape.default": _view,
    "aten.squeeze.default": _squeeze,
    "aten.squeeze.dim": _squeeze,
    "aten.squeeze.dims": _squeeze,
    "aten.unsqueeze.default": _unsqueeze,
    "aten.permute.default": _permute,
    "aten.transpose.int": _transpose,
    "aten.cat.default": _cat,
    "aten.pad.default": _pad,
    "aten.dropout.default": _dropout,
    "aten.contiguous.default": _identity,
    "aten.alias.default": _identity,
    "aten.detach.default": _identity,
}
