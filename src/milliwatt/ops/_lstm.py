# SPDX-License-Identifier: MIT
"""The steps of an LSTM, for `UnidirectionalLstm`.

Operands are in its order, but x is [T,N,I] and y [T,N,H]. The four gates are computed side by
side: input, forget, cell, output along the last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops._linear import IntegerProduct, centred, exact_product
from milliwatt.ops.base import Types
from milliwatt.quant.arith import (
    multiply_by_quantized_multiplier,
    multiply_by_quantized_multiplier_64,
    wrap_int32,
)
from milliwatt.quant.recurrent import LstmFactors, lstm_factors
from milliwatt.quant.scaling import Factor
from milliwatt.quant.tables import logistic_int16, tanh_int16

_GATE_TABLE = (3, 0)


def lstm_float(operands: Sequence[Array], cell_clip: float) -> tuple[Array, Array, Array]:
    """y, new hidden and new cell state in float32; each step in double."""
    x, weights, recurrent, bias, hidden, cell = _grouped(operands)
    projected = x.astype(np.float64) @ weights.astype(np.float64).T + bias
    recurrent = recurrent.astype(np.float64).T
    steps: list[Array] = []
    for gates in projected:
        gates = gates + hidden.astype(np.float64) @ recurrent
        admit, forget, candidate, output = np.split(gates, 4, axis=-1)
        updated = _sigmoid(forget) * cell + _sigmoid(admit) * np.tanh(candidate)
        cell = updated.astype(np.float32)
        if cell_clip > 0:
            cell = np.clip(cell, -np.float32(cell_clip), np.float32(cell_clip))
        hidden = (_sigmoid(output) * np.tanh(cell.astype(np.float64))).astype(np.float32)
        steps.append(hidden)
    return np.stack(steps), hidden, cell


def lstm_integer(
    operands: Sequence[Array],
    types: Types,
    cell_clip: float,
    products: Sequence[IntegerProduct] = (exact_product, exact_product),
) -> tuple[Array, Array, Array]:
    """y, new hidden and new cell state of an integer LSTM.

    `products` are how the input and the hidden state are multiplied with their gates' weights.
    """
    x, weights, recurrent, bias, hidden, cell = _grouped(operands)
    factors = lstm_factors(types[0], types[1:5], types[5:9], types[13], types[14], cell_clip)
    wide = types[0].dtype is DType.INT16
    from_input = _Gates(types[0], weights, factors.input, wide, products[0])
    from_hidden = _Gates(types[13], recurrent, factors.recurrent, wide, products[1])
    projected = from_input(x, bias)
    steps: list[Array] = []
    for gates in projected:
        gates = _to_int16(gates + from_hidden(hidden, np.int64(0)))
        cell, hidden = _integer_step(gates, cell.astype(np.int64), factors, types[13])
        steps.append(hidden)
    return np.stack(steps), hidden, cell.astype(np.int16)


@dataclass(frozen=True, slots=True)
class _Gates:
    """A fully connected layer from integers of `kind` to all four gates in Q3.12."""

    kind: TensorType
    weights: Array
    factors: tuple[Factor, ...]
    wide: bool
    product: IntegerProduct

    def __call__(self, value: Array, bias: Array | np.int64) -> Array:
        x, weights = centred(value, self.kind), self.weights.astype(np.int32)
        sums = self.product(x, weights) + bias
        units = self.weights.shape[0] // 4
        multiplier, shift = (np.repeat(column, units) for column in zip(*self.factors, strict=True))
        if self.wide:
            return _to_int16(multiply_by_quantized_multiplier_64(sums, multiplier, shift))
        return _to_int16(multiply_by_quantized_multiplier(wrap_int32(sums), multiplier, shift))


def _integer_step(
    gates: Array, cell: Array, factors: LstmFactors, hidden: TensorType
) -> tuple[Array, Array]:
    """New cell and hidden state from the gates [N,4*H] and the cell state."""
    admit, forget, candidate, output = np.split(gates, 4, axis=-1)
    kept = logistic_int16(forget, _GATE_TABLE) * cell
    added = logistic_int16(admit, _GATE_TABLE) * tanh_int16(candidate, _GATE_TABLE)
    cell = _to_int16(
        _to_int16(multiply_by_quantized_multiplier(kept, *factors.forget))
        + _to_int16(multiply_by_quantized_multiplier(added, *factors.candidate))
    )
    if factors.cell_clip is not None:
        cell = np.clip(cell, -factors.cell_clip, factors.cell_clip)
    product = tanh_int16(cell, factors.cell_table) * logistic_int16(output, _GATE_TABLE)
    scaled = multiply_by_quantized_multiplier(product, *factors.hidden) + hidden.zero_point
    return cell, np.clip(scaled, *hidden.dtype.integer_range).astype(hidden.dtype.numpy)


def _grouped(operands: Sequence[Array]) -> tuple[Array, Array, Array, Array, Array, Array]:
    """x, all input weights [4*H,I], all recurrent weights [4*H,H], all biases, hidden, cell."""
    groups = [np.concatenate(operands[start : start + 4]) for start in (1, 5, 9)]
    return operands[0], groups[0], groups[1], groups[2], operands[13], operands[14]


def _to_int16(value: Array) -> Array:
    return np.clip(value, -32768, 32767)


def _sigmoid(x: Array) -> Array:
    exponential = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, exponential) / (1.0 + exponential)
