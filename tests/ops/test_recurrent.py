# SPDX-License-Identifier: MIT
"""SVDF and LSTM against TFLM over several calls, states included, value for value."""

from __future__ import annotations

import numpy as np
import pytest

from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation
from milliwatt.ops.recurrent import Svdf
from tests.ops.recurrent_models import (
    Layer,
    kind,
    lstm_layer,
    lstm_model,
    svdf_layer,
    svdf_model,
    values,
)
from tests.oracles.tflm import Tflm

pytestmark = pytest.mark.oracle

CALLS = 6


def state_positions(layer: Layer) -> range:
    """The indices in the file of the layer's variables: they come after input and constants."""
    return range(1 + len(layer.weights), len(layer.inputs))


def run_both(layer: Layer, model: bytes, seed: int) -> list[tuple[Array, Array]]:
    """Outputs and states of several calls: milliwatt's and TFLM's."""
    rng = np.random.default_rng(seed)
    tflm = Tflm(model, keep_all=True)
    states = layer.first_states()
    pairs: list[tuple[Array, Array]] = []
    for _ in range(CALLS):
        x = values(layer.inputs[0], rng)
        y, states = layer.step(x, states)
        pairs += zip([y], tflm.invoke([x]), strict=True)
        theirs = [tflm.tensor(i) for i in state_positions(layer)]
        pairs += [(a, b.reshape(a.shape)) for a, b in zip(states, theirs, strict=True)]
    return pairs


def assert_equal(pairs: list[tuple[Array, Array]]) -> None:
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)


def varied(pairs: list[tuple[Array, Array]]) -> float:
    """The share of elements that are not at an end of their type's range."""
    ours = [a for a, _ in pairs]
    inner = [
        np.count_nonzero((a > np.iinfo(a.dtype).min) & (a < np.iinfo(a.dtype).max)) for a in ours
    ]
    return sum(inner) / sum(a.size for a in ours)


