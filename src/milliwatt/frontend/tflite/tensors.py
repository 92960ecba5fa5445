# SPDX-License-Identifier: MIT
"""Stored tensors as types and constant arrays, with shapes, sizes and quantisation checked."""

from __future__ import annotations

from math import prod

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.tflite.records import BufferRecord, QuantRecord, TensorRecord
from milliwatt.frontend.tflite.schema import DTYPES, TENSOR_TYPE_NAMES
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ir.verify import SCALE_RANGE

MAX_ELEMENTS = 1 << 24
"""Elements of a tensor at most: no microcontroller holds a tenth of that."""

_FLOAT16 = TENSOR_TYPE_NAMES.index("FLOAT16")


def tensor_type(record: TensorRecord, *, is_constant: bool = False) -> TensorType:
    """The type the file declares for a tensor.

    float16 exists for constants alone, which become float32.
    """
    dtype = element_type(record, is_constant=is_constant)
    _check_shape(record)
    if record.quant is None or dtype in (DType.FLOAT32, DType.BOOL):
        return TensorType(record.shape, dtype)
    quant = quantisation(record, record.quant, dtype, record.quant.axis)
    if min(quant.scale) <= 0:
        raise ModelError(f"{record.label}: scale {min(quant.scale)} must be positive")
    return TensorType(record.shape, dtype, quant)


def element_type(record: TensorRecord, *, is_constant: bool) -> DType:
    """The element type; UnsupportedError for one that a graph cannot hold."""
    if record.type_code in DTYPES:
        return DTYPES[record.type_code]
    if record.type_code == _FLOAT16 and is_constant:
        return DType.FLOAT32
    known = 0 <= record.type_code < len(TENSOR_TYPE_NAMES)
    name = TENSOR_TYPE_NAMES[record.type_code] if known else f"type {record.type_code}"
    allowed = ", ".join(d.value for d in DTYPES.values())
    raise UnsupportedError(f"{record.label} is {name}; supported: {allowed}")


def channel_type(record: TensorRecord, axis: int) -> TensorType:
    """The type of weights whose output channels lie along `axis`; scales may be negative.

    The stored quantized_dimension is not consulted: TFLM goes by the operator too, and some
    published files (person_detect of TFLM's examples) store one that is out of range.
    """
    dtype = element_type(record, is_constant=True)
    _check_shape(record)
    if record.quant is None or dtype is DType.FLOAT32:
        return TensorType(record.shape, dtype)
    return TensorType(record.shape, dtype, quantisation(record, record.quant, dtype, axis))


def quantisation(record: TensorRecord, stored: QuantRecord, dtype: DType, axis: int) -> Quant:
    """A tensor's scales (any sign, finite, not zero) and zero points (inside the type's range)."""
    if stored.custom:
        raise UnsupportedError(f"{record.label}: custom or blockwise quantisation")
    scale = tuple(float(s) for s in stored.scale)
    points = tuple(int(z) for z in stored.zero_point)
    if len(points) != len(scale):
        raise ModelError(f"{record.label}: {len(scale)} scales but {len(points)} zero points")
    smallest, largest = SCALE_RANGE
    # NaN compares false, so it is refused too.
    if not all(smallest <= abs(s) <= largest for s in scale):
        raise ModelError(f"{record.label}: scales must be finite, not zero, and within reason")
    low, high = dtype.integer_range
    if not low <= min(points) <= max(points) <= high:
        raise ModelError(f"{record.label}: zero point outside {dtype.value}'s {low}..{high}")
    if len(scale) == 1:
        return Quant(scale, points)
    # A vector has one axis, whatever the file calls it: the biases of TFLM's person_detect carry
    # the axis of their weights.
    return Quant(scale, points, 0 if len(record.shape) == 1 else axis)


def constant_values(record: TensorRecord, value: TensorType, buffer: BufferRecord) -> Array:
    """A constant's values as the type's NumPy array: a view into the file where that is possible.

    int4 is unpacked, low nibble first, into int8; float16 becomes float32.
    """
    if record.sparse:
        raise UnsupportedError(f"{record.label}: sparse constants; export without sparsity")
    if buffer.external:
        raise UnsupportedError(f"{record.label}: its data lies outside the flatbuffer")
    stored = np.dtype("<f2") if record.type_code == _FLOAT16 else value.dtype.numpy
    expected = value.size_bytes if value.dtype is DType.INT4 else value.elements * stored.itemsize
    if len(buffer.data) != expected:
        raise ModelError(
            f"{record.label}: {value} needs {expected} bytes, its buffer has {len(buffer.data)}"
        )
    if value.dtype is DType.INT4:
        return _unpack_int4(buffer.data, value.elements).reshape(value.shape)
    values = np.frombuffer(buffer.data, stored.newbyteorder("<")).reshape(value.shape)
    if value.dtype is DType.FLOAT32:
        values = values.astype(np.float32, copy=False)
        if not np.isfinite(values).all():
            raise ModelError(f"{record.label}: holds NaN or infinity")
    return values


def _unpack_int4(packed: memoryview, count: int) -> Array:
    pairs = np.frombuffer(packed, np.int8)
    low = np.left_shift(pairs, 4) >> 4
    return np.stack([low, pairs >> 4], axis=-1).reshape(-1)[:count]


def _check_shape(record: TensorRecord) -> None:
    if any(d == -1 for d in record.shape):
        raise UnsupportedError(
            f"{record.label}: shape {list(record.shape)}; export with every dimension fixed"
        )
    if any(d <= 0 for d in record.shape):
        raise ModelError(f"{record.label}: shape {list(record.shape)} has an impossible dimension")
    if prod(record.shape) > MAX_ELEMENTS:
        raise ModelError(
            f"{record.label}: shape {list(record.shape)} has more than {MAX_ELEMENTS} elements"
        )
