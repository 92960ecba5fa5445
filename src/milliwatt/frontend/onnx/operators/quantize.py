# SPDX-License-Identifier: MIT
"""QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call, requantised
from milliwatt.frontend.onnx.constants import Codes, Constant
from milliwatt.frontend.onnx.formats import Format, activation_format, parameters, quantised
from milliwatt.frontend.onnx.values import Value
from milliwatt.ops.quantize import Quantize
from milliwatt.ops.shape import Reshape


def quantize_linear(call: Call) -> None:
    """Constants become integers at once; dequantised values of the same format stay as they are."""
    stored = parameters(call.node, call.scope.model.constants)
    x = call.operand(0)
    if isinstance(x, Constant):
        call.define(Constant(quantised(x.array, stored)))
        return
    target = activation_format(stored, "uint8")
    kind = call.scope.type(x)
    if x.dequantised:
        call.define(replace(requantised(call, x, target), dequantised=False))
    elif kind.dtype.is_float:
        name = call.scope.emit(call.wanted, Quantize(), (x.name,), target.dtype, target.quant)
        call.define(Value(name, x.channels_last, unsigned=target.unsigned))
    else:
        raise UnsupportedError(f"quantises the integers of {kind}")


def dequantize_linear(call: Call) -> None:
    """Integers stand for real numbers from here on; constants keep their integers beside them."""
    stored = parameters(call.node, call.scope.model.constants)
    x = call.operand(0)
    if isinstance(x, Constant):
        call.define(_dequantised(x, stored.codes(x.array)))
        return
    kind = call.scope.type(x)
    if kind.dtype.is_float or x.dequantised:
        raise ModelError(f"dequantises {kind}, which is no integer")
    target = activation_format(stored, "uint8" if x.unsigned else kind.dtype.value)
    if kind.dtype is not target.dtype or x.unsigned != target.unsigned:
        raise ModelError(f"its zero point is {stored.element}, its input another type")
    call.define(replace(_with_quant(call, x, target), dequantised=True))


def _dequantised(x: Constant, codes: Codes) -> Constant:
    if x.array.dtype.kind not in "iu":
        raise ModelError(f"dequantises {x.array.dtype}, which is no integer")
    return Constant(codes.real(), codes)


def _with_quant(call: Call, x: Value, target: Format) -> Value:
    """The same integers, standing for other numbers where the file says so."""
    kind = call.scope.type(x)
    if kind.quant == target.quant:
        return x
    op = Reshape(kind.shape)
    wanted = f"{x.name}_reread"
    return replace(x, name=call.scope.emit(wanted, op, (x.name,), kind.dtype, target.quant))
