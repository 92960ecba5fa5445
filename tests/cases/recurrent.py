# SPDX-License-Identifier: MIT
"""Operators with memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.base import Activation
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm
from tests.cases.build import Case, case, tensor, values

S8, S16, S32, S64, F32 = DType.INT8, DType.INT16, DType.INT32, DType.INT64, DType.FLOAT32
SVDF = [
    # batch, depth, units, rank, memory
    (1, 1, 1, 1, 1),
    (1, 14, 5, 1, 10),
    (2, 51, 3, 2, 4),
    (1, 138, 7, 4, 1),
    (3, 9, 2, 3, 6),
]
LSTM = [
    # batch, steps, depth, units, time major
    (1, 1, 1, 1, False),
    (1, 5, 14, 7, False),
    (2, 3, 5, 9, False),
    (3, 4, 6, 5, True),
    (1, 20, 51, 3, True),
]


def _with_values(kinds: list[TensorType], rng: np.random.Generator) -> list[tuple]:
    return [(kind, values(kind, rng)) for kind in kinds]


def svdf_s8(state_type: DType) -> Callable[[int], list[Case]]:
    """Integer SVDF with states of one type."""

    def build(seed: int) -> list[Case]:
        rng = np.random.default_rng(seed)
        found: list[Case] = []
        for batch, depth, units, rank, memory in SVDF:
            for x_zero, state_zero, gain in ((0, 0, 1.0), (-128, 9, 1.0), (5, -30, 40.0)):
                filters = units * rank
                unit = {S8: 0.9, S16: 0.004}[state_type]
                kinds = [
                    tensor((batch, depth), S8, 0.05, x_zero),
                    tensor((filters, depth), S8, 0.01),
                    tensor((filters, memory), state_type, 0.02 * unit),
                    tensor((units,), S32),
                    tensor(
                        (batch, memory * filters),
                        state_type,
                        unit * 0.05 * np.sqrt(depth) / gain,
                        state_zero if state_type is S8 else 0,
                    ),
                ]
                spread = {S8: 75.0, S16: 19000.0}[state_type]
                deviation = kinds[4].scale * kinds[2].scale * spread**2 * np.sqrt(memory * rank)
                y = tensor((batch, units), S8, deviation / 50, -5)
                operands = _with_values(kinds, rng)
                operands[3] = (kinds[3], _svdf_bias(spread, (units,), rng))
                op = Svdf(rank, Activation.NONE)
                found.append(case(op, operands, [y, kinds[4]], (1, 2, 3)))
        return found

    return build


def _svdf_bias(spread: float, shape: tuple[int], rng: np.random.Generator) -> Array:
    return rng.integers(-int(spread**2), int(spread**2), shape).astype(np.int32)


def svdf_f32(seed: int) -> list[Case]:
    """Float SVDF."""
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for batch, depth, units, rank, memory in SVDF:
        filters = units * rank
        shapes = [
            *((batch, depth), (filters, depth), (filters, memory)),
            *((units,), (batch, memory * filters)),
        ]
        kinds = [tensor(shape, F32) for shape in shapes]
        y = tensor((batch, units), F32)
        op = Svdf(rank, Activation.RELU)
        found.append(case(op, _with_values(kinds, rng), [y, kinds[4]], (1, 2, 3)))
    return found


def lstm(dtype: DType) -> Callable[[int], list[Case]]:
    """LSTMs of one element type."""

    def build(seed: int) -> list[Case]:
        rng = np.random.default_rng(seed)
        found: list[Case] = []
        for size in LSTM:
            for cell_scale, clip in ((2.0**-11, 0.0), (2.0**-15, 0.5), (2.0**-12, 3.0)):
                found.append(_lstm(size, dtype, cell_scale, clip, rng))
        return found

    return build


def _lstm(
    size: tuple[int, int, int, int, bool],
    dtype: DType,
    cell_scale: float,
    clip: float,
    rng: np.random.Generator,
) -> Case:
    batch, steps, depth, units, time_major = size
    sequence = (steps, batch) if time_major else (batch, steps)
    if dtype is F32:
        x, hidden = tensor((*sequence, depth), F32), tensor((batch, units), F32)
        cell, bias = tensor((batch, units), F32), tensor((units,), F32)
        weights = [tensor((units, depth), F32)] * 4 + [tensor((units, units), F32)] * 4
    else:
        zeros = (7, -11) if dtype is S8 else (0, 0)
        scale = 1.0 if dtype is S8 else 1 / 256
        x = tensor((*sequence, depth), dtype, 0.03 * scale, zeros[0])
        hidden = tensor((batch, units), dtype, scale / 128, zeros[1])
        cell = tensor((batch, units), S16, cell_scale)
        bias = tensor((units,), S32 if dtype is S8 else S64)
        weights = [tensor((units, depth), S8, 0.01 + 0.002 * g) for g in range(4)]
        weights += [tensor((units, units), S8, 0.015 - 0.002 * g) for g in range(4)]
    operands = _with_values([x, *weights], rng)
    operands += [(bias, _biases(bias, rng)) for _ in range(4)]
    operands += _with_values([hidden, cell], rng)
    y = TensorType((*sequence, units), dtype, hidden.quant)
    op = UnidirectionalLstm(time_major, clip)
    return case(op, operands, [y, hidden, cell], tuple(range(1, 13)))


def _biases(kind: TensorType, rng: np.random.Generator) -> Array:
    if kind.dtype is F32:
        return values(kind, rng)
    reach = 5_000 if kind.dtype is S32 else 3_000_000
    return rng.integers(-reach, reach, kind.shape).astype(kind.dtype.numpy)


FAMILIES = {
    "svdf_s8_s8": svdf_s8(S8),
    "svdf_s8_s16": svdf_s8(S16),
    "svdf_f32": svdf_f32,
    "lstm_s8": lstm(S8),
    "lstm_s16": lstm(S16),
    "lstm_f32": lstm(F32),
}
