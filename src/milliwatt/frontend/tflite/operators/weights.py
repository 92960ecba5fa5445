# SPDX-License-Identifier: MIT
"""Weights and biases: one form for all that files contain."""

from __future__ import annotations

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend import uint8
from milliwatt.frontend.tflite import tensors
from milliwatt.frontend.tflite.call import Call
from milliwatt.ir.types import Array, DType, Quant, TensorType

_BIAS_SCALE_TOLERANCE = 0.02
"""How far a stored bias scale may be off, in output steps; TFLM's kernel_util has the same."""

_MAX_RESCALING = 2.0**30
"""What a 32-bit multiplier and a left shift can express; real networks stay below 1."""


def weights_and_bias(
    call: Call, *, x: int, weights: int, bias: int, axis: int
) -> tuple[str, str, str]:
    """Values of the input, the weights (output channels along `axis`) and the bias.

    A missing bias becomes zeros. A bias has no quantisation of its own: its scale is the input's
    times the weights'. Channels with a negative scale, which TFLM accepts, get weights and bias
    of the other sign and a positive scale: the same products, rounded the same.
    """
    refuse_hybrid(call, x, weights)
    x_name, (weights_name, signs) = call.value(x), _weights(call, weights, axis)
    weights_type = call.draft.types[weights_name]
    if axis >= len(weights_type.shape):
        raise ModelError(f"weights {weights_type} have no axis {axis}")
    _check_rescaling(call.draft.types[x_name], weights_type, call.output_type())
    bias_type = _bias_type(call.draft.types[x_name], weights_type.shape[axis])
    if not call.has(bias):
        return x_name, weights_name, zero_bias(call, bias_type)
    _check_bias_scale(call, bias, call.draft.types[x_name], weights_type)
    return x_name, weights_name, _bias(call, bias, bias_type, signs)


def refuse_hybrid(call: Call, x: int, weights: int) -> None:
    """UnsupportedError where only one of activations and weights is float."""
    activation = call.type(x)
    stored = call.scope.record(call.tensor(weights))
    dtype = tensors.element_type(stored, is_constant=True)
    if activation.dtype.is_float and not dtype.is_float:
        raise UnsupportedError(
            f"hybrid: float32 activations with {dtype.value} weights, quantised anew in every "
            "call; export the network fully integer (with a representative dataset) or float"
        )
    if not activation.dtype.is_float and dtype.is_float:
        raise UnsupportedError(f"{activation} activations with float32 weights")


def zero_bias(call: Call, value: TensorType) -> str:
    """A bias of zeros."""
    zeros = np.zeros(value.shape, value.dtype.numpy)
    return call.draft.constant(f"{call.output_name()}_bias", value, zeros)


def _weights(call: Call, position: int, axis: int) -> tuple[str, Array | None]:
    """The weights' value, and the sign of each channel's scale where not all are positive."""
    index = call.tensor(position)
    key = ("weights", index, axis)
    if key not in call.scope.shared:
        value, array = _stored(call, position, axis, "the weights")
        signs = None
        if value.quant is not None and min(value.quant.scale) < 0:
            signs = np.sign(np.array(value.quant.scale)).astype(np.int8)
            array = _with_signs(array, signs, axis, value)
            scale = tuple(abs(s) for s in value.quant.scale)
            quant = Quant(scale, value.quant.zero_point, value.quant.axis)
            value = TensorType(value.shape, value.dtype, quant)
        wanted = call.scope.wanted_name(index, f"{call.output_name()}_weights")
        call.scope.shared[key] = call.draft.constant(wanted, value, array), signs
    return call.scope.shared[key]


def _stored(call: Call, position: int, axis: int, what: str) -> tuple[TensorType, Array]:
    """A constant operand, its scales along `axis` and of any sign."""
    index, scope = call.tensor(position), call.scope
    if not scope.is_stored(index):
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


def _check_rescaling(x: TensorType, weights: TensorType, y: TensorType) -> None:
    """A ModelError where sums of products are beyond any multiplier on their way to the output."""
    if x.quant is None or weights.quant is None or y.quant is None:
        return
    largest = x.scale * max(weights.quant.scale) / y.scale
    if largest >= _MAX_RESCALING:
        raise ModelError(f"scales {x.scale} and {max(weights.quant.scale)} to {y.scale}: corrupt")


def _bias_type(x: TensorType, channels: int) -> TensorType:
    if x.dtype.is_float:
        return TensorType((channels,), DType.FLOAT32)
    return TensorType((channels,), DType.INT64 if x.dtype is DType.INT16 else DType.INT32)


def _bias(call: Call, position: int, expected: TensorType, signs: Array | None) -> str:
    index = call.tensor(position)
    key = ("bias", index, None if signs is None else signs.tobytes())
    if key not in call.scope.shared:
        stored, array = _stored(call, position, 0, "the bias")
        value = TensorType(expected.shape, stored.dtype)
        array = array.reshape(-1)
        if signs is not None and array.shape == signs.shape:
            array = _with_signs(array, signs, 0, value)
        wanted = call.scope.wanted_name(index, f"{call.output_name()}_bias")
        call.scope.shared[key] = call.draft.constant(wanted, value, array), None
    name = call.scope.shared[key][0]
    _check_bias_type(call.draft.constants[name], call.draft.types[name], expected)
    return name


def _check_bias_type(array: Array, value: TensorType, expected: TensorType) -> None:
    narrower = value.dtype is DType.INT32 and expected.dtype is DType.INT64
    if array.shape != expected.shape or not (value.dtype is expected.dtype or narrower):
        raise ModelError(f"bias {value.dtype.value}{list(array.shape)}; expected {expected}")


def _check_bias_scale(call: Call, position: int, x: TensorType, weights: TensorType) -> None:
    """A ModelError where the stored scale contradicts the input's times the weights'.

    Only per-tensor weights are checked, as in TFLM: MicroNet AD-L as published has per-channel
    biases whose scales belong to other layers.
    """
    stored = call.scope.record(call.tensor(position)).quant
    if stored is None or weights.quant is None or len(weights.quant.scale) != 1:
        return
    if len(stored.scale) != 1:
        raise ModelError(f"the bias has {len(stored.scale)} scales, the weights one")
    ours, theirs = x.scale * weights.scale, abs(float(stored.scale[0]))
    if not abs(ours - theirs) <= _BIAS_SCALE_TOLERANCE * call.output_type().scale:
        raise ModelError(f"bias scale {theirs} should be input times weights, {ours}")
