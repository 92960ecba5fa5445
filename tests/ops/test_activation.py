# SPDX-License-Identifier: MIT
"""Functions of one value and softmax against TFLM and LiteRT, value for value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from milliwatt.errors import ModelError, UnsupportedError
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


@pytest.mark.parametrize("op", [Logistic(), Tanh()], ids=lambda op: op.kind)
def test_int8_sigmoids_equal_litert_everywhere(op: Op) -> None:
    """But for scales of 8 and more, where TFLM, not LiteRT, lets 0 saturate."""
    quant = (1 / 256, -128) if isinstance(op, Logistic) else (1 / 128, 0)
    y = kind((1, 256), DType.INT8, *quant)
    for scale, zero_point in INT8_QUANTS:
        if scale < 8:
            assert_equal_litert(
                op, ALL_INT8[None], kind((1, 256), DType.INT8, scale, zero_point), y
            )


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


@pytest.mark.parametrize("seed", range(8))
def test_int16_relu_equals_tflm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x_scale = rng.uniform(1e-3, 0.1)
    x, y = (
        kind((1, 65536), DType.INT16, scale) for scale in (x_scale, x_scale * rng.uniform(0.3, 3))
    )
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


@pytest.mark.parametrize("seed", range(16))
def test_int16_leaky_relu_equals_litert_and_nearly_tflm(seed: int) -> None:
    """So many values that a factor one bit off shows: LiteRT has it in float32, TFLM in double."""
    rng = np.random.default_rng(seed)
    x_scale = rng.uniform(1e-4, 0.1)
    y_scale = x_scale * rng.uniform(0.5, 3)
    x, y = (kind((1, 65536), DType.INT16, scale) for scale in (x_scale, y_scale))
    op = LeakyRelu(rng.uniform(-1.5, 1.5))
    assert_equal_litert(op, ALL_INT16[None], x, y)
    (theirs,) = run_tflm(to_tflite(op, x, y), [ALL_INT16[None]])
    steps = np.abs(reference(op, ALL_INT16[None], x, y).astype(int) - theirs)
    assert steps.max() <= 1
    assert np.count_nonzero(steps) < 65536 / 1000


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


@pytest.mark.parametrize("scale", INT16_SCALES)
@pytest.mark.parametrize("op", [Logistic(), Tanh()], ids=lambda op: op.kind)
def test_int16_sigmoids_equal_litert_everywhere(op: Op, scale: float) -> None:
    x = kind((1, 65536), DType.INT16, scale)
    assert_equal_litert(op, ALL_INT16[None], x, kind((1, 65536), DType.INT16, 2.0**-15))


@pytest.mark.parametrize("scale", SOFTMAX_SCALES)
def test_int8_softmax_equals_litert(scale: float) -> None:
    rows = rows_of_int8(64, 12)
    x = kind(rows.shape, DType.INT8, scale, 3)
    assert_equal_litert(Softmax(1.0), rows, x, kind(rows.shape, DType.INT8, 1 / 256, -128))
    assert_equal_litert(Softmax(1.0), rows, x, kind(rows.shape, DType.INT16, 1 / 65536, -32768))


@pytest.mark.parametrize("alpha", [0.1, -0.4, 2.5])
@pytest.mark.parametrize(("x_scale", "x_zero", "y_scale", "y_zero"), RELU_QUANTS)
def test_int8_leaky_relu_equals_litert(
    alpha: float, x_scale: float, x_zero: int, y_scale: float, y_zero: int
) -> None:
    x = kind((1, 256), DType.INT8, x_scale, x_zero)
    y = kind((1, 256), DType.INT8, y_scale, y_zero)
    assert_equal_litert(LeakyRelu(alpha), ALL_INT8[None], x, y)


def floats(count: int) -> Array:
    """Float32 of every magnitude, both signs, zeros, and the middle range densely."""
    rng = np.random.default_rng(13)
    wide = np.ldexp(rng.uniform(0.5, 1, count), rng.integers(-140, 8, count))
    every = np.concatenate([wide, -wide, rng.uniform(-20, 20, count), [0.0, -0.0, 100.0, -100.0]])
    return every.astype(np.float32)


def exact_softmax(x: Array, beta: float) -> Array:
    wide = (x.astype(np.longdouble) - x.max(axis=-1, keepdims=True)) * np.longdouble(
        np.float32(beta)
    )
    exponentials = np.exp(wide)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def exact_log_softmax(x: Array) -> Array:
    wide = x.astype(np.longdouble)
    wide -= wide.max(axis=-1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))


def exact_logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-x.astype(np.longdouble)))


FLOAT_OPS = {
    "logistic": (Logistic(), exact_logistic, 2e-7),
    "tanh": (Tanh(), lambda x: np.tanh(x.astype(np.longdouble)), 2e-7),
    "softmax": (Softmax(0.7), lambda x: exact_softmax(x, 0.7), 1e-6),
    "log_softmax": (LogSoftmax(), exact_log_softmax, 4e-5),
    "relu": (Relu(Activation.RELU), lambda x: np.clip(x, 0, None), 0),
    "relu6": (Relu(Activation.RELU6), lambda x: np.clip(x, 0, 6), 0),
    "leaky_relu": (
        LeakyRelu(0.3),
        lambda x: np.where(x > 0, x, x * np.longdouble(np.float32(0.3))),
        0,
    ),
}


@pytest.mark.parametrize("name", FLOAT_OPS)
def test_float_is_within_one_unit_in_the_last_place(name: str) -> None:
    op, exact, _ = FLOAT_OPS[name]
    value = floats(5006).reshape(-1, 14)
    x = kind(value.shape, DType.FLOAT32)
    ours, wanted = reference(op, value, x, x), exact(value)
    unit = np.spacing(np.abs(wanted).astype(np.float32)).astype(np.float64)
    if isinstance(op, LogSoftmax):
        unit = np.maximum(unit, 1e-14)
    assert (np.abs(ours - wanted) <= unit).all()


@pytest.mark.parametrize("name", FLOAT_OPS)
def test_float_is_near_tflm(name: str) -> None:
    """Within 2e-7 for the sigmoids, 1e-6 for softmax, 4e-5 for log-softmax of values up to 256."""
    op, _, bound = FLOAT_OPS[name]
    value = floats(5006).reshape(-1, 14)
    x = kind(value.shape, DType.FLOAT32)
    (theirs,) = run_tflm(to_tflite(op, x, x), [value])
    np.testing.assert_allclose(reference(op, value, x, x), theirs, rtol=0, atol=bound)


def test_large_and_small_int8_arrays_agree() -> None:
    """The table that large arrays go through gives what the arithmetic gives."""
    small = kind((256,), DType.INT8, 0.06, 9)
    large = kind((4, 256), DType.INT8, 0.06, 9)
    for op, quant in ((Logistic(), (1 / 256, -128)), (Relu(Activation.RELU6), (0.04, -100))):
        y_small, y_large = (kind(t.shape, DType.INT8, *quant) for t in (small, large))
        row = reference(op, ALL_INT8, small, y_small)
        rows = reference(op, np.stack([ALL_INT8] * 4), large, y_large)
        np.testing.assert_array_equal(rows, np.stack([row] * 4))


INT8, INT16, FLOAT = DType.INT8, DType.INT16, DType.FLOAT32
REFUSED = {
    "a uint8 input": (Logistic(), (DType.UINT8, 0.1, 3), (INT8, 1 / 256, -128), "input is uint8"),
    "another output type": (Tanh(), (INT8, 0.1, 3), (INT16, 2**-15, 0), "output is int16"),
    "logistic's scale": (Logistic(), (INT8, 0.1, 3), (INT8, 1 / 128, -128), "scale 1/256"),
    "logistic's zero point": (Logistic(), (INT8, 0.1, 3), (INT8, 1 / 256, 0), "zero point -128"),
    "tanh's scale": (Tanh(), (INT16, 0.1, 0), (INT16, 2**-14, 0), "scale 1/32768"),
    "an int16 zero point": (Tanh(), (INT16, 0.1, 1), (INT16, 2**-15, 0), "int16 needs 0"),
    "softmax's scale": (Softmax(1.0), (INT8, 0.1, 3), (INT8, 1 / 255, -128), "scale 1/256"),
    "softmax to int16": (Softmax(1.0), (INT8, 0.1, 3), (INT16, 2**-16, 0), "point -32768"),
    "a steep softmax": (Softmax(40.0), (INT8, 0.5, 3), (INT8, 1 / 256, -128), "outside"),
    "a flat softmax": (Softmax(0.0), (INT8, 0.5, 3), (INT8, 1 / 256, -128), "outside"),
    "a steep int16 softmax": (Softmax(1.0), (INT16, 5.1, 0), (INT16, 2**-15, 0), "outside"),
    "log-softmax of int16": (LogSoftmax(), (INT16, 0.1, 0), (INT16, 1 / 16, 0), "supported: fl"),
    "log-softmax's zero": (LogSoftmax(), (INT8, 0.1, 0), (INT8, 1 / 16, 0), "zero point 127"),
    "a float output": (Relu(Activation.RELU), (INT8, 0.1, 0), (FLOAT, 0, 0), "output is float32"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refuses(what: str) -> None:
    op, x, y, message = REFUSED[what]
    with pytest.raises(UnsupportedError, match=message):
        op.check([kind((2, 3), *x)], [kind((2, 3), *y)])


@pytest.mark.parametrize("op", [Softmax(1.0), LogSoftmax()], ids=lambda op: op.kind)
def test_refuses_rows_that_overflow(op: Op) -> None:
    y = (1 / 256, -128) if isinstance(op, Softmax) else (1 / 16, 127)
    with pytest.raises(UnsupportedError, match="rows of 4096 elements"):
        op.check([kind((1, 4096), INT8, 0.1)], [kind((1, 4096), INT8, *y)])


def test_softmax_of_a_scalar() -> None:
    with pytest.raises(ModelError, match="at least one dimension"):
        Softmax(1.0).infer([kind((), FLOAT)])
