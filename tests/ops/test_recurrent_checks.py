# SPDX-License-Identifier: MIT
"""What SVDF and LSTM refuse, and their counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.base import Activation
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm
from tests.ops.recurrent_models import Layer, kind, lstm_layer, svdf_layer

SVDF = svdf_layer(
    np.random.default_rng(0), DType.INT16, batch=2, inputs=5, units=3, rank=2, memory=4
)
LSTM = lstm_layer(np.random.default_rng(0), DType.INT8, batch=2, steps=7, inputs=5, units=3)


def with_types(layer: Layer, changes: Mapping[int, TensorType]) -> list[TensorType]:
    return [changes.get(i, t) for i, t in enumerate(layer.inputs)]


def same(t: TensorType, scale: float, zero_point: int = 0) -> TensorType:
    return kind(t.shape, t.dtype, scale, zero_point)


SVDF_REFUSED = {
    "an int16 input": (0, kind((2, 5), DType.INT16, 0.1), "input is int16"),
    "float weights": (1, kind((6, 5), DType.FLOAT32), "feature weights is float32"),
    "int8 time weights": (2, kind((6, 4), DType.INT8, 0.1), "state is int16"),
    "a float bias": (3, kind((3,), DType.FLOAT32), "bias is float32"),
    "asymmetric weights": (1, kind((6, 5), DType.INT8, 0.1, 3), "zero point 3; supported: 0"),
}


@pytest.mark.parametrize("what", SVDF_REFUSED)
def test_svdf_refuses(what: str) -> None:
    position, changed, message = SVDF_REFUSED[what]
    with pytest.raises(UnsupportedError, match=message):
        SVDF.op.check(with_types(SVDF, {position: changed}), SVDF.outputs)


def test_svdf_refuses_another_state_after_than_before() -> None:
    y, state = SVDF.outputs
    with pytest.raises(UnsupportedError, match="must agree"):
        SVDF.op.check(SVDF.inputs, [y, same(state, 0.5)])


def test_svdf_refuses_an_activation_that_tflm_would_ignore() -> None:
    y, state = SVDF.outputs
    with pytest.raises(UnsupportedError, match="relu cuts the range"):
        Svdf(2, Activation.RELU).check(SVDF.inputs, [same(y, 0.1, 5), state])
    Svdf(2, Activation.RELU).check(SVDF.inputs, [same(y, 0.1, -128), state])


@pytest.mark.parametrize(
    ("position", "shape"),
    [(0, (2, 6)), (1, (6, 6)), (2, (5, 4)), (3, (4,)), (4, (2, 23)), (4, (1, 24)), (0, (2, 5, 1))],
)
def test_svdf_shapes_must_match(position: int, shape: tuple[int, ...]) -> None:
    changed = replace(SVDF.inputs[position], shape=shape)
    with pytest.raises(ModelError, match="do not match"):
        SVDF.op.infer(with_types(SVDF, {position: changed}))


@pytest.mark.parametrize("rank", [0, -1, 4])
def test_svdf_ranks_must_divide_the_filters(rank: int) -> None:
    with pytest.raises(ModelError, match="do not match"):
        Svdf(rank, Activation.NONE).infer(SVDF.inputs)


LSTM_REFUSED = {
    "an int32 input": (0, kind((2, 7, 5), DType.INT32, 0.1), "input is int32"),
    "an int16 hidden state": (13, kind((2, 3), DType.INT16, 0.1), "hidden state is int16"),
    "float weights": (4, kind((3, 5), DType.FLOAT32), "operand 4, weights, is float32"),
    "an int64 bias": (9, kind((3,), DType.INT64, 0.1), "operand 9, a bias, is int64"),
    "per-channel weights": (
        6,
        TensorType((3, 3), DType.INT8, Quant((0.1, 0.2, 0.3), (0, 0, 0), 0)),
        "one scale",
    ),
}


@pytest.mark.parametrize("what", LSTM_REFUSED)
def test_lstm_refuses(what: str) -> None:
    position, changed, message = LSTM_REFUSED[what]
    with pytest.raises(UnsupportedError, match=message):
        LSTM.op.check(with_types(LSTM, {position: changed}), LSTM.outputs)


def test_lstm_refuses_another_output_than_hidden_state() -> None:
    y, hidden, cell = LSTM.outputs
    with pytest.raises(UnsupportedError, match="must agree"):
        LSTM.op.check(LSTM.inputs, [same(y, 0.5), hidden, cell])


@pytest.mark.parametrize(
    ("dtype", "message"), [(DType.INT8, "cell state is int8"), (DType.INT16, "powers of two")]
)
def test_lstm_refuses_other_cell_states(dtype: DType, message: str) -> None:
    y, hidden, cell = LSTM.outputs
    cell = kind(cell.shape, dtype, 0.0007)
    with pytest.raises(UnsupportedError, match=message):
        LSTM.op.check(with_types(LSTM, {14: cell}), [y, hidden, cell])


@pytest.mark.parametrize(
    ("position", "shape"), [(0, (7, 2, 5)), (3, (3, 4)), (7, (2, 3)), (12, (2,)), (14, (2, 4))]
)
def test_lstm_shapes_must_match(position: int, shape: tuple[int, ...]) -> None:
    changed = replace(LSTM.inputs[position], shape=shape)
    with pytest.raises(ModelError, match="do not match"):
        LSTM.op.infer(with_types(LSTM, {position: changed}))


def test_lstm_ranks() -> None:
    flat = replace(LSTM.inputs[0], shape=(14, 5))
    with pytest.raises(ModelError, match=r"x \[14, 5\], hidden state \[2, 3\]"):
        LSTM.op.infer(with_types(LSTM, {0: flat}))


def test_counts() -> None:
    assert SVDF.op.macs(SVDF.inputs, SVDF.outputs) == 2 * (6 * 5 + 6 * 4)
    assert LSTM.op.macs(LSTM.inputs, LSTM.outputs) == 2 * 7 * 4 * 3 * (5 + 3)


def test_shapes() -> None:
    assert SVDF.op.infer(SVDF.inputs) == ((2, 3), (2, 24))
    assert LSTM.op.infer(LSTM.inputs) == ((2, 7, 3), (2, 3), (2, 3))
    sequence = replace(LSTM.inputs[0], shape=(7, 2, 5))
    time_major = UnidirectionalLstm(time_major=True, cell_clip=0.0)
    assert time_major.infer(with_types(LSTM, {0: sequence}))[0] == (7, 2, 3)
