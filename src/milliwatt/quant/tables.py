# SPDX-License-Identifier: MIT
"""Functions of int16 numbers by table and interpolation, as TFLM has them.

Tables are computed, never stored; C kernels get theirs from here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from milliwatt.ir.types import Array, TensorType
from milliwatt.quant.arith import round_half_away
from milliwatt.quant.scaling import Factor

_STEPS = 512


@functools.cache
def sigmoid_table() -> Array:
    """sigmoid(i / 24) in Q0.16 for i = 0..255, uint16 and read-only.

    Each entry is raised by half of what interpolation lacks at mid-step; the last is 65535.
    """
    ends = 65536 / (1 + np.exp(-np.arange(257) / 24))
    middle = 65536 / (1 + np.exp(-np.arange(0.5, 256) / 24))
    raised = ends[:-1] + (middle - (ends[:-1] + ends[1:]) / 2) / 2
    raised[-1] = 65535
    return _frozen(np.floor(raised + 0.5).astype(np.uint16))


@functools.cache
def exp_table() -> Array:
    """exp(x) in Q0.15 at the ends of 512 steps of x in [-10, 0], int16[513], read-only."""
    scale = np.float32(10) / np.float32(65535)
    return _step_table(np.exp, np.float32(-65535) * scale, np.float32(0))


@functools.cache
def one_over_one_plus_x_table() -> Array:
    """1 / (1 + x) in Q0.15 at the ends of 512 steps of x in [0, 1], int16[513], read-only."""
    scale = np.float32(1) / np.float32(65535)
    return _step_table(lambda x: 1 / (1 + x), np.float32(0), np.float32(65535) * scale)


def look_up(x: Array, table: Array) -> Array:
    """A 513-entry table at x in the range of int16: linear between entries, int64 out."""
    value = np.asarray(x, np.int64)
    wide = table.astype(np.int64)
    index = 256 + (value >> 7)
    base = wide[index]
    return base + (((wide[index + 1] - base) * (value & 0x7F) + 64) >> 7)


def sigmoid_table_factor(x: TensorType, power_of_two_shifts: tuple[int, ...]) -> Factor:
    """(multiplier, right shift) from int16 x to the units of the sigmoid table, 1 / 12288.

    Exact where x's scale is 2**(shift - 12) with `shift` in `power_of_two_shifts`: 0 for logistic,
    0 and 1 for tanh. Otherwise the multiplier has at most 15 bits and is cut, not rounded.
    """
    power = log2_if_near(x.scale)
    if power is not None and power + 12 in power_of_two_shifts:
        return 3 << (power + 12), 0
    real, shift = x.scale * 4096.0 * 3.0, 0
    while real <= 32767.0 / 2.0 and shift <= 30:
        real, shift = real * 2.0, shift + 1
    return int(real), shift


def logistic_int16(x: Array, factor: Factor) -> Array:
    """1 / (1 + exp(-x)) in Q0.15, int64 out, for int16 x and a `sigmoid_table_factor`."""
    value = _table_units(x, factor)
    result = _interpolate(np.abs(value), 9)
    mirrored = np.where(value >= 0, result + (1 << 9), (1 << 25) - result + (1 << 9) - 1)
    return mirrored >> 10


def tanh_int16(x: Array, factor: Factor) -> Array:
    """tanh(x) in Q0.15, int64 out, for int16 x and a `sigmoid_table_factor`.

    tanh(x) = 2 * sigmoid(2 * x) - 1.
    """
    value = _table_units(x, factor)
    above_half = _interpolate(np.abs(value), 8) - (1 << 23)
    return (np.where(value >= 0, above_half, -above_half - 1) + (1 << 7)) >> 8


def log2_if_near(scale: float) -> int | None:
    """The whole logarithm of `scale` to base 2, or None where it is further than 0.001 from one.

    In float32, as TFLM does.
    """
    exact = np.float32(math.log(scale)) * (np.float32(1) / np.float32(math.log(2)))
    whole = round_half_away(float(exact))
    return whole if abs(exact - np.float32(whole)) < np.float32(1e-3) else None


def _table_units(x: Array, factor: Factor) -> Array:
    multiplier, shift = factor
    half = (1 << shift) >> 1
    return (np.asarray(x, np.int64) * multiplier + half) >> shift


def _interpolate(magnitude: Array, fraction_bits: int) -> Array:
    """The sigmoid of a magnitude in Q0.(16 + fraction_bits); the table's end saturates.

    The end is 32767 in Q0.15 at 9 fraction bits and 65535 in Q0.16 at 8.
    """
    table = sigmoid_table().astype(np.int64)
    whole = magnitude >> fraction_bits
    index = np.minimum(whole, 254)
    fraction = magnitude & ((1 << fraction_bits) - 1)
    result = (table[index] << fraction_bits) + fraction * (table[index + 1] - table[index])
    end = 0x7FFF << 10 if fraction_bits == 9 else 0xFFFF << 8
    return np.where(whole >= 255, end, result)


def _step_table(function: Callable[[Array], Array], low: np.float32, high: np.float32) -> Array:
    """Entries of `function` in Q0.15, each less half of the error that it makes at mid-step.

    All in float32 with ties away from zero; only `function` itself is computed in double.
    """
    unit = np.float32(2) / np.float32(65535)
    span = unit * np.float32(32767) - unit * np.float32(-32768)
    to_q15 = np.float32(65536) / span
    step = (high - low) / np.float32(_STEPS)
    left = low + np.arange(_STEPS + 1, dtype=np.float32) * step
    left[-1] = high

    def sample(x: Array) -> Array:
        return function(x.astype(np.float64)).astype(np.float32) * to_q15

    ends = sample(left)
    next_ends = sample(low + np.arange(1, _STEPS + 1, dtype=np.float32) * step)
    rounded = _round(ends)
    interpolated = _round((next_ends + rounded[:-1]) / np.float32(2))
    middle = _round(sample(left[:-1] + step / np.float32(2)))
    rounded[:-1] -= _round((interpolated - middle) / np.float32(2))
    return _frozen(np.clip(rounded, -32768, 32767).astype(np.int16))


def _round(x: Array) -> Array:
    """To nearest with ties away from zero, in float32."""
    return np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x).astype(np.float32)


def _frozen(table: Array) -> Array:
    table.setflags(write=False)
    return table
