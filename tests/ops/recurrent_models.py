# SPDX-License-Identifier: MIT
"""Random SVDF and LSTM layers, and the .tflite files that hold them with their states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.ir.types import Array, DType, Quant, Shape, TensorType
from milliwatt.ops.base import Activation, Op
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm
from tests.oracles.tflite_builder import OPTIONAL, TfliteBuilder

Rng = np.random.Generator
_TANH = 4


@dataclass(frozen=True)
class Layer:
    """An operator with memory; `weights` are the operands between x and the states."""

    op: Op
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    weights: tuple[Array, ...]

    @property
    def states(self) -> tuple[TensorType, ...]:
        return self.inputs[1 + len(self.weights) :]

    def first_states(self) -> list[Array]:
        """What TFLM starts a variable with: its zero point."""
        return [
            np.full(t.shape, 0 if t.dtype.is_float else t.zero_point, t.dtype.numpy)
            for t in self.states
        ]

    def step(self, x: Array, states: Sequence[Array]) -> tuple[Array, list[Array]]:
        """The reference's output and new states."""
        self.op.check(self.inputs, self.outputs)
        values = [x, *self.weights, *states]
        y, *after = self.op.reference(values, self.inputs, self.outputs)
        for value, kind in zip((y, *after), self.outputs, strict=True):
            assert (value.shape, value.dtype) == (kind.shape, kind.dtype.numpy)
        return y, after


def kind(shape: Shape, dtype: DType, scale: float = 0.0, zero_point: int = 0) -> TensorType:
    """A tensor type; the scale is rounded to float32, as a file would hold it."""
    if dtype.is_float:
        return TensorType(shape, dtype)
    return TensorType(shape, dtype, Quant.per_tensor(float(np.float32(scale)), zero_point))


def values(t: TensorType, rng: Rng) -> Array:
    """Elements over the whole range."""
    if t.dtype.is_float:
        return rng.standard_normal(t.shape).astype(np.float32)
    low, high = t.dtype.integer_range
    return rng.integers(low, high, t.shape, endpoint=True).astype(t.dtype.numpy)


def small_values(t: TensorType, rng: Rng, bound: int) -> Array:
    """Elements up to a magnitude; for float32 up to one."""
    if t.dtype.is_float:
        return rng.uniform(-1, 1, t.shape).astype(np.float32)
    return rng.integers(-bound, bound, t.shape, endpoint=True).astype(t.dtype.numpy)


def svdf_layer(
    rng: Rng, state: DType, *, batch: int, inputs: int, units: int, rank: int, memory: int
) -> Layer:
    """An SVDF of int8 with this state type, or of float32, whose states and outputs vary."""
    filters = units * rank
    dtype = DType.FLOAT32 if state.is_float else DType.INT8
    zero = 0 if state is DType.INT16 else int(rng.integers(-60, 60))
    x_scale, feature_scale, time_scale = rng.uniform(0.005, 0.1, 3)
    feature_sum = 127 * 64 * np.sqrt(inputs) * x_scale * feature_scale / 2
    state_scale = feature_sum / (32768 if state is DType.INT16 else 100) * rng.uniform(0.7, 1.4)
    time_peak = 2000 if state is DType.INT16 else 100
    y_scale = state_scale * time_scale * time_peak * np.sqrt(memory * rank) * rng.uniform(0.3, 0.7)
    if state is DType.INT16:
        y_scale *= 100
    x = kind((batch, inputs), dtype, x_scale, int(rng.integers(-128, 128)))
    feature = kind((filters, inputs), dtype, feature_scale)
    time = kind((filters, memory), state, time_scale)
    bias_dtype = DType.FLOAT32 if state.is_float else DType.INT32
    bias = kind((units,), bias_dtype, float(np.float32(state_scale) * np.float32(time_scale)))
    held = kind((batch, memory * filters), state, state_scale, zero)
    relu = bool(rng.integers(2))
    y_zero = -128 if relu else int(rng.integers(-128, 128))
    y = kind((batch, units), dtype, y_scale, y_zero)
    op = Svdf(rank, Activation.RELU if relu else Activation.NONE)
    weights = values(feature, rng), small_values(time, rng, time_peak), values(bias, rng) % 4096
    if state.is_float:
        weights = (*weights[:2], values(bias, rng))
    return Layer(op, (x, feature, time, bias, held), (y, held), weights)


