# SPDX-License-Identifier: MIT
"""Functions of one value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call, requantised
from milliwatt.frontend.onnx.constants import Constant
from milliwatt.frontend.onnx.formats import FINEST_STEP, Format
from milliwatt.frontend.onnx.values import TO_CHANNELS_LAST, Value
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul
from milliwatt.ops.base import Activation, Op

_CLAMPS = {
    (0.0, 6.0): Activation.RELU6,
    (0.0, np.inf): Activation.RELU,
    (-1.0, 1.0): Activation.RELU_N1_TO_1,
}
_NONE = Activation.NONE
_FLOAT_MAX = float(np.finfo(np.float32).max)


def relu(call: Call) -> None:
    """Relu; where nothing quantises its result, integers keep their format, which is exact."""
    if not call.fold(lambda c: Constant(np.maximum(c.array, 0))):
        _clamp(call, Activation.RELU)


def clip(call: Call) -> None:
    """Clip, to bounds that an activation has or that the quantisation behind it cannot exceed."""
    low, high = _bounds(call)
    if call.fold(lambda c: Constant(np.clip(c.array, low, high).astype(c.array.dtype))):
        return
    wanted = call.scope.ahead.format(call.node.outputs[0])
    if (low, high) == (-np.inf, np.inf) or (wanted is not None and _within(wanted, low, high)):
        call.define(call.value())
        return
    activation = _CLAMPS.get((low, high))
    if activation is None:
        raise UnsupportedError(
            f"clips to {low:g}..{high:g}; supported: 0..6, 0 and up, -1..1, or what the "
            "quantisation behind it cannot exceed"
        )
    _clamp(call, activation)


def leaky_relu(call: Call) -> None:
    """LeakyRelu."""
    x = call.value()
    call.define(call.emit_unary(LeakyRelu(call.real("alpha", 0.01)), x, call.target(x)))


def sigmoid(call: Call) -> None:
    """Sigmoid."""
    _emit_fixed(call, Logistic(), call.value(), Quant.per_tensor(1 / 256, -128))


def tanh(call: Call) -> None:
    """Tanh."""
    _emit_fixed(call, Tanh(), call.value(), Quant.per_tensor(1 / 128, 0))


def softmax(call: Call) -> None:
    """Softmax over the last axis, or over the channels of an image."""
    _emit_fixed(call, Softmax(1.0), _rows(call), Quant.per_tensor(1 / 256, -128))


def log_softmax(call: Call) -> None:
    """LogSoftmax over the last axis, or over the channels of an image."""
    _emit_fixed(call, LogSoftmax(), _rows(call), Quant.per_tensor(16 / 256, 127))


def hard_sigmoid(call: Call) -> None:
    """HardSigmoid in float32: a clamp of alpha * x + beta to 0..1."""
    x = call.scope.as_real(call.value())
    call.define(_hard_sigmoid(call, x, call.real("alpha", 0.2), call.real("beta", 0.5)))


def hard_swish(call: Call) -> None:
    """HardSwish in float32: x times its hard sigmoid of slope 1/6."""
    x = call.scope.as_real(call.value())
    gate = _hard_sigmoid(call, x, 1 / 6, 0.5)
    call.define(call.emit_real(Mul(_NONE), x.name, gate.name, channels_last=x.channels_last))


def _hard_sigmoid(call: Call, x: Value, alpha: float, beta: float) -> Value:
    """A clamp to 0..6, scaled: what there is a clamp for."""
    y = x
    for op, number in (
        (Mul(_NONE), 6 * alpha),
        (Add(Activation.RELU6), 6 * beta),
        (Mul(_NONE), 1 / 6),
    ):
        kind = TensorType((1,) * call.rank(x), DType.FLOAT32)
        array = np.full(kind.shape, number, np.float32)
        constant = call.scope.add_constant(f"{call.wanted}_constant", kind, array)
        y = call.emit_real(op, y.name, constant, channels_last=x.channels_last)
    return y


def _clamp(call: Call, activation: Activation) -> None:
    x = call.value()
    target = call.target(x)
    if target is None and x.dequantised and activation is Activation.RELU:
        kind = call.scope.type(x)
        target = Format(kind.dtype, Quant.per_tensor(kind.scale, kind.zero_point), x.unsigned)
    call.define(call.emit_unary(Relu(activation), x, target))


def _bounds(call: Call) -> tuple[float, float]:
    """Lowest and highest; attributes before opset 11, operands since."""
    if call.opset < 11:
        low, high = call.real("min", -_FLOAT_MAX), call.real("max", _FLOAT_MAX)
    else:
        given = [
            call.constant(i, "a bound").array.reshape(-1) if call.has(i) else None for i in (1, 2)
        ]
        if any(bound is not None and bound.size != 1 for bound in given):
            raise ModelError("a bound of more than one element")
        low, high = (
            default if bound is None else float(bound[0])
            for bound, default in zip(given, (-np.inf, np.inf), strict=True)
        )
    if not low <= high:
        raise ModelError(f"clips to {low}..{high}")
    return (-np.inf if low <= -_FLOAT_MAX else low), (np.inf if high >= _FLOAT_MAX else high)


def _within(target: Format, low: float, high: float) -> bool:
    """Whether all the integers of a format stand for numbers inside the bounds."""
    scale, zero = target.quant.scale[0], target.quant.zero_point[0]
    first, last = target.dtype.integer_range
    return low <= (first - zero) * scale and (last - zero) * scale <= high


def _rows(call: Call) -> Value:
    """The operand with the node's axis as the draft's last."""
    x = call.value()
    shape = call.scope.shape(x)
    axis = call.dim(x, call.integer("axis", 1 if call.opset < 13 else -1))
    if call.opset < 13:
        # All dimensions from `axis` on are one row.
        longer = [i for i in range(axis, len(shape)) if shape[i] > 1]
        if len(longer) > 1:
            raise UnsupportedError(f"over several dimensions of {list(shape)}")
        axis = longer[0] if longer else len(shape) - 1
    if len(shape) in TO_CHANNELS_LAST and axis == 1:
        return call.scope.as_image(x)
    if axis != len(shape) - 1:
        raise UnsupportedError(f"over axis {axis} of {list(shape)}; supported: the last")
    return call.scope.as_stored(x)


def _emit_fixed(call: Call, op: Op, x: Value, own: Quant) -> None:
    """An operator whose int8 form has one output format; others are reached from that one."""
    target = call.target(x)
    if target is not None and target.dtype is not DType.INT8:
        target = None
    if target is None or target.quant == own:
        call.define(call.emit_unary(op, x, target))
    elif not isinstance(op, LogSoftmax) and _reaches(own, target.quant):
        name = call.scope.emit(f"{call.wanted}_own_steps", op, (x.name,), DType.INT8, own)
        call.define(requantised(call, replace(x, name=name), target))
    else:
        call.define(call.emit_unary(op, x, None))


def _reaches(own: Quant, target: Quant) -> bool:
    """Whether integers of `own`, requantised to `target`, are within a step of exact ones.

    The operators round correctly, to half a step of their own; but the result 1 saturates, and is
    off by a whole one.
    """
    (own_scale,), (scale,) = own.scale, target.scale
    saturates = (127 - target.zero_point[0]) * scale > (127 - own.zero_point[0]) * own_scale
    return scale >= (1.0 if saturates else FINEST_STEP) * own_scale
