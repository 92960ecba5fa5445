# SPDX-License-Identifier: MIT
"""Weights and biases: one form for all that files contain."""

from __future__ import annotations

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.tflite import tensors, uint8
from milliwatt.frontend.tflite.call import Call
from milliwatt.ir.types import Array, DType, Quant, TensorType

_BIAS_SCALE_TOLERANCE = 0.02
"""How far a stored bias scale may be off, in output steps; TFLM's kernel_util_common has it."""


def weights_and_bias(
    call: Call, *, x: int, weights: int, bias: int, axis: int
) -> tuple[str, str, str]:
    """Values of the input, the weights (output channels along `axis`) and the bias.

    A missing bias becomes zeros. Channels with a negative scale, which TFLM accepts, get weights
    and bias of the other sign and a positive scale: the same products, in the same rounding.
    """
    name = call.value(x)
    refuse_hybrid(call, x, weights)
    weights_name, signs = _weights(call, weights, axis)
    channels = call.draft.types[weights_name].shape
    if axis >= len(channels):
        raise ModelError(f"weights {call.draft.types[weights_name]} have no axis {axis}")
    value = _bias_type(call, call.draft.types[name], call.draft.types[weights_name], axis)
    if call.has(bias):
        return name, weights_name, _stored_bias(call, bias, value, signs)
    zeros = np.zeros(value.shape, value.dtype.numpy)
    return name, weights_name, call.draft.constant(f"{call.output_name()}_bias", value, zeros)


def refuse_hybrid(call: Call, x: int, weights: int) -> None:
    """UnsupportedError where only one of activations and weights is float."""
    activation = call.type(x)
    stored = call.scope.record(call.tensor(weights))
    weights_dtype = tensors.element_type(stored, is_constant=True)
    if activation.dtype.is_float and not weights_dtype.is_float:
        raise UnsupportedError(
            f"hybrid: float32 activations with {weights_dtype.value} weights ({stored.label}); "
            "such a network is quantised anew in every call. Export it fully integer (with a "
            "representative dataset), or float without quantisation"
        )
    if not activation.dtype.is_float and weights_dtype.is_float:
        raise UnsupportedError(f"{activation} activations with float32 weights ({stored.label})")


def _weights(call: Call, position: int, axis: int) -> tuple[str, Array | None]:
    """The weights' value, and the sign of each channel's scale where not all are positive."""
    value, array = _stored(call, position, axis, "the weights")
    signs = None
    if value.quant is not None and min(value.quant.scale) < 0:
        signs = np.sign(np.array(value.quant.scale)).astype(np.int8)
        array = _with_signs(array, signs, axis, value)
        scale = tuple(abs(s) for s in value.quant.scale)
        quant = Quant(scale, value.quant.zero_point, value.quant.axis)
        value = TensorType(value.shape, value.dtype, quant)
    wanted = call.scope.wanted_name(call.tensor(position), f"{call.output_name()}_weights")
    return call.draft.constant(wanted, value, array), signs


def _stored(call: Call, position: int, axis: int, what: str) -> tuple[TensorType, Array]:
    """A constant operand, its scales along `axis` and of any sign."""
    index, scope = call.tensor(position), call.scope
    if scope.is_computed(index) or not scope.is_stored(index):
        array = call.array(position, what)
        return call.type(position), array
    external = tensors.channel_type(scope.record(index), axis)
    return uint8.signed_type(external), scope.stored(index, external)


def _with_signs(array: Array, signs: Array, axis: int, value: TensorType) -> Array:
    """The values of each channel times its sign; UnsupportedError where one has no negative."""
    if value.quant is not None and any(value.quant.zero_point):
        raise UnsupportedError(f"{value} with negative scales and a zero point")
    shape = [1] * array.ndim
    shape[axis] = -1
    negative = np.broadcast_to(signs.reshape(shape) < 0, array.shape)
    lowest = value.dtype.integer_range[0]
    if (array[negative] == lowest).any():
        raise UnsupportedError(f"{value}: a negative scale, and {lowest} has no opposite")
    return np.where(negative, -array, array)


def _bias_type(call: Call, x: TensorType, weights: TensorType, axis: int) -> TensorType:
    """The type a bias must have: its scale is the input's times the weights'."""
    shape = (weights.shape[axis],)
    if x.dtype.is_float:
        return TensorType(shape, DType.FLOAT32)
    if weights.quant is None:
        raise ModelError(f"weights {weights} have no scale")
    scale = tuple(float(np.float32(x.scale * s)) for s in weights.quant.scale)
    dtype = DType.INT64 if x.dtype is DType.INT16 else DType.INT32
    per_channel = 0 if weights.quant.axis is not None else None
    return TensorType(shape, dtype, Quant(scale, (0,) * len(scale), per_channel))


def _stored_bias(call: Call, position: int, value: TensorType, signs: Array | None) -> str:
    stored, array = _stored(call, position, 0, "the bias")
    narrower = stored.dtype is DType.INT32 and value.dtype is DType.INT64
    if stored.elements != value.elements or not (stored.dtype is value.dtype or narrower):
        raise ModelError(f"bias {stored}; expected {value}")
    _check_bias_scale(call, stored, value)
    array = array.reshape(value.shape)
    value = TensorType(value.shape, stored.dtype, value.quant)
    if signs is not None:
        array = _with_signs(array, signs, 0, value)
    wanted = call.scope.wanted_name(call.tensor(position), f"{call.output_name()}_bias")
    return call.draft.constant(wanted, value, array)


def _check_bias_scale(call: Call, stored: TensorType, value: TensorType) -> None:
    """A ModelError where the stored scale contradicts the input's times the weights'."""
    if stored.quant is None or value.quant is None:
        return
    if any(stored.quant.zero_point):
        raise ModelError(f"bias {stored} must have zero point 0")
    if len(stored.quant.scale) != len(value.quant.scale):
        raise ModelError(
            f"bias has {len(stored.quant.scale)} scales, the weights {len(value.quant.scale)}"
        )
    allowed = _BIAS_SCALE_TOLERANCE * call.output_type().scale
    for ours, theirs in zip(value.quant.scale, stored.quant.scale, strict=True):
        if abs(ours - abs(theirs)) > allowed:
            raise ModelError(f"bias scale {theirs} should be input times weights, {ours}")
