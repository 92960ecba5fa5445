# SPDX-License-Identifier: MIT
"""Fixed-point factors of SVDF and LSTM from the operands' scales, as TFLM has them.

The references and the C kernels read them here, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import UnsupportedError
from milliwatt.ir.types import TensorType
from milliwatt.quant.arith import quantize_multiplier
from milliwatt.quant.scaling import Factor
from milliwatt.quant.tables import log2_if_near

_GATE_SCALE = 2.0**-12
_SIGMOID_SCALE = 2.0**-15


@dataclass(frozen=True, slots=True)
class SvdfFactors:
    """How sums are rescaled: of the features to the state, of time to the output."""

    feature: Factor
    time: Factor


@dataclass(frozen=True, slots=True)
class LstmFactors:
    """How an LSTM with int16 cell state rescales.

    `input` and `recurrent` bring the sums of products of the input, forget, cell and output gates
    to Q3.12; `forget` and `candidate` the two addends of the cell state to its scale; `hidden` the
    product of output gate and tanh to the hidden state's. `cell_table` brings the cell state to
    the units of the sigmoid table. Without a clip `cell_clip` is None.
    """

    input: tuple[Factor, ...]
    recurrent: tuple[Factor, ...]
    forget: Factor
    candidate: Factor
    hidden: Factor
    cell_table: Factor
    cell_clip: int | None


def svdf_factors(
    x: TensorType, feature: TensorType, time: TensorType, state: TensorType, y: TensorType
) -> SvdfFactors:
    """The factors of an SVDF, in double."""
    return SvdfFactors(
        quantize_multiplier(x.scale * feature.scale / state.scale),
        quantize_multiplier(state.scale * time.scale / y.scale),
    )


def lstm_factors(
    x: TensorType,
    input_weights: Sequence[TensorType],
    recurrent_weights: Sequence[TensorType],
    hidden: TensorType,
    cell: TensorType,
    cell_clip: float,
) -> LstmFactors:
    """The factors of an LSTM; a clip of 0 means none.

    An UnsupportedError where the cell state's scale is no power of two.
    """
    power = log2_if_near(cell.scale)
    if power is None:
        raise UnsupportedError(
            f"LSTM: cell state {cell} has scale {cell.scale}; supported: powers of two"
        )
    clip = int(min(float(np.float32(cell_clip)) / cell.scale, 32767.0))
    return LstmFactors(
        tuple(_gate_factor(x, w) for w in input_weights),
        tuple(_gate_factor(hidden, w) for w in recurrent_weights),
        quantize_multiplier(_SIGMOID_SCALE * cell.scale / cell.scale),
        quantize_multiplier(_SIGMOID_SCALE * _SIGMOID_SCALE / cell.scale),
        quantize_multiplier(_SIGMOID_SCALE * _SIGMOID_SCALE / hidden.scale),
        (3 << (power + 12), 0) if power >= -12 else (3, -power - 12),
        clip if cell_clip > 0 else None,
    )


def _gate_factor(x: TensorType, weights: TensorType) -> Factor:
    return quantize_multiplier(x.scale * weights.scale / _GATE_SCALE)
