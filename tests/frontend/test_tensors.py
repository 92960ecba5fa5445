# SPDX-License-Identifier: MIT
"""Stored tensors: types, sizes, quantisation, packed and shifted constants."""

import numpy as np
import pytest

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend import uint8
from milliwatt.frontend.tflite import schema, tensors
from milliwatt.frontend.tflite.reader import read_model
from milliwatt.frontend.tflite.records import BufferRecord, TensorRecord
from milliwatt.ir.types import DType, Quant, TensorType
from tests.frontend.tflite_file import Graph, T, write


def record(t: T) -> TensorRecord:
    """A tensor, written to a file and read back."""
    return read_model(write(Graph([t], [], [0], [0]))).subgraphs[0].tensors[0]


def data(values: bytes) -> BufferRecord:
    return BufferRecord(memoryview(values), external=False)


def test_a_quantised_tensor() -> None:
    value = tensors.tensor_type(record(T([1, 4], scale=[0.5], zero_point=[-3])))
    assert value == TensorType((1, 4), DType.INT8, Quant.per_tensor(0.5, -3))


def test_float_has_no_quantisation_even_where_the_file_says_so() -> None:
    assert tensors.tensor_type(record(T([2], "FLOAT32", scale=[1.0]))).quant is None


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (T([2], scale=[0.0]), "must be finite, not zero"),
        (T([2], scale=[float("nan")]), "must be finite, not zero"),
        (T([2], scale=[float("inf")]), "must be finite, not zero"),
        (T([2], scale=[-0.5]), "must be positive"),
        (T([2], scale=[1e-30]), "must be finite, not zero"),
        (T([2], scale=[1e30]), "must be finite, not zero"),
        (T([2], scale=[0.5], zero_point=[]), "1 scales but 0 zero points"),
        (T([2], scale=[0.5, 0.5], zero_point=[0]), "2 scales but 1 zero points"),
        (T([2], scale=[0.5], zero_point=[128]), "zero point outside int8"),
        (T([2], "UINT8", scale=[0.5], zero_point=[-1]), "zero point outside uint8"),
        (T([2, 3], scale=[1.0] * 3, zero_point=[0] * 3, axis=0), "3 scales along axis 0"),
        (T([2, 3], scale=[1.0] * 3, zero_point=[0] * 3, axis=7), "axis 7 is outside"),
        (T([2, 3], scale=[1.0] * 3, zero_point=[0] * 3, axis=-1), "axis -1 is outside"),
        (T([0, 3]), "impossible dimension"),
        (T([-5]), "impossible dimension"),
        (T([1 << 13, 1 << 12]), "has more than"),
        (T([(1 << 31) - 1] * 4), "has more than"),
    ],
)
def test_malformed_tensors(t: T, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        tensors.tensor_type(record(t))
    assert not isinstance(caught.value, UnsupportedError)


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (T([-1, 3]), "every dimension fixed"),
        (T([2], "STRING"), "is STRING; supported: int4, int8"),
        (T([2], "FLOAT16"), "is FLOAT16"),
    ],
)
def test_unsupported_tensors(t: T, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        tensors.tensor_type(record(t))


def test_the_operator_decides_the_axis_of_weights() -> None:
    t = record(T([2, 3], scale=[1.0, -2.0], zero_point=[0, 0], axis=7))
    quant = tensors.channel_type(t, 0).quant
    assert quant == Quant((1.0, -2.0), (0, 0), 0)


def test_a_vector_has_one_axis() -> None:
    t = record(T([2], "INT32", scale=[1.0, 2.0], zero_point=[0, 0], axis=3))
    assert tensors.tensor_type(t).quant == Quant((1.0, 2.0), (0, 0), 0)


def test_int4_is_unpacked_low_nibble_first() -> None:
    t = record(T([3], "INT4"))
    value = TensorType((3,), DType.INT4)
    assert tensors.constant_values(t, value, data(b"\x8f\x07")).tolist() == [-1, -8, 7]
    assert tensors.constant_values(t, value, data(b"\x8f\x07")).dtype == np.int8


def test_float16_becomes_float32() -> None:
    t = record(T([2], "FLOAT16"))
    value = tensors.tensor_type(t, is_constant=True)
    array = tensors.constant_values(t, value, data(np.array([0.5, -2], np.float16).tobytes()))
    assert array.dtype == np.float32
    assert array.tolist() == [0.5, -2.0]


@pytest.mark.parametrize("size", [0, 3, 5])
def test_a_buffer_of_another_size(size: int) -> None:
    with pytest.raises(ModelError, match=rf"needs 4 bytes, its buffer has {size}"):
        tensors.constant_values(record(T([4])), TensorType((4,), DType.INT8), data(bytes(size)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_constant_that_is_not_finite(value: float) -> None:
    t, stored = record(T([1], "FLOAT32")), np.array([value], np.float32).tobytes()
    with pytest.raises(ModelError, match="NaN or infinity"):
        tensors.constant_values(t, TensorType((1,), DType.FLOAT32), data(stored))


def test_data_outside_the_flatbuffer() -> None:
    outside = BufferRecord(memoryview(b""), external=True)
    with pytest.raises(UnsupportedError, match="outside the flatbuffer"):
        tensors.constant_values(record(T([1])), TensorType((1,), DType.INT8), outside)


def test_uint8_is_shifted_by_128_in_values_and_zero_point() -> None:
    external = TensorType((4,), DType.UINT8, Quant.per_tensor(0.5, 130))
    signed = uint8.signed_type(external)
    values = np.array([0, 127, 128, 255], np.uint8)
    shifted = uint8.signed_values(values)
    assert signed == TensorType((4,), DType.INT8, Quant.per_tensor(0.5, 2))
    assert shifted.tolist() == [-128, -1, 0, 127]
    assert np.array_equal(shifted.astype(int) - 2, values.astype(int) - 130)


def test_uint8_without_a_scale_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="must be quantised"):
        uint8.signed_type(TensorType((4,), DType.UINT8))


def test_every_element_type_of_the_ir_but_int2_has_a_code() -> None:
    assert set(schema.DTYPES.values()) == set(DType) - {DType.INT2}
