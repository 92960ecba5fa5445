# SPDX-License-Identifier: MIT
"""Weights as signed digits that unit cells hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from milliwatt.backend.aimc.placement import Weights
from milliwatt.ir.types import Array


def largest_digit(cell_bits: int) -> int:
    """The magnitude of a fully-on cell."""
    return 1 << (cell_bits - 1)


def digits(matrix: Array, cell_bits: int, slices: int) -> Array:
    """Integers as balanced digits of base 2**cell_bits, lowest first, along a new last axis.

    Every digit lies between minus and plus 2**(cell_bits - 1); Σ digit · base**i is the integer.
    """
    base, half = 1 << cell_bits, largest_digit(cell_bits)
    rest = matrix.astype(np.int64)
    parts: list[Array] = []
    for _ in range(slices - 1):
        digit = (rest + half) % base - half
        parts.append(digit)
        rest = (rest - digit) >> cell_bits
    return np.stack([*parts, rest], axis=-1).astype(np.float64)


def stored(
    matrix: Array, weights: Weights, weight_bits: int, cell_bits: int, slices: int
) -> tuple[Array, Sequence[float]]:
    """What the cells hold [..., slices] and the factor of each slice in the weight."""
    if weights == "sliced":
        factors = [float(1 << (cell_bits * i)) for i in range(slices)]
        return digits(matrix, cell_bits, slices), factors
    factor = float(1 << max(0, weight_bits - cell_bits))
    share = matrix[..., None] / factor
    return (np.round(share) if weights == "rounded" else share), [factor]
