# SPDX-License-Identifier: MIT
"""Requantisation with one multiplication and one rounding, where it is proved equal.

The reference rounds twice, and needs a multiplier and a shift for each channel. As long as the sum
s of a channel stays where the layer can bring it, the same outputs come from

    saturate((zero_point * 2**10 + 2**9 + (256 * s + bias) * multiplier / 2**32) / 2**10)

with both quotients rounded down. An output is at least k exactly when its sum is at least some
T(k), and T says everything about a channel. So a multiplier and a bias are right if their T is the
reference's: two bounds on the bias for each k, both moved by the multiplier alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Table
from milliwatt.backend.mcu.lowering.dsp.layout import Filters, by_twos
from milliwatt.errors import VerifyError
from milliwatt.ir.types import Array
from milliwatt.quant.arith import multiply_by_quantized_multiplier
from milliwatt.units import align_up

FRACTION_BITS = 8
"""Of the bias, below a unit of the sum."""
RESULT_BITS = 10
"""Of the product's high word, below a unit of the output."""
LARGE_RESULT_BITS = 5
"""The same for factors of up to 4."""
FINE_RESULT_BITS = 16
"""The same for factors below 2**-9."""
_GREATEST = (1 << 31) - 1
_TRIES = 64


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a channel's output reaches each of `outputs`, counted from the zero point.

    It is at least outputs[k] from the sum `sums[c, k]` on: `lowest[c]` where it always is,
    `highest[c]` + 1 where it never is. Sums are without bias, and never leave lowest..highest.
    """

    outputs: Array
    sums: Array
    lowest: Array
    highest: Array


@dataclass(frozen=True, slots=True)
class Short:
    """Biases with a shift in the lowest three bits, and mantissas: uint8 array [channels, 3].

    A multiplier is the mantissa shifted to the left.
    """

    bias: Array
    mantissa: Array

    def by_kind(self) -> Table:
        """All biases, then all mantissas; a byte more can be read."""
        data = np.concatenate([_words_of(self.bias), self.mantissa.reshape(-1)])
        return _byte_table("bias", data, len(self.bias))

    def by_pairs(self) -> Table:
        """For every two channels their biases, then their mantissas; a byte more can be read."""
        bias = np.stack(by_twos(self.bias), axis=1)
        mantissa = np.concatenate(by_twos(self.mantissa), axis=1)
        data = np.concatenate([_words_of(bias).reshape(-1, 8), mantissa], axis=1)
        return _byte_table("scales", data.reshape(-1), len(self.bias))


def _words_of(values: Array) -> Array:
    """The bytes of 32-bit numbers."""
    return np.ascontiguousarray(values, "<i4").reshape(-1).view(np.uint8)


def _byte_table(name: str, data: Array, channels: int) -> Table:
    """Constants with one bias a channel among them, and a byte or more behind them."""
    padded = np.zeros(align_up(len(data) + 1, 4), np.uint8)
    padded[: len(data)] = data
    return Table(name, padded.view("<i4").astype(np.int32), "constants", weight_bytes=4 * channels)


@dataclass(frozen=True, slots=True)
class OneRounding:
    """Multiplier and bias of every channel, int64 arrays of 32-bit numbers."""

    multiplier: Array
    bias: Array

    def scales(self) -> Table:
        """The multipliers."""
        return Table("scales", self.multiplier.astype(np.int32), "constants")

    def short(self) -> Short | None:
        """Multipliers of three bytes; None where one has more bits, or a bias leaves no room."""
        shift = np.maximum(np.frexp(self.multiplier.astype(float))[1] - 24, 0)
        if (self.multiplier & ((1 << shift) - 1)).any() or (np.abs(self.bias) >= 1 << 28).any():
            return None
        words = (self.multiplier >> shift).astype("<u4").view(np.uint8).reshape(-1, 4)
        return Short(8 * self.bias + shift, words[:, :3])

    def pair_starts(self) -> Array:
        """What the mixed sums of every two channels start with: int32 array [channel pairs, 1]."""
        return by_twos(self.bias)[1][:, None].astype(np.int32)

    def pair_scales(self) -> Table:
        """For every two channels the even one's bias and multiplier, the odd one's multiplier."""
        even, odd = by_twos(self.multiplier)
        words = np.stack([by_twos(self.bias)[0], even, odd], axis=1)
        data = words.astype(np.int32).reshape(-1)
        return Table("scales", data, "constants", weight_bytes=4 * len(words))


def offset_of(zero_point: int, result_bits: int = RESULT_BITS) -> int:
    """What is added to the high words of the products: the zero point and a half."""
    return (zero_point << result_bits) + (1 << result_bits - 1)


def one_rounding(
    filters: Filters,
    zero_point: int,
    low: int,
    high: int,
    mantissa_bits: int = 31,
    fraction_bits: int = FRACTION_BITS,
    result_bits: int = RESULT_BITS,
) -> OneRounding | None:
    """The constants of a layer whose outputs are clamped to low..high, None if a channel has none.

    Multipliers have no more than `mantissa_bits` bits between their first 1 and their last.
    A channel has none where sums may leave 32 bits, where rounding negative numbers away from zero
    shows (so the lowest output should be the zero point, as after a RELU), and where its factor is
    1/8 or more. A kernel given 2**j times the weights has j `fraction_bits` more; then factors may
    be 2**j times larger. With j `result_bits` less they may, too; multipliers then have fewer bits.
    """
    if _wraps(filters):
        return None
    wanted = thresholds(filters, zero_point, low, high)
    nominal = filters.multiplier.astype(float) * 2.0 ** (
        filters.shift + result_bits + 32 - 31 - fraction_bits
    )
    multiplier = _cut(np.clip(np.rint(nominal), 1, _GREATEST).astype(np.int64), mantissa_bits)
    bias = np.zeros_like(multiplier)
    open_channels = np.arange(len(multiplier))
    least, most = np.ones_like(multiplier), np.full_like(multiplier, _GREATEST)
    for _ in range(_TRIES):
        bounds = _bias_bounds(wanted, multiplier, open_channels, 1 << fraction_bits, result_bits)
        found = bounds.least <= bounds.most
        bias[open_channels[found]] = np.clip(0, bounds.least[found], bounds.most[found])
        open_channels = open_channels[~found]
        if not len(open_channels):
            return OneRounding(multiplier, bias)
        _narrow(bounds, ~found, multiplier, least, most, open_channels)
        if (least > most)[open_channels].any():
            return None
        multiplier[open_channels] = _cut((least + most)[open_channels] >> 1, mantissa_bits)
    return None


def _wraps(filters: Filters) -> bool:
    """Whether a sum may leave 32 bits, where a factor of 1 or more shifts it to the left first."""
    reach = np.abs(filters.bias) + 128 * np.abs(filters.weights).sum(axis=1)
    return bool((reach << np.clip(filters.shift, 0, 30)).max() >= 1 << 31)


def _cut(values: Array, bits: int) -> Array:
    """`values`, positive, to nearest with that many bits, or below where that is 2**31."""
    shift = np.maximum(np.frexp(values.astype(float))[1] - bits, 0)
    rounded = values + ((1 << shift) >> 1) >> shift << shift
    return np.where(rounded > _GREATEST, values >> shift << shift, rounded)


def thresholds(filters: Filters, zero_point: int, low: int, high: int) -> Thresholds:
    """Every output of low + 1 ... high, and the least sum that brings each channel there."""
    weights, bias = filters.weights, filters.bias[:, None]
    lowest = np.minimum(127 * weights, -128 * weights).sum(axis=1)
    highest = np.maximum(127 * weights, -128 * weights).sum(axis=1)
    outputs = np.arange(low + 1, high + 1) - zero_point
    factors = filters.multiplier[:, None], filters.shift[:, None]

    def reached(sums: Array) -> Array:
        return np.asarray(multiply_by_quantized_multiplier(sums + bias, *factors) >= outputs)

    below, above = lowest[:, None] - 1, highest[:, None] + 1
    real = np.maximum(factors[0] * 2.0 ** (factors[1] - 31), 2.0**-62)
    guess = np.ceil((outputs - 0.5) / real - bias)
    sums = np.clip(guess, below + 1, above).astype(np.int64)
    for _ in range(64):
        step = (~reached(sums) & (sums < above)).astype(np.int64)
        step -= reached(sums - 1) & (sums > below + 1)
        if not step.any():
            return Thresholds(outputs, sums, lowest, highest)
        sums += step
    raise VerifyError("requantisation thresholds were not found")


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What the biases of some channels must lie between, and which outputs say so."""

    least: Array
    most: Array
    product_of_least: Array
    product_of_most: Array
    sum_of_least: Array
    sum_of_most: Array