def svdf_model(layer: Layer) -> bytes:
    """The SVDF as a .tflite file; its state is the file's variable."""
    builder = TfliteBuilder()
    assert isinstance(layer.op, Svdf)
    operands = [builder.input(layer.inputs[0])]
    operands += [
        builder.constant(w, t) for w, t in zip(layer.weights, layer.inputs[1:4], strict=True)
    ]
    operands.append(builder.variable(layer.inputs[4]))
    made = builder.operator(
        "SVDF",
        operands,
        [layer.outputs[0]],
        "SVDFOptions",
        rank=layer.op.rank,
        fusedActivationFunction=1 if layer.op.activation is Activation.RELU else 0,
    )
    return builder.finish(made)


def lstm_layer(
    rng: Rng,
    dtype: DType,
    *,
    batch: int,
    steps: int,
    inputs: int,
    units: int,
    time_major: bool = False,
    cell_power: int = -11,
    cell_clip: float = 0.0,
) -> Layer:
    """An LSTM of int8, int16 or float32 whose gates use the middle of their range."""
    zeros = [0, 0] if dtype is DType.INT16 else [int(z) for z in rng.integers(-128, 128, 2)]
    unit = 1 / 32768 if dtype is DType.INT16 else 1 / 128
    weights = DType.FLOAT32 if dtype.is_float else DType.INT8
    shape = (steps, batch) if time_major else (batch, steps)
    x = kind((*shape, inputs), dtype, unit * rng.uniform(2, 6), zeros[0])
    hidden = kind((batch, units), dtype, unit * rng.uniform(0.6, 1.1), zeros[1])
    cell_dtype = DType.FLOAT32 if dtype.is_float else DType.INT16
    cell = kind((batch, units), cell_dtype, 2.0**cell_power)
    operands = [kind((units, inputs), weights, s) for s in rng.uniform(0.002, 0.02, 4)]
    operands += [kind((units, units), weights, s) for s in rng.uniform(0.002, 0.02, 4)]
    bias_dtype = {DType.INT8: DType.INT32, DType.INT16: DType.INT64}.get(dtype, DType.FLOAT32)
    scales = [1.0 if dtype.is_float else x.scale * w.scale for w in operands[:4]]
    operands += [kind((units,), bias_dtype, scale) for scale in scales]
    bias_bound = 2000 if dtype is DType.INT8 else 400_000
    made = [
        values(t, rng) if i < 8 else small_values(t, rng, bias_bound)
        for i, t in enumerate(operands)
    ]
    y = TensorType((*shape, units), dtype, hidden.quant)
    op = UnidirectionalLstm(time_major, cell_clip)
    return Layer(op, (x, *operands, hidden, cell), (y, hidden, cell), tuple(made))


def lstm_model(layer: Layer) -> bytes:
    """The LSTM as a .tflite file; its states are the file's variables."""
    builder = TfliteBuilder()
    assert isinstance(layer.op, UnidirectionalLstm)
    x = builder.input(layer.inputs[0])
    constants = [
        builder.constant(w, t) for w, t in zip(layer.weights, layer.inputs[1:13], strict=True)
    ]
    states = [builder.variable(t) for t in layer.states]
    absent = [OPTIONAL] * 3
    operands = [x, *constants[:8], *absent, *constants[8:], *absent[:2], *states, *absent, OPTIONAL]
    made = builder.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        operands,
        [layer.outputs[0]],
        "UnidirectionalSequenceLSTMOptions",
        timeMajor=layer.op.time_major,
        cellClip=layer.op.cell_clip,
        projClip=0.0,
        fusedActivationFunction=_TANH,
        asymmetricQuantizeInputs=False,
        diagonalRecurrentTensors=False,
    )
    return builder.finish(made)
