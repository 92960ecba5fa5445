# SPDX-License-Identifier: MIT
"""int4 and int2 weights laid out as mw_subbyte_mve.h reads them, and when its sums are exact."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Table
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve.layout import VECTOR, by_blocks, fits
from milliwatt.ir.types import Array
from milliwatt.units import align_up


def is_subbyte_exact(filters: Filters, bits: int) -> bool:
    """Whether centred weights fit the bits they are stored in, and sums their registers."""
    half = 1 << (bits - 1)
    return bool(filters.weights.min() >= -half and filters.weights.max() < half and fits(filters))


def subbyte_weights(
    filters: Filters, bits: int, block: int, order: Array | None = None
) -> tuple[Table, bool]:
    """Weights and biases for kernels of `block` channels, and whether they take the full range.

    For every `block` channels their biases, then for each 16 taps the vectors of bytes: of channels
    k, k + block * bits / 8, ... the first in the lowest digit. Absent channels and taps are zeros.
    The biases of a block stand in that `order`.
    """
    digits = _digits(filters.weights, bits, block)
    scales = np.int64(1) << (bits * np.arange(digits.shape[3]))
    values = (digits * scales[:, None]).sum(axis=3)
    full = bool(values.min() < -128)
    if full:
        values += sum(1 << (bits * place + bits - 1) for place in range(digits.shape[3] - 1))
    blocks = len(digits)
    biases = by_blocks(filters.bias, block, order).astype("<i4").view(np.int8)
    words = np.concatenate([biases, values.reshape(blocks, -1).astype(np.int8)], axis=1)
    return Table("weights", words.reshape(-1)), full


def _digits(weights: Array, bits: int, block: int) -> Array:
    """The weights: [blocks, vectors of inputs, vectors of bytes for each, digits, 16]."""
    channels, depth = weights.shape
    full = np.zeros((align_up(channels, block), align_up(depth, VECTOR)), np.int64)
    full[:channels, :depth] = weights
    places = 8 // bits
    by_place = full.reshape(-1, places, block // places, full.shape[1] // VECTOR, VECTOR)
    return by_place.transpose(0, 3, 2, 1, 4)
