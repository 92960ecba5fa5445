# SPDX-License-Identifier: MIT
"""Functions of one value and softmax against TFLM and LiteRT, value for value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.base import Activation, Op
from tests.oracles.litert import run_litert
from tests.oracles.tflite_graph import graph_to_tflite, one_operator
from tests.oracles.tflm import run_tflm

pytestmark = pytest.mark.oracle

ALL_INT8 = np.arange(-128, 128, dtype=np.int8)
ALL_INT16 = np.arange(-32768, 32768, dtype=np.int16)


def kind(shape: Sequence[int], dtype: DType, scale: float = 0.0, zero_point: int = 0) -> TensorType:
    """A tensor type; the scale is rounded to float32, as a file would hold it."""
    if dtype.is_float:
        return TensorType(tuple(shape), dtype)
    return TensorType(tuple(shape), dtype, Quant.per_tensor(float(np.float32(scale)), zero_point))


def to_tflite(op: Op, x: TensorType, y: TensorType) -> bytes:
    """The operator alone in a .tflite file."""
    return graph_to_tflite(one_operator(op, [x], [y]))


def reference(op: Op, value: Array, x: TensorType, y: TensorType) -> Array:
    """milliwatt's own answer, after the checks that a graph goes through."""
    assert op.infer([x]) == (y.shape,)
    op.check([x], [y])
    (result,) = op.reference([value], [x], [y])
    assert (result.shape, result.dtype) == (y.shape, y.dtype.numpy)
    return result


def assert_equal_tflm(op: Op, value: Array, x: TensorType, y: TensorType) -> None:
    (expected,) = run_tflm(to_tflite(op, x, y), [value])
    np.testing.assert_array_equal(reference(op, value, x, y), expected)


def assert_equal_litert(op: Op, value: Array, x: TensorType, y: TensorType) -> None:
    (expected,) = run_litert(to_tflite(op, x, y), [value])
    np.testing.assert_array_equal(reference(op, value, x, y), expected)


INT8_QUANTS = [
    (0.05, 0),
    (0.0235, -128),
    (0.1, 127),
    (0.3333, 5),
    (1.7, -3),
    (0.00061, 17),
    (2.0**-4, -1),
    (11.5, 40),
    (1e-6, 0),
    (250.0, 2),
]


@pytest.mark.parametrize(("scale", "zero_point"), INT8_QUANTS)
@pytest.mark.parametrize("op", [Logistic(), Tanh()], ids=lambda op: op.kind)
def test_int8_sigmoids_equal_tflm_everywhere(op: Op, scale: float, zero_point: int) -> None:
    x = kind((1, 256), DType.INT8, scale, zero_point)
    y = (
        kind((1, 256), DType.INT8, 1 / 256, -128)
        if isinstance(op, Logistic)
        else kind((1, 256), DType.INT8, 1 / 128, 0)
    )
    assert_equal_tflm(op, ALL_INT8[None], x, y)


INT16_SCALES = [2.0**-12, 2.0**-11, 2.0**-13, 2.0**-15, 2.0**-10, 1e-4, 3.3e-4, 0.002, 0.7, 1.3e-6]


@pytest.mark.parametrize("scale", INT16_SCALES)
@pytest.mark.parametrize("op", [Logistic(), Tanh()], ids=lambda op: op.kind)
def test_int16_sigmoids_equal_tflm_everywhere(op: Op, scale: float) -> None:
    x = kind((1, 65536), DType.INT16, scale)
    y = kind((1, 65536), DType.INT16, 2.0**-15)
    assert_equal_tflm(op, ALL_INT16[None], x, y)


RELU_QUANTS = [
    (0.05, 0, 0.05, 0),
    (0.05, 3, 0.031, -128),
    (0.02, -20, 0.09, 11),
    (1.0, 0, 0.02, -128),
    (0.001, -128, 0.9, 127),
]


@pytest.mark.parametrize(("x_scale", "x_zero", "y_scale", "y_zero"), RELU_QUANTS)
def test_int8_relu_equals_tflm(x_scale: float, x_zero: int, y_scale: float, y_zero: int) -> None:
    x = kind((1, 256), DType.INT8, x_scale, x_zero)
    y = kind((1, 256), DType.INT8, y_scale, y_zero)
    assert_equal_tflm(Relu(Activation.RELU), ALL_INT8[None], x, y)


@pytest.mark.parametrize("activation", [Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1])
@pytest.mark.parametrize(("x_scale", "x_zero", "y_scale", "y_zero"), RELU_QUANTS)
def test_int8_relu_family_equals_litert(
    activation: Activation, x_scale: float, x_zero: int, y_scale: float, y_zero: int
) -> None:
    """TFLM's RELU6 ignores the output's scale and it has no RELU_N1_TO_1; LiteRT does both."""
    x = kind((1, 256), DType.INT8, x_scale, x_zero)
    y = kind((1, 256), DType.INT8, y_scale, y_zero)
    assert_equal_litert(Relu(activation), ALL_INT8[None], x, y)


@pytest.mark.parametrize(("scale", "zero_point"), [(0.05, 0), (0.0471, -7), (0.0236, -128)])
def test_int8_relu6_of_one_scale_equals_tflm(scale: float, zero_point: int) -> None:
    x = kind((1, 256), DType.INT8, scale, zero_point)
    assert_equal_tflm(Relu(Activation.RELU6), ALL_INT8[None], x, x)


@pytest.mark.parametrize(("x_scale", "y_scale"), [(1e-3, 1e-3), (1e-3, 3.1e-4), (2e-4, 1.7e-3)])
def test_int16_relu_equals_tflm(x_scale: float, y_scale: float) -> None:
    x, y = (kind((1, 65536), DType.INT16, scale) for scale in (x_scale, y_scale))
    assert_equal_tflm(Relu(Activation.RELU), ALL_INT16[None], x, y)
    assert_equal_tflm(Relu(Activation.RELU6), ALL_INT16[None], x, x)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3, 1.0, 2.5, -0.4])
