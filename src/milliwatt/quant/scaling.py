# SPDX-License-Identifier: MIT
"""The fixed-point factors of each operator, from the scales of its operands, as TFLM has them.

The references and the C kernels read their factors here, so that they cannot differ. A factor is
(multiplier, shift) with real ~ multiplier * 2**(shift - 31). Where TFLM multiplies scales in
float32 and where in double decides the last bit, and is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.quant.arith import quantize_multiplier

Factor = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AdditionFactors:
    """How a sum or difference is rescaled.

    Both operands, less their zero points, are shifted left by `left_shift` and brought to a
    common scale by `a` and `b`; their sum or difference is brought to the output's by `output`.
    """

    left_shift: int
    a: Factor
    b: Factor
    output: Factor


def convolution_factors(
    x: TensorType, weights: TensorType, y: TensorType, channels: int
) -> tuple[Array, Array]:
    """Multipliers and shifts of x·w/y for each of `channels` output channels, int64 arrays.

    Products in double, for convolutions of every kind.
    """
    reals = [x.scale * w / y.scale for w in weight_scales(weights)]
    return _arrays(reals, channels)


def fully_connected_factors(
    x: TensorType, weights: TensorType, y: TensorType, channels: int
) -> tuple[Array, Array]:
    """Multipliers and shifts of x·w/y for each output channel, int64 arrays.

    Products in double.
    """
    return convolution_factors(x, weights, y, channels)


def addition_factors(a: TensorType, b: TensorType, y: TensorType) -> AdditionFactors:
    """The factors of a + b and a - b, in double; int8 keeps 20 bits below the point, int16 15."""
    left_shift = 15 if y.dtype is DType.INT16 else 20
    twice_max = 2 * max(a.scale, b.scale)
    output = twice_max / ((1 << left_shift) * y.scale)
    if output >= 1:
        raise UnsupportedError(
            f"operands of scale {twice_max / 2} are too coarse for an output of scale {y.scale}; "
            f"supported: a ratio below {1 << (left_shift - 1)}"
        )
    return AdditionFactors(
        left_shift,
        quantize_multiplier(a.scale / twice_max),
        quantize_multiplier(b.scale / twice_max),
        quantize_multiplier(output),
    )


def product_factor(a: TensorType, b: TensorType, y: TensorType) -> Factor:
    """The factor of a * b, in double."""
    return quantize_multiplier(a.scale * b.scale / y.scale)


def rescale_factor(x: TensorType, y: TensorType) -> Factor:
    """The factor from x's scale to y's, in double."""
    return quantize_multiplier(x.scale / y.scale)


def mean_factor(x: TensorType, y: TensorType, count: int) -> Factor:
    """The factor from a sum of `count` elements of x to y; its multiplier may be below 2**30."""
    multiplier, shift = rescale_factor(x, y)
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << room) // count, shift - room


def weight_scales(weights: TensorType) -> tuple[float, ...]:
    """The weights' scales; a ModelError where there are none."""
    if weights.quant is None:
        raise ModelError(f"weights {weights} have no quantisation")
    return weights.quant.scale


def _arrays(reals: Sequence[float], channels: int) -> tuple[Array, Array]:
    factors = np.array([quantize_multiplier(real) for real in reals], np.int64)
    full = np.broadcast_to(factors, (channels, 2))
    return np.ascontiguousarray(full[:, 0]), np.ascontiguousarray(full[:, 1])
