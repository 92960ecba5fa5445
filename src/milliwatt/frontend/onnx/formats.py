# SPDX-License-Identifier: MIT
"""What QuantizeLinear and DequantizeLinear say: scales, zero points, integer types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.constants import UINT8_SHIFT, Codes
from milliwatt.frontend.onnx.records import NodeRecord, shown
from milliwatt.frontend.onnx.tensors import ELEMENT_TYPES, FLOAT
from milliwatt.ir.types import Array, DType, Quant

_SIGNED = {"int8": DType.INT8, "uint8": DType.INT8, "int16": DType.INT16}


FINEST_STEP = 0.51
"""How fine an output may be, in the steps in which an operator rounds before: its error of half a
step must stay below one step of the output, for the result to end within one."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Scales and zero points as stored: one each, or one for each element along `axis`.

    `element` names the integer type; None where only the dequantised integers say it.
    """

    scale: Array
    zero_point: Array
    element: str | None
    axis: int | None

    def codes(self, values: Array) -> Codes:
        """These integers with these parameters; a ModelError where they do not go together."""
        axis = self.axis
        if axis is not None:
            axis = axis + values.ndim if axis < 0 else axis
            if not 0 <= axis < values.ndim or values.shape[axis] != self.scale.size:
                raise ModelError(
                    f"{self.scale.size} scales along axis {self.axis} of {list(values.shape)}"
                )
        return Codes(values, self.scale, self.zero_point, axis)


@dataclass(frozen=True, slots=True)
class Format:
    """The integers that stand for a computed value; `unsigned` where the file has uint8."""

    dtype: DType
    quant: Quant
    unsigned: bool


def parameters(node: NodeRecord, constants: Mapping[str, Array]) -> Parameters:
    """The parameters of a QuantizeLinear or DequantizeLinear.

    ModelError where they are no parameters, UnsupportedError where they are computed, or of a
    kind that has no integer form here.
    """
    if not 2 <= len(node.inputs) <= 3:
        raise ModelError(f"{len(node.inputs)} inputs; there must be 2 or 3")
    scale = _stored(node, 1, constants)
    if scale.dtype != np.float32:
        raise UnsupportedError(f"scales of {scale.dtype}; supported: float32")
    if scale.ndim > 1 or node.attributes.get("block_size", 0):
        raise UnsupportedError("blocks of elements with scales of their own")
    if not scale.size or not np.isfinite(scale).all() or not (scale > 0).all():
        raise ModelError("scales must be positive and finite")
    zero, element = _zero_points(node, constants, scale)
    if node.kind == "DequantizeLinear" and node.attributes.get("output_dtype", 0) not in (0, FLOAT):
        raise UnsupportedError("dequantises to other numbers than float32")
    axis = node.attributes.get("axis", 1)
    if not isinstance(axis, int):
        raise ModelError("attribute 'axis' is no integer")
    per_channel = scale.ndim == 1 and scale.size > 1
    return Parameters(
        scale.reshape(-1), zero.astype(np.int64).reshape(-1), element, axis if per_channel else None
    )


def activation_format(parameters: Parameters, otherwise: str) -> Format:
    """How a computed value with these parameters is held; UnsupportedError where it cannot be.

    `otherwise` is the integer type where the parameters do not say it.
    """
    if parameters.scale.size != 1:
        raise UnsupportedError("computed values with one scale for each channel")
    element = parameters.element or otherwise
    dtype = _SIGNED.get(element)
    if dtype is None:
        raise UnsupportedError(f"values quantised to {element}; supported: {', '.join(_SIGNED)}")
    unsigned = element == "uint8"
    zero = int(parameters.zero_point[0]) - (UINT8_SHIFT if unsigned else 0)
    return Format(dtype, Quant.per_tensor(float(parameters.scale[0]), zero), unsigned)


def quantised(array: Array, parameters: Parameters) -> Array:
    """ONNX's QuantizeLinear of constants: ties to even, saturated."""
    codes = parameters.codes(array)
    shape = [1] * array.ndim
    if codes.axis is not None:
        shape[codes.axis] = -1
    ratio = array.astype(np.float32) / codes.scale.reshape(shape)
    if not np.isfinite(array).all():
        raise ModelError("quantises NaN or infinity")
    element = parameters.element or "uint8"
    bounds = np.iinfo(element)
    rounded = np.rint(ratio.astype(np.float64)) + codes.zero_point.reshape(shape)
    return np.clip(rounded, bounds.min, bounds.max).astype(element)


def _zero_points(
    node: NodeRecord, constants: Mapping[str, Array], scale: Array
) -> tuple[Array, str | None]:
    """The zero points and the name of the integer type."""
    if len(node.inputs) == 3 and node.inputs[2]:
        zero = _stored(node, 2, constants)
        if zero.shape != scale.shape and not zero.size == scale.size == 1:
            raise ModelError(f"{scale.size} scales and {zero.size} zero points")
        if zero.dtype.kind not in "iu":
            raise ModelError(f"zero points of {zero.dtype}")
        return zero, str(zero.dtype)
    zeros = np.zeros(scale.shape, np.int64)
    if node.kind == "DequantizeLinear":
        return zeros, None
    number = node.attributes.get("output_dtype", 0)
    element = ELEMENT_TYPES.get(number, "") if isinstance(number, int) and number else "uint8"
    if not element.startswith(("int", "uint")):
        raise UnsupportedError(f"quantises to element type {number}")
    return zeros, element


def _stored(node: NodeRecord, position: int, constants: Mapping[str, Array]) -> Array:
    name = node.inputs[position]
    if name not in constants:
        raise UnsupportedError(f"its scale or zero point '{shown(name)}' is computed")
    return constants[name]