@pytest.mark.parametrize(("x_scale", "x_zero", "y_scale", "y_zero"), RELU_QUANTS)
def test_int8_leaky_relu_equals_tflm(
    alpha: float, x_scale: float, x_zero: int, y_scale: float, y_zero: int
) -> None:
    x = kind((1, 256), DType.INT8, x_scale, x_zero)
    y = kind((1, 256), DType.INT8, y_scale, y_zero)
    assert_equal_tflm(LeakyRelu(alpha), ALL_INT8[None], x, y)


@pytest.mark.parametrize("alpha", [0.1, 0.3, -0.4])
@pytest.mark.parametrize(("x_scale", "y_scale"), [(1e-3, 1e-3), (1e-3, 3.1e-4), (2e-4, 1.7e-3)])
def test_int16_leaky_relu_equals_tflm(alpha: float, x_scale: float, y_scale: float) -> None:
    x, y = (kind((1, 65536), DType.INT16, scale) for scale in (x_scale, y_scale))
    assert_equal_tflm(LeakyRelu(alpha), ALL_INT16[None], x, y)


def rows_of_int8(count: int, depth: int) -> Array:
    """Rows over the full range, near ties, with extremes and all equal."""
    rng = np.random.default_rng(7)
    rows = rng.integers(-128, 128, (count, depth))
    rows[1::4] = rng.integers(-6, 6, rows[1::4].shape)
    rows[2::4] = np.clip(rng.normal(-100, 30, rows[2::4].shape), -128, 127)
    rows[0], rows[-1] = -128, 127
    rows[3, 0] = 127
    return rows.astype(np.int8)


SOFTMAX_SCALES = [0.05, 0.0039, 0.17, 1.0, 2.31, 7.5, 15.9, 1e-5]


@pytest.mark.parametrize("beta", [1.0, 0.5])
@pytest.mark.parametrize("depth", [1, 2, 10, 12, 200])
@pytest.mark.parametrize("scale", SOFTMAX_SCALES)
def test_int8_softmax_equals_tflm(scale: float, depth: int, beta: float) -> None:
    rows = rows_of_int8(64, depth)
    x = kind(rows.shape, DType.INT8, scale, 3)
    assert_equal_tflm(Softmax(beta), rows, x, kind(rows.shape, DType.INT8, 1 / 256, -128))
    assert_equal_tflm(Softmax(beta), rows, x, kind(rows.shape, DType.INT16, 1 / 65536, -32768))


@pytest.mark.parametrize("scale", SOFTMAX_SCALES)
def test_int8_softmax_equals_tflm_for_every_difference(scale: float) -> None:
    rows = np.stack([np.full(256, 127), ALL_INT8], axis=1).astype(np.int8)
    x = kind(rows.shape, DType.INT8, scale, 0)
    assert_equal_tflm(Softmax(1.0), rows, x, kind(rows.shape, DType.INT8, 1 / 256, -128))
    assert_equal_tflm(Softmax(1.0), rows, x, kind(rows.shape, DType.INT16, 1 / 65536, -32768))


def test_long_int8_softmax() -> None:
    """TFLM ends the process where the exponentials sum to 512 or more; there all round to 0."""
    for depth, result in ((511, None), (512, -128), (4095, -128)):
        rows = np.full((1, depth), 5, np.int8)
        x = kind(rows.shape, DType.INT8, 0.1, 0)
        y = kind(rows.shape, DType.INT8, 1 / 256, -128)
        if result is None:
            assert_equal_tflm(Softmax(1.0), rows, x, y)
        else:
            assert (reference(Softmax(1.0), rows, x, y) == result).all()


INT16_SOFTMAX_SCALES = [1 / 4096, 1e-3, 0.02, 3e-5, 0.9]


@pytest.mark.parametrize("scale", INT16_SOFTMAX_SCALES)
def test_int16_softmax_equals_tflm_for_every_difference(scale: float) -> None:
    rows = np.stack([np.full(65536, 32767), ALL_INT16], axis=1).astype(np.int16)
    x = kind(rows.shape, DType.INT16, scale)
    assert_equal_tflm(Softmax(1.0), rows, x, kind(rows.shape, DType.INT16, 2.0**-15))


@pytest.mark.parametrize("depth", [1, 3, 10, 64, 500])
@pytest.mark.parametrize("scale", INT16_SOFTMAX_SCALES)
def test_int16_softmax_equals_tflm(scale: float, depth: int) -> None:
    rng = np.random.default_rng(11)
    rows = rng.integers(-32768, 32768, (200, depth))
    rows[::3] = rng.normal(0, 2000, rows[::3].shape)
    rows[0], rows[-1] = -32768, 32767
    rows = rows.astype(np.int16)
    x = kind(rows.shape, DType.INT16, scale)
    assert_equal_tflm(Softmax(1.3), rows, x, kind(rows.shape, DType.INT16, 2.0**-15))


@pytest.mark.parametrize("depth", [1, 2, 10, 200])
@pytest.mark.parametrize("scale", SOFTMAX_SCALES)
def test_int8_log_softmax_equals_both_oracles(scale: float, depth: int) -> None:
    rows = rows_of_int8(64, depth)
    x = kind(rows.shape, DType.INT8, scale, 3)
    y = kind(rows.shape, DType.INT8, 1 / 16, 127)
    assert_equal_tflm(LogSoftmax(), rows, x, y)
    assert_equal_litert(LogSoftmax(), rows, x, y)
