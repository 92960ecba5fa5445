# SPDX-License-Identifier: MIT
"""Arithmetic of two operands, and batch normalisation."""

from __future__ import annotations

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.constants import Codes, Constant
from milliwatt.frontend.onnx.values import TO_CHANNELS_LAST, Operand, Value
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation, Op
from milliwatt.ops.shape import Reshape

_NONE = Activation.NONE

_LONE_CODE = 64
"""The integer for a lone number: a power of two, so that the scale is exact, and large, so that
products keep bits below the result's."""


def add(call: Call) -> None:
    """Add."""
    _emit(call, Add(_NONE), call.operand(0), call.operand(1))


def sub(call: Call) -> None:
    """Sub."""
    _emit(call, Sub(_NONE), call.operand(0), call.operand(1))


def mul(call: Call) -> None:
    """Mul."""
    _emit(call, Mul(_NONE), call.operand(0), call.operand(1))


def div(call: Call) -> None:
    """Div by a constant: the product with its reciprocal."""
    a, b = call.operand(0), call.operand(1)
    if isinstance(b, Value):
        raise UnsupportedError("division by a computed value")
    if isinstance(a, Constant):
        raise UnsupportedError("a quotient of constants that no folding took")
    reciprocal = np.float64(1.0) / b.array.astype(np.float64)
    _emit(call, Mul(_NONE), a, Constant(reciprocal.astype(np.float32)))


def batch_normalization(call: Call) -> None:
    """BatchNormalization with constant statistics: a factor and an offset for each channel."""
    x = call.scope.as_real(call.value())
    shape = call.scope.shape(x)
    if call.integer("training_mode", 0) or any(call.node.outputs[1:]):
        raise UnsupportedError("batch normalisation in training mode")
    if len(shape) < 2 or not call.integer("spatial", 1):
        raise UnsupportedError(f"statistics for each element of {list(shape)}")
    gamma, beta, mean, variance = (
        call.floats(i, "a statistic").astype(np.float64) for i in range(1, 5)
    )
    if any(s.shape != (shape[1],) for s in (gamma, beta, mean, variance)):
        raise ModelError(f"statistics that are not {shape[1]} numbers each")
    spread = variance + call.real("epsilon", 1e-5)
    if not (spread > 0).all():
        raise ModelError("a variance is not positive")
    factor = gamma / np.sqrt(spread)
    channels = (1, -1, *(1 for _ in shape[2:]))
    names = [
        _real_constant(call, what, array.astype(np.float32).reshape(channels), x)
        for what, array in (("factor", factor), ("offset", beta - mean * factor))
    ]
    scaled = call.scope.emit(f"{call.wanted}_scaled", Mul(_NONE), (x.name, names[0]), DType.FLOAT32)
    call.define(call.emit_real(Add(_NONE), scaled, names[1], channels_last=x.channels_last))


def _emit(call: Call, op: Op, a: Operand, b: Operand) -> None:
    a, b = _aligned(call, a, b)
    values = [v for v in (a, b) if isinstance(v, Value)]
    like = values[0]
    target = call.target(*values)
    if target is not None:
        codes = [_codes(c, target.dtype) for c in (a, b) if isinstance(c, Constant)]
        if None not in codes:
            operands = [_integers(call, v, target.dtype, like) for v in (a, b)]
            layout = like.channels_last
            call.define(call.emit_integers(op, *operands, target=target, channels_last=layout))
            return
    names = [
        call.scope.as_real(v).name
        if isinstance(v, Value)
        else _real_constant(call, "constant", v.array, like)
        for v in (a, b)
    ]
    call.define(call.emit_real(op, *names, channels_last=like.channels_last))


def _aligned(call: Call, a: Operand, b: Operand) -> tuple[Operand, Operand]:
    """Computed operands of one rank and one layout."""
    values = [v for v in (a, b) if isinstance(v, Value)]
    constants = [c.array.ndim for c in (a, b) if isinstance(c, Constant)]
    rank = max([call.rank(v) for v in values] + constants)
    expanded = [_expanded(call, v, rank) if isinstance(v, Value) else v for v in (a, b)]
    if any(isinstance(v, Value) and v.channels_last for v in expanded):
        expanded = [call.scope.as_image(v) if isinstance(v, Value) else v for v in expanded]
    return expanded[0], expanded[1]


def _expanded(call: Call, value: Value, rank: int) -> Value:
    """The value with dimensions of 1 in front, as broadcasting adds them."""
    shape = call.scope.shape(value)
    if len(shape) == rank:
        return value
    op = Reshape((1,) * (rank - len(shape)) + shape)
    return call.scope.move(f"{value.name}_expanded", op, call.scope.as_stored(value))


def _laid_out(array: Array, rank: int, like: Value) -> Array:
    """A constant with the rank and in the layout of the value it goes with."""
    full = array.reshape((1,) * (rank - array.ndim) + array.shape)
    return full.transpose(TO_CHANNELS_LAST[rank]) if like.channels_last else full


def _real_constant(call: Call, what: str, array: Array, like: Value) -> str:
    if array.dtype != np.float32:
        raise UnsupportedError(f"a constant of {array.dtype}; supported: float32")
    full = _laid_out(array, call.rank(like), like)
    kind = TensorType(full.shape, DType.FLOAT32)
    return call.scope.add_constant(f"{call.wanted}_{what}", kind, full)


def _codes(constant: Constant, dtype: DType) -> Codes | None:
    """Integers that stand for the constant exactly: its own, or one code for a lone number."""
    codes = None if constant.codes is None else constant.codes.signed()
    if codes is not None and codes.axis is None and codes.values.dtype == dtype.numpy:
        return codes
    if constant.array.size != 1 or constant.array.dtype != np.float32:
        return None
    number = float(constant.array.reshape(-1)[0])
    if not np.isfinite(number) or number == 0:
        return None
    values = np.full(constant.array.shape, np.sign(number) * _LONE_CODE, dtype.numpy)
    scale = np.array([abs(number) / _LONE_CODE], np.float32)
    return Codes(values, scale, np.array([0]), None)


def _integers(call: Call, operand: Operand, dtype: DType, like: Value) -> str:
    if isinstance(operand, Value):
        return operand.name
    codes = _codes(operand, dtype)
    if codes is None:
        raise UnsupportedError("a constant without integers")
    full = _laid_out(codes.values, call.rank(like), like)
    quant = Quant.per_tensor(float(codes.scale[0]), int(codes.zero_point[0]))
    kind = TensorType(full.shape, dtype, quant)
    return call.scope.add_constant(f"{call.wanted}_constant", kind, full)
