# SPDX-License-Identifier: MIT
"""Operators with memory: their state comes in and goes out as operands.

Float operators compute each step in double and round outputs and states to float32. Over 100 steps
an LSTM stays within 1e-6 of one that rounds nothing, an SVDF within 1e-6 of its largest output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import Array, DType, Shape, TensorType
from milliwatt.ops._linear import IntegerProduct, centred, exact_product
from milliwatt.ops._lstm import lstm_float, lstm_integer
from milliwatt.ops._operands import (
    expect_count,
    expect_dtype,
    expect_same_quant,
    expect_zero_point,
)
from milliwatt.ops.base import Activation, Op, Types
from milliwatt.quant.arith import (
    activation_range,
    clamp_float,
    multiply_by_quantized_multiplier,
    wrap_int32,
)
from milliwatt.quant.recurrent import lstm_factors, svdf_factors


@dataclass(frozen=True, slots=True)
class Svdf(Op):
    """A fully connected layer factored over features and time.

    Operands: x[N,I], w_feature[F,I], w_time[F,M], bias[F/rank], state[N,M*F], which holds the
    last M features of each filter, the oldest first. Outputs: y[N,F/rank], the new state.

    An int8 x goes with int8 feature weights, and with time weights and state both of int16 or both
    of int8. There TFLM ignores `activation`, so it must be one that the output's range implies; and
    it clamps a new feature to the state's type before it adds the state's zero point, so that a
    feature far out in an int8 state wraps round.
    """

    rank: int
    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 5)
        shapes = [t.shape for t in inputs]
        x, feature, time, bias, state = shapes
        if [len(shape) for shape in shapes] != [2, 2, 2, 1, 2]:
            raise ModelError(f"{self.kind}: operands {[str(t) for t in inputs]} do not match")
        filters, memory = time
        units = filters // self.rank if self.rank > 0 else 0
        expected = (filters, x[1]), (units,), (x[0], memory * filters)
        if (feature, bias, state) != expected or units * self.rank != filters:
            raise ModelError(
                f"{self.kind} of rank {self.rank}: operands {[str(t) for t in inputs]} do not match"
            )
        return (x[0], units), state

    def check(self, inputs: Types, outputs: Types) -> None:
        x, feature, time, bias, state = inputs
        y, new_state = outputs
        expect_dtype(self, "input", x, (DType.INT8, DType.FLOAT32))
        expect_dtype(self, "feature weights", feature, (x.dtype,))
        expect_dtype(self, "output", y, (x.dtype,))
        expect_same_quant(self, state, new_state)
        if x.dtype.is_float:
            for operand, value in ("time weights", time), ("bias", bias), ("state", state):
                expect_dtype(self, operand, value, (DType.FLOAT32,))
            return
        expect_dtype(self, "time weights", time, (DType.INT8, DType.INT16))
        expect_dtype(self, "state", state, (time.dtype,))
        expect_dtype(self, "bias", bias, (DType.INT32,))
        for operand, value in ("input", x), ("state", state), ("output", y):
            expect_zero_point(self, operand, value)
        _expect_symmetric(self, "feature weights", feature)
        _expect_symmetric(self, "time weights", time)
        svdf_factors(x, feature, time, state, y)
        if activation_range(self.activation, y) != y.dtype.integer_range:
            raise UnsupportedError(
                f"{self.kind}: {self.activation.value} cuts the range of output {y} with "
                f"{y.quant}; supported: a quantisation that ends where the activation does"
            )

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        if inputs[0].dtype.is_float:
            return self._float(values, inputs)
        return self.integer_reference(values, inputs, outputs, (exact_product,))

    def integer_reference(
        self,
        values: Sequence[Array],
        inputs: Types,
        outputs: Types,
        products: Sequence[IntegerProduct],
    ) -> tuple[Array, ...]:
        """`reference` of integers; `products` has how the input meets the feature weights."""
        x, feature, time, _, state = inputs
        (product,), (y, _) = products, outputs
        factors = svdf_factors(x, feature, time, state, y)
        sums = product(centred(values[0], x), values[1].astype(np.int32))
        scaled = multiply_by_quantized_multiplier(wrap_int32(sums), *factors.feature)
        features = np.clip(scaled, *state.dtype.integer_range) + state.zero_point
        history = _shift_in(values[4], features.astype(state.dtype.numpy), time.shape)
        weighted = centred(history, state).astype(np.int64) * values[2]
        total = wrap_int32(self._over_time(weighted) + values[3])
        scaled = multiply_by_quantized_multiplier(total, *factors.time)
        result = np.clip(scaled + y.zero_point, *y.dtype.integer_range)
        return result.astype(y.dtype.numpy), history.reshape(state.shape)

    def macs(self, inputs: Types, outputs: Types) -> int:
        batch = inputs[0].shape[0]
        return batch * (inputs[1].elements + inputs[2].elements)

    def _float(self, values: Sequence[Array], inputs: Types) -> tuple[Array, ...]:
        x, feature, time, bias, state = (value.astype(np.float64) for value in values)
        history = _shift_in(state, x @ feature.T, time.shape).astype(np.float32)
        total = self._over_time(history.astype(np.float64) * time) + bias
        y = clamp_float(total.astype(np.float32), self.activation)
        return y, history.reshape(state.shape)

    def _over_time(self, products: Array) -> Array:
        """Sums [N,F/rank] over rank and time of products [N,F,M]."""
        batch, filters, _ = products.shape
        return products.reshape(batch, filters // self.rank, -1).sum(axis=-1)


@dataclass(frozen=True, slots=True)
class UnidirectionalLstm(Op):
    """An LSTM over a sequence, without peephole, projection or layer normalisation.

    Operands: x[N,T,I] (x[T,N,I] where `time_major`), input weights [H,I] of the input, forget,
    cell and output gates, recurrent weights [H,H] of the same, biases [H] of the same, hidden
    state [N,H], cell state [N,H]. Outputs: y[N,T,H] (or [T,N,H]), new hidden, new cell.

    Integer x and hidden state are both int8 with int32 biases or both int16 with int64 biases;
    weights are int8, the cell state is int16 with a power-of-two scale. Gates are Q3.12 before
    their sigmoid or tanh and Q0.15 after. A `cell_clip` above 0 bounds the cell state.
    """

    time_major: bool
    cell_clip: float

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 15)
        x, hidden, cell = inputs[0].shape, inputs[13].shape, inputs[14].shape
        if len(x) != 3 or len(hidden) != 2:
            raise ModelError(f"{self.kind}: x {list(x)}, hidden state {list(hidden)}")
        batch, units = hidden
        shapes = [t.shape for t in inputs[1:13]]
        expected = [(units, x[2])] * 4 + [(units, units)] * 4 + [(units,)] * 4
        if shapes != expected or cell != hidden or x[1 if self.time_major else 0] != batch:
            raise ModelError(f"{self.kind}: operands {[str(t) for t in inputs]} do not match")
        return (*x[:2], units), hidden, cell

    def check(self, inputs: Types, outputs: Types) -> None:
        x, hidden, cell = inputs[0], inputs[13], inputs[14]
        y, new_hidden, new_cell = outputs
        expect_dtype(self, "input", x, (DType.INT8, DType.INT16, DType.FLOAT32))
        expect_dtype(self, "hidden state", hidden, (x.dtype,))
        expect_same_quant(self, hidden, y)
        expect_same_quant(self, hidden, new_hidden)
        expect_same_quant(self, cell, new_cell)
        weights = DType.FLOAT32 if x.dtype.is_float else DType.INT8
        for position in range(1, 9):
            expect_dtype(self, f"operand {position}, weights,", inputs[position], (weights,))
        for position in range(9, 13):
            expect_dtype(self, f"operand {position}, a bias,", inputs[position], (_BIAS[x.dtype],))
        cell_type = DType.FLOAT32 if x.dtype.is_float else DType.INT16
        expect_dtype(self, "cell state", cell, (cell_type,))
        if not x.dtype.is_float:
            for operand, value in ("input", x), ("hidden state", hidden), ("cell state", cell):
                expect_zero_point(self, operand, value)
            for position in range(1, 9):
                _expect_symmetric(self, f"operand {position}, weights,", inputs[position])
            lstm_factors(x, inputs[1:5], inputs[5:9], hidden, cell, self.cell_clip)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        if inputs[0].dtype.is_float:
            return self._like_input(*lstm_float(self._steps_first(values), self.cell_clip))
        return self.integer_reference(values, inputs, outputs, (exact_product, exact_product))

    def integer_reference(
        self,
        values: Sequence[Array],
        inputs: Types,
        outputs: Types,
        products: Sequence[IntegerProduct],
    ) -> tuple[Array, ...]:
        """`reference` of integers; `products` has how input and hidden state meet the weights."""
        return self._like_input(
            *lstm_integer(self._steps_first(values), inputs, self.cell_clip, products)
        )

    def _steps_first(self, values: Sequence[Array]) -> list[Array]:
        return [values[0] if self.time_major else values[0].swapaxes(0, 1), *values[1:]]

    def _like_input(self, y: Array, hidden: Array, cell: Array) -> tuple[Array, Array, Array]:
        return np.ascontiguousarray(y if self.time_major else y.swapaxes(0, 1)), hidden, cell

    def macs(self, inputs: Types, outputs: Types) -> int:
        steps = inputs[0].shape[0] * inputs[0].shape[1]
        return steps * sum(t.elements for t in inputs[1:9])


_BIAS = {DType.INT8: DType.INT32, DType.INT16: DType.INT64, DType.FLOAT32: DType.FLOAT32}


def _expect_symmetric(op: Op, operand: str, value: TensorType) -> None:
    """An UnsupportedError unless weights have one scale and zero point 0."""
    expect_zero_point(op, operand, value)
    if value.zero_point:
        raise UnsupportedError(
            f"{op.kind}: {operand} {value} have zero point {value.zero_point}; supported: 0"
        )


def _shift_in(state: Array, features: Array, time_shape: Shape) -> Array:
    """The state as [N,F,M] without its oldest column and with `features` [N,F] as the newest."""
    history = state.reshape(features.shape[0], *time_shape)
    return np.concatenate([history[:, :, 1:], features[:, :, None]], axis=2)
