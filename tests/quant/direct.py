# SPDX-License-Identifier: MIT
"""gemmlowp's definitions written out for one number, in Python's unbounded integers."""

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def c_divide(a: int, b: int) -> int:
    """C's integer division, which cuts towards zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def wrapped(x: int) -> int:
    return (x - INT32_MIN) % (1 << 32) + INT32_MIN


def direct_high_mul(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul."""
    if a == b == INT32_MIN:
        return INT32_MAX
    product = a * b
    nudge = 1 << 30 if product >= 0 else 1 - (1 << 30)
    return c_divide(product + nudge, 1 << 31)


def direct_divide_by_pot(x: int, exponent: int) -> int:
    """gemmlowp's RoundingDivideByPOT."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def direct_multiply(x: int, multiplier: int, shift: int) -> int:
    """TFLM's MultiplyByQuantizedMultiplier of a 32-bit number."""
    left, right = max(shift, 0), max(-shift, 0)
    return direct_divide_by_pot(direct_high_mul(wrapped(x << left), multiplier), right)


def direct_multiply_64(x: int, multiplier: int, shift: int) -> int:
    """TFLM's MultiplyByQuantizedMultiplier of a 64-bit number."""
    reduced = (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF
    total = 15 - shift
    return wrapped((x * reduced + (1 << (total - 1))) >> total)
