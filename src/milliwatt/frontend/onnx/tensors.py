# SPDX-License-Identifier: MIT
"""Stored tensors as NumPy arrays, and ONNX's numbers of element types."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.records import shown
from milliwatt.ir.types import Array

if TYPE_CHECKING:
    from onnx import TensorProto

MAX_CONSTANT_ELEMENTS = 1 << 24
"""Elements of all stored tensors together."""

MAX_RANK = 8

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64 = 1, 2, 3, 4, 5, 6, 7
BOOL, FLOAT16, DOUBLE, UINT4, INT4 = 9, 10, 11, 21, 22

ELEMENT_TYPES = {
    FLOAT: "float32",
    UINT8: "uint8",
    INT8: "int8",
    UINT16: "uint16",
    INT16: "int16",
    INT32: "int32",
    INT64: "int64",
    BOOL: "bool",
    FLOAT16: "float16",
    DOUBLE: "float64",
}
"""Numbers of TensorProto.DataType (onnx.proto) whose elements NumPy can hold."""


def element_type_name(number: int) -> str:
    """A name for messages."""
    return ELEMENT_TYPES.get(number, {UINT4: "uint4", INT4: "int4"}.get(number, f"type {number}"))


class Budget:
    """How many elements the file may still store."""

    def __init__(self) -> None:
        self._left = MAX_CONSTANT_ELEMENTS

    def spend(self, dims: Sequence[int]) -> None:
        """Count a tensor about to be made; a ModelError beyond the limit."""
        if any(d < 0 for d in dims):
            raise ModelError(f"shape {list(dims)} has a negative dimension")
        self._left -= prod(dims)
        if self._left < 0 or len(dims) > MAX_RANK:
            raise ModelError(
                f"shape {list(dims)[:MAX_RANK]}: stored tensors have at most {MAX_RANK} "
                f"dimensions, and {MAX_CONSTANT_ELEMENTS} elements together"
            )


def array_of(tensor: TensorProto, budget: Budget) -> Array:
    """The values of a stored tensor.

    ModelError where the data are elsewhere or do not fill the shape.
    """
    dims, what = tuple(int(d) for d in tensor.dims), f"tensor '{shown(str(tensor.name))}'"
    try:
        budget.spend(dims)
    except ModelError as error:
        raise ModelError(f"{what}: {error}") from error
    if tensor.data_location or len(tensor.external_data):
        raise ModelError(
            f"{what} is stored in another file; save the model with its data inside the .onnx file"
        )
    if tensor.HasField("segment"):
        raise ModelError(f"{what} is stored in segments")
    if tensor.data_type not in ELEMENT_TYPES:
        raise UnsupportedError(
            f"{what} has elements of {element_type_name(tensor.data_type)}; supported: "
            f"{', '.join(ELEMENT_TYPES.values())}"
        )
    dtype = np.dtype(ELEMENT_TYPES[tensor.data_type])
    if tensor.HasField("raw_data"):
        return _from_raw(tensor.raw_data, dtype, dims, what)
    return _from_fields(tensor, dtype, dims, what)


def _from_raw(data: bytes, dtype: np.dtype, dims: tuple[int, ...], what: str) -> Array:
    expected = prod(dims) * dtype.itemsize
    if len(data) != expected:
        raise ModelError(f"{what} needs {expected} bytes and has {len(data)}")
    values = np.frombuffer(data, dtype.newbyteorder("<")).reshape(dims)
    return values.astype(dtype)


def _from_fields(tensor: TensorProto, dtype: np.dtype, dims: tuple[int, ...], what: str) -> Array:
    if tensor.data_type == FLOAT:
        field = np.array(tensor.float_data, np.float32)
    elif tensor.data_type == DOUBLE:
        field = np.array(tensor.double_data, np.float64)
    elif tensor.data_type == INT64:
        field = np.array(tensor.int64_data, np.int64)
    else:
        field = np.array(tensor.int32_data, np.int32)
    if field.size != prod(dims):
        raise ModelError(f"{what} needs {prod(dims)} elements and has {field.size}")
    if tensor.data_type == FLOAT16:
        # Half floats are stored by their bits.
        return field.astype(np.uint16).view(np.float16).reshape(dims)
    return field.astype(dtype).reshape(dims)