def _bias_bounds(
    wanted: Thresholds, multiplier: Array, channels: Array, scale: int, result_bits: int
) -> _Bounds:
    """The last column of each table is the 32 bits that scale * s + bias must fit."""
    sums, lowest, highest = (
        v[channels] for v in (wanted.sums, wanted.lowest[:, None], wanted.highest[:, None])
    )
    products = (wanted.outputs << result_bits) - (1 << result_bits - 1) << 32
    products = np.broadcast_to(np.append(products, 0), (len(channels), len(products) + 1))
    first = -(-products // multiplier[channels, None])
    # From here on scale * s + bias must reach `first`, one unit of s below it must not.
    reaching = np.append(np.where(sums <= highest, scale * sums, _FAR), scale * lowest + _ROOM, 1)
    missing = np.append(
        np.where(sums > lowest, scale * (sums - 1) + 1, -_FAR), scale * highest - _ROOM + 1, 1
    )
    least, most = first - reaching, first - missing
    rows = np.arange(len(channels))
    at_least, at_most = least.argmax(axis=1), most.argmin(axis=1)
    return _Bounds(
        least[rows, at_least],
        most[rows, at_most],
        products[rows, at_least],
        products[rows, at_most],
        reaching[rows, at_least],
        missing[rows, at_most],
    )


_FAR = np.int64(1) << 50
_ROOM = np.int64(1) << 31


def _narrow(
    bounds: _Bounds,
    which: Array,
    multiplier: Array,
    least: Array,
    most: Array,
    channels: Array,
) -> None:
    """Raise `least` or lower `most` multiplier, where bounds contradict each other at `multiplier`.

    They can agree at m only if (product_of_most - product_of_least) / m is no more than 1 below
    sum_of_most - sum_of_least.
    """
    products = (bounds.product_of_most - bounds.product_of_least)[which]
    sums = (bounds.sum_of_most - bounds.sum_of_least)[which]
    tried = multiplier[channels]
    falls, rises = products > 0, products < 0
    quotient = products // np.where(sums == 1, 1, sums - 1)
    highest = np.where(falls & (sums > 1), np.minimum(quotient, tried - 1), tried - 1)
    lowest = np.where(sums < 1, np.maximum(quotient, tried + 1), _GREATEST + 1)
    most[channels] = np.where(falls, np.minimum(most[channels], highest), most[channels])
    least[channels] = np.where(rises, np.maximum(least[channels], lowest), least[channels])
    most[channels] = np.where(falls | rises, most[channels], 0)
