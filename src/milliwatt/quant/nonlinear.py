# SPDX-License-Identifier: MIT
"""Parameters of quantised logistic, tanh, softmax and leaky ReLU, from the operands' scales.

The references and the C kernels read them here, so that they cannot differ. All are TFLM's, and
computed in double unless said otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import UnsupportedError
from milliwatt.ir.types import TensorType
from milliwatt.quant.arith import quantize_multiplier, round_half_away
from milliwatt.quant.scaling import Factor

SIGMOID_INTEGER_BITS = 4
"""Integer bits of the argument of int8 logistic and tanh."""

SOFTMAX_INTEGER_BITS = 5
"""Integer bits of the argument of the exponential of int8 softmax and log-softmax."""

SUM_INTEGER_BITS = 12
"""Integer bits of the sum of exponentials of int8 softmax and log-softmax."""


@dataclass(frozen=True, slots=True)
class BoundedFactor:
    """A factor for integers whose magnitude is at most `radius`; beyond, the result saturates."""

    multiplier: int
    shift: int
    radius: int


@dataclass(frozen=True, slots=True)
class LogSoftmaxFactors:
    """How int8 log-softmax rescales: differences to Q5.26, and back with `inverse`."""

    difference: BoundedFactor
    inverse: Factor


def sigmoid_factor(x: TensorType) -> BoundedFactor:
    """The factor from int8 x, less its zero point, to Q4.27: for logistic and tanh.

    From a scale of 8 on the radius is 0, and x's zero itself saturates, downwards.
    """
    real = x.scale * (1 << (31 - SIGMOID_INTEGER_BITS))
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * (1 << 31))
    return BoundedFactor(multiplier, shift, _radius(SIGMOID_INTEGER_BITS, shift))


def softmax_factor(x: TensorType, beta: float) -> BoundedFactor:
    """The factor from differences of int8 x to beta times them in Q5.26.

    An UnsupportedError where beta times x's scale is outside (2**-26, 16).
    """
    real = float(np.float32(beta)) * x.scale * (1 << (31 - SOFTMAX_INTEGER_BITS))
    if not 1 < real < 1 << 30:
        raise UnsupportedError(
            f"softmax: beta {beta} times the scale {x.scale} of {x} is outside (2**-26, 16)"
        )
    multiplier, shift = quantize_multiplier(real)
    return BoundedFactor(multiplier, shift, _radius(SOFTMAX_INTEGER_BITS, shift))


def softmax_int16_factor(x: TensorType, beta: float) -> Factor:
    """The factor from differences of int16 x to beta times them in units of 10 / 65535.

    An UnsupportedError where beta times x's scale is not below 5.
    """
    real = x.scale * float(np.float32(beta)) / (10.0 / 65535.0)
    if not 0 < real < 1 << 15:
        raise UnsupportedError(
            f"softmax: beta {beta} times the scale {x.scale} of {x} is outside (0, 5)"
        )
    return quantize_multiplier(real)


def log_softmax_factors(x: TensorType) -> LogSoftmaxFactors:
    """The factors of int8 log-softmax."""
    difference = softmax_factor(x, 1.0)
    # TFLM shifts 1 as a 32-bit integer and divides by the multiplier in double.
    inverse = quantize_multiplier(2.0 ** (31 - difference.shift) / difference.multiplier)
    return LogSoftmaxFactors(difference, inverse)


def leaky_relu_factors(x: TensorType, y: TensorType, alpha: float) -> tuple[Factor, Factor]:
    """The factors of values not below and below zero; the second has alpha's sign.

    In float32, as LiteRT and the golden outputs of TFLM's own int16 networks have them. (The
    tflite-micro package of 2026-10 computes in double: of int16 values, one in 5,000 is a step
    apart.)
    """
    x_scale, y_scale = np.float32(x.scale), np.float32(y.scale)
    identity = quantize_multiplier(float(x_scale / y_scale))
    slope = float(x_scale * np.float32(alpha) / y_scale)
    multiplier, shift = quantize_multiplier(abs(slope))
    return identity, (-multiplier if slope < 0 else multiplier, shift)


def _radius(integer_bits: int, shift: int) -> int:
    """The largest magnitude that a left shift keeps within the argument's integer bits."""
    largest = ((1 << integer_bits) - 1) << (31 - integer_bits)
    return math.floor(largest / 2.0**shift)