SVDF_SIZES = [
    {"batch": 1, "inputs": 5, "units": 4, "rank": 1, "memory": 3},
    {"batch": 1, "inputs": 96, "units": 32, "rank": 1, "memory": 8},
    {"batch": 2, "inputs": 7, "units": 3, "rank": 2, "memory": 10},
    {"batch": 3, "inputs": 1, "units": 1, "rank": 1, "memory": 1},
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", SVDF_SIZES)
@pytest.mark.parametrize("state", [DType.INT8, DType.INT16])
def test_integer_svdf_equals_tflm(state: DType, size: dict[str, int], seed: int) -> None:
    layer = svdf_layer(np.random.default_rng(seed), state, **size)
    pairs = run_both(layer, svdf_model(layer), seed)
    assert_equal(pairs)
    assert varied(pairs) > 0.1


LSTM_SIZES = [
    {"batch": 1, "steps": 1, "inputs": 3, "units": 2},
    {"batch": 1, "steps": 6, "inputs": 17, "units": 11},
    {"batch": 3, "steps": 4, "inputs": 5, "units": 8},
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("size", LSTM_SIZES)
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_integer_lstm_equals_tflm(
    dtype: DType, size: dict[str, int], time_major: bool, seed: int
) -> None:
    layer = lstm_layer(np.random.default_rng(seed), dtype, time_major=time_major, **size)
    pairs = run_both(layer, lstm_model(layer), seed)
    assert_equal(pairs)
    assert varied(pairs) > 0.1


@pytest.mark.parametrize("cell_power", [-15, -14, -13, -12, -10, -8])
@pytest.mark.parametrize("cell_clip", [0.0, 0.37, 10.0])
def test_integer_lstm_cell_scales_and_clips_equal_tflm(cell_power: int, cell_clip: float) -> None:
    rng = np.random.default_rng(5)
    layer = lstm_layer(rng, DType.INT8, cell_power=cell_power, cell_clip=cell_clip, **LSTM_SIZES[1])
    assert_equal(run_both(layer, lstm_model(layer), 5))


def test_factors_of_a_large_lstm_are_exact() -> None:
    """So many gates that a multiplier one bit off would show."""
    for seed, dtype in enumerate((DType.INT8, DType.INT16)):
        layer = lstm_layer(
            np.random.default_rng(seed),
            dtype,
            batch=32,
            steps=8,
            inputs=32,
            units=32,
            cell_power=-15,
        )
        assert_equal(run_both(layer, lstm_model(layer), seed))


def test_factors_of_an_svdf_are_exact() -> None:
    """Sums beside the ties of the exact factors: a multiplier one bit off rounds them elsewhere."""
    for seed in range(8):
        layer = svdf_at_ties(np.random.default_rng(seed))
        assert_equal(run_both(layer, svdf_model(layer), seed))


def svdf_at_ties(rng: np.random.Generator) -> Layer:
    """An SVDF whose outputs are its biases alone, each next to a tie of the output's rounding."""
    layer = svdf_layer(rng, DType.INT16, batch=1, inputs=64, units=64, rank=1, memory=2)
    _, _, time, bias, state = layer.inputs
    y = kind((1, 64), DType.INT8, state.scale * time.scale * 2**23 * rng.uniform(1, 2))
    factor = state.scale * time.scale / y.scale
    ties = np.round((np.arange(64) - 31.5) / factor).astype(np.int32)
    weights = (layer.weights[0], np.zeros(time.shape, np.int16), ties)
    assert bias.shape == ties.shape
    op = Svdf(1, Activation.NONE)
    return Layer(op, layer.inputs, (y, state), weights)


FLOAT_LSTM_BOUND = 2e-6
FLOAT_SVDF_BOUND = 1e-5


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("cell_clip", [0.0, 0.25])
@pytest.mark.parametrize("size", LSTM_SIZES)
def test_float_lstm_is_near_tflm(size: dict[str, int], cell_clip: float, time_major: bool) -> None:
    """Within 2e-6 over six calls: TFLM rounds every sum and gate to float32."""
    layer = lstm_layer(
        np.random.default_rng(3),
        DType.FLOAT32,
        time_major=time_major,
        cell_clip=cell_clip,
        **size,
    )
    for ours, theirs in run_both(layer, lstm_model(layer), 3):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=FLOAT_LSTM_BOUND)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("size", SVDF_SIZES)
def test_float_svdf_is_near_tflm(size: dict[str, int], seed: int) -> None:
    """Within 1e-5 of the largest output: TFLM sums in float32."""
    layer = svdf_layer(np.random.default_rng(seed), DType.FLOAT32, **size)
    for ours, theirs in run_both(layer, svdf_model(layer), seed):
        bound = FLOAT_SVDF_BOUND * float(np.abs(theirs).max(initial=1))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=bound)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def test_float_lstm_is_near_one_that_rounds_nothing() -> None:
    layer = lstm_layer(
        np.random.default_rng(8), DType.FLOAT32, batch=2, steps=100, inputs=9, units=12
    )
    x = values(layer.inputs[0], np.random.default_rng(9))
    ours, _ = layer.step(x, layer.first_states())
    weights, recurrent, bias = (
        [w.astype(np.float64) for w in layer.weights[start : start + 4]] for start in (0, 4, 8)
    )
    hidden = cell = np.zeros((2, 12))
    for step in range(100):
        gates = [
            x[:, step].astype(np.float64) @ w.T + hidden @ r.T + b
            for w, r, b in zip(weights, recurrent, bias, strict=True)
        ]
        cell = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * np.tanh(gates[2])
        hidden = sigmoid(gates[3]) * np.tanh(cell)
        np.testing.assert_allclose(ours[:, step], hidden, rtol=0, atol=1e-6)


def test_float_svdf_is_near_one_that_rounds_nothing() -> None:
    layer = svdf_layer(
        np.random.default_rng(8), DType.FLOAT32, batch=2, inputs=9, units=5, rank=2, memory=7
    )
    feature, time, bias = (w.astype(np.float64) for w in layer.weights)
    assert isinstance(layer.op, Svdf)
    history, states = np.zeros((2, 10, 7)), layer.first_states()
    rng = np.random.default_rng(9)
    for _ in range(100):
        x = values(layer.inputs[0], rng)
        ours, states = layer.step(x, states)
        history = np.concatenate([history[:, :, 1:], (x @ feature.T)[:, :, None]], axis=2)
        y = (history * time).sum(axis=2).reshape(2, 5, 2).sum(axis=2) + bias
        if layer.op.activation is Activation.RELU:
            y = np.maximum(y, 0)
        np.testing.assert_allclose(ours, y, rtol=0, atol=1e-6 * np.abs(y).max())
