# SPDX-License-Identifier: MIT
"""What convolutions and fully connected layers share: weights and biases, float or integer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.constants import Codes, Constant
from milliwatt.frontend.onnx.formats import Format
from milliwatt.frontend.onnx.values import Value
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.base import Op

_BIAS_TYPES = {DType.INT8: DType.INT32, DType.INT16: DType.INT64}
_SAME_SCALE = 1e-6
"""Relative difference of two float32 scales that are meant to be one."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Operands of a linear operator.

    `weights` in our order of dimensions, output channels along `axis`; `bias` one number each.
    """

    x: Value
    weights: Constant
    bias: Constant
    axis: int


def bias_type(activations: DType) -> DType:
    """The element type of an integer operator's bias, by that of its input."""
    return _BIAS_TYPES[activations]


def emit_linear(call: Call, op: Op, linear: Linear) -> Value:
    """The result of `op`: on integers where all is quantised, else in float32."""
    target = call.target(linear.x)
    codes = linear.weights.codes
    if target is None or codes is None:
        return _emit_real(call, op, linear)
    codes = _without_idle_scales(codes)
    weights = call.scope.add_constant(*_integer_weights(call, codes, linear.axis))
    bias = call.scope.add_constant(*_integer_bias(call, linear, codes, target))
    inputs = (linear.x.name, weights, bias)
    return call.emit_integers(op, *inputs, target=target, channels_last=linear.x.channels_last)


def bias_or_zeros(call: Call, position: int, channels: int) -> Constant:
    """The bias operand as one number for each channel, zeros where there is none."""
    if not call.has(position):
        return Constant(np.zeros(channels, np.float32))
    bias = call.constant(position, "the bias")
    if bias.array.size == 1 and channels != 1:
        return Constant(np.broadcast_to(bias.array.reshape(1), (channels,)))
    if bias.array.size != channels or bias.array.shape[-1:] != (channels,):
        raise ModelError(f"bias of shape {list(bias.array.shape)} for {channels} channels")
    return bias if bias.array.ndim == 1 else bias.reshape((channels,))


def _emit_real(call: Call, op: Op, linear: Linear) -> Value:
    x = call.scope.as_real(linear.x)
    names = [
        call.scope.add_constant(
            f"{call.wanted}_{what}", TensorType(c.array.shape, DType.FLOAT32), _floats(c, what)
        )
        for what, c in (("weights", linear.weights), ("bias", linear.bias))
    ]
    return call.emit_real(op, x.name, *names, channels_last=x.channels_last)


def _floats(constant: Constant, what: str) -> Array:
    if constant.array.dtype != np.float32:
        raise UnsupportedError(f"{what} of {constant.array.dtype}; supported: float32")
    return constant.array


def _without_idle_scales(codes: Codes) -> Codes:
    """The weights with an ordinary scale for each channel of zeros, whose own says nothing.

    Tools write 1 there; it would make the channel's requantisation multiplier the largest, and
    kernels that are fast for multipliers below 1 could not take the layer.
    """
    if codes.axis is None or codes.zero_point.any():
        return codes
    others = tuple(i for i in range(codes.values.ndim) if i != codes.axis)
    idle = ~codes.values.any(axis=others)
    if idle.all() or not idle.any():
        return codes
    return replace(codes, scale=np.where(idle, codes.scale[~idle].max(), codes.scale))


def _integer_weights(call: Call, codes: Codes, axis: int) -> tuple[str, TensorType, Array]:
    values, zeros = codes.signed().values, codes.signed().zero_point
    if values.dtype != np.int8:
        raise UnsupportedError(f"weights of {values.dtype}; supported: int8, uint8")
    if codes.axis is not None and codes.axis != axis:
        raise UnsupportedError("weights with a scale for each input channel")
    if codes.axis is not None and zeros.any():
        raise UnsupportedError("weights with a zero point for each channel; supported: 0")
    scales, points = tuple(map(float, codes.scale)), tuple(map(int, zeros))
    quant = Quant(scales, points, axis if codes.axis is not None else None)
    return f"{call.wanted}_weights", TensorType(values.shape, DType.INT8, quant), values


def _integer_bias(
    call: Call, linear: Linear, weights: Codes, target: Format
) -> tuple[str, TensorType, Array]:
    """The bias in steps of the input's scale times the weights'."""
    dtype = bias_type(target.dtype)
    x_scale = np.float64(call.scope.type(linear.x).scale)
    step = np.broadcast_to(x_scale * weights.scale.astype(np.float64), linear.bias.array.shape)
    codes = linear.bias.codes
    if codes is None:
        values = np.rint(linear.bias.array.astype(np.float64) / step)
    else:
        centred = codes.values.astype(np.float64) - codes.zero_point
        scale = np.broadcast_to(codes.scale.astype(np.float64), step.shape)
        same = np.abs(scale - step) <= _SAME_SCALE * step
        values = np.where(same, centred, np.rint(centred * scale / step))
    low, high = DType.INT32.integer_range
    if not ((values >= low) & (values <= high)).all():
        raise UnsupportedError("a bias that does not fit int32 in steps of input times weights")
    return f"{call.wanted}_bias", TensorType(values.shape, dtype), values.astype(dtype.numpy)
