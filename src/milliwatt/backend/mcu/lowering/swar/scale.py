# SPDX-License-Identifier: MIT
"""Rescaling sums to int8 with two 32-bit products, for cores that have no longer ones.

mw_scale_swar.h computes, from a sum a,

    f(a) = a * high + (((a >> DROPPED) * low) >> low_shift) + offset - (a < 0 ? fall : 0)
    y = least + (f(a) >> shift), clamped to least..most

Nothing in f falls as a rises, and nothing in the reference does. So both agree on every sum a layer
can have when they agree on both sides of each place where the reference steps: at most 255 places a
channel, all of which are checked here.

The reference rounds twice, the second time away from zero: below zero its steps lie elsewhere,
which `fall` follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.kernel import Table
from milliwatt.ir.types import Array, TensorType
from milliwatt.quant.arith import multiply_by_quantized_multiplier

DROPPED = 2
"""MW_SCALE_DROPPED of mw_scale_swar.h: low bits of a sum that its fine product leaves out."""

_PLAIN, _LIMITED, _EXACT = range(3)
"""MW_SCALE_PLAIN, MW_SCALE_LIMITED, MW_SCALE_EXACT of mw_scale_swar.h."""

_LARGEST = (1 << 31) - 1
_FACTOR_BITS = 16
_TRIALS = 100
"""Factors tried on either side of the nearest one."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums a layer can have, least and greatest by channel, and how the reference scales them.

    A sum becomes `y_zero` plus the scaled sum, clamped to least..most.
    """

    lowest: Array
    highest: Array
    multiplier: Array
    shift: Array
    y_zero: int
    least: int
    most: int

    def output(self, sums: Array) -> Array:
        """What the reference makes of sums[channel, ...], less `least`."""
        factors = self.multiplier[:, None], self.shift[:, None]
        scaled = multiply_by_quantized_multiplier(sums, *factors) + self.y_zero
        return np.asarray(np.clip(scaled, self.least, self.most) - self.least)

    @property
    def ends(self) -> Array:
        """The least and the greatest sum: [channel, 2]."""
        return np.stack([self.lowest, self.highest], axis=1)

    def merged(self) -> Sums | None:
        """One channel with the sums of all; None where they are not scaled alike."""
        if (self.multiplier != self.multiplier[0]).any() or (self.shift != self.shift[0]).any():
            return None
        return replace(
            self,
            lowest=self.lowest.min(keepdims=True),
            highest=self.highest.max(keepdims=True),
            multiplier=self.multiplier[:1],
            shift=self.shift[:1],
        )

    def wrap(self) -> bool:
        """Whether a sum leaves 32 bits where a factor of 1 or more shifts it left first."""
        left = np.clip(self.shift, 0, 31).astype(np.int64)
        return bool((np.abs(self.ends).max(axis=1) << left).max() >= 1 << 31)

    def constant(self) -> Array:
        """Which channels have one output whatever the input; all sums must fit 32 bits."""
        outputs = self.output(self.ends)
        return np.asarray(outputs[:, 0] == outputs[:, 1])


@dataclass(frozen=True, slots=True)
class Scale:
    """The factors and offsets of f, by channel, and the shifts that all channels share.

    Sums are first cut to -limit..limit where a limit is given.
    """

    high: Array
    low: Array
    offset: Array
    fall: Array
    low_shift: int
    shift: int
    limit: Array | None = None

    @property
    def step(self) -> int:
        """Words of the table from a channel to the next; 0 where one set serves all."""
        return 0 if len(self.high) == 1 else 2 + self.falls + (self.limit is not None)

    @property
    def falls(self) -> bool:
        """Whether any channel has a `fall`."""
        return bool(self.fall.any())

    @property
    def treatment(self) -> int:
        """How sums are treated, as mw_scale_swar.h numbers it."""
        return _PLAIN if self.limit is None else _LIMITED

    def f(self, sums: Array) -> Array:
        """f of sums[channel, ...] that are within their limit."""
        fine = ((sums >> DROPPED) * self.low[:, None]) >> self.low_shift
        fall = np.where(sums < 0, self.fall[:, None], 0)
        return np.asarray(sums * self.high[:, None] + fine + self.offset[:, None] - fall)

    def table(self, channels: int) -> Table:
        """For every channel its factors in a word, offset, then falls and limits if there are any.

        Filled up with zeros to `channels` where the channels have their own.
        """
        factors = (self.high | (self.low << _FACTOR_BITS)).astype(np.uint32).view(np.int32)
        columns = [factors, self.offset]
        columns += [self.fall] if self.falls else []
        columns += [] if self.limit is None else [self.limit]
        words = np.stack(columns, 1).astype(np.int32)
        absent = channels - len(words) if self.step else 0
        return Table("scales", np.pad(words, ((0, absent), (0, 0))).reshape(-1), "constants")


@dataclass(frozen=True, slots=True)
class ExactScale:
    """The reference's own multipliers and shifts, for sums that no factors suit."""

    multiplier: Array
    exponent: Array
    offset: int
    falls: bool = False
    treatment: int = _EXACT
    low_shift: int = 0
    shift: int = 0

    @property
    def step(self) -> int:
        """Words of the table from a channel to the next."""
        return 3

    def table(self, channels: int) -> Table:
        """For every channel multiplier, shift, and the zero point less the least output."""
        offset = np.full_like(self.multiplier, self.offset)
        words = np.stack([self.multiplier, self.exponent, offset], 1).astype(np.int32)
        filled = np.pad(words, ((0, channels - len(words)), (0, 0)))
        return Table("scales", filled.reshape(-1), "constants")


def exact_scale(sums: Sums) -> ExactScale:
    """What always serves."""
    return ExactScale(sums.multiplier, sums.shift, sums.y_zero - sums.least)


def sums_of(
    weights: Array,
    bias: Array,
    factors: tuple[Array, Array],
    y: TensorType,
    clamp: tuple[int, int],
) -> Sums:
    """The sums of int8 inputs with weights[channel, tap], each channel's bias added."""
    positive = np.maximum(weights, 0).sum(axis=1)
    negative = np.minimum(weights, 0).sum(axis=1)
    return Sums(
        bias + 127 * negative - 128 * positive,
        bias + 127 * positive - 128 * negative,
        *factors,
        y.zero_point,
        *clamp,
    )


def fit_scale(sums: Sums) -> Scale | None:
    """Factors with which f equals the reference for every sum; None where none are found.

    Sums far beyond those that saturate leave few bits for the factors: where no factors are found,
    they are cut first. Channels with one output have factors of 0, which suits any sum. Where all
    channels are scaled alike, one set of factors serves all if there is one.
    """
    if sums.wrap():
        return None
    alike = sums.merged()
    found = None if alike is None else _fit_or_cut(alike)
    return _fit_or_cut(sums) if found is None else found


def _fit_or_cut(sums: Sums) -> Scale | None:
    found = _fit(sums)
    if found is not None:
        return found
    limit = _limits(sums)
    cut = replace(
        sums,
        lowest=np.clip(sums.lowest, -limit, limit),
        highest=np.clip(sums.highest, -limit, limit),
    )
    found = _fit(cut)
    if found is None or (cut.output(cut.ends) != sums.output(sums.ends)).any():
        return None
    return replace(found, limit=limit)


def _limits(sums: Sums) -> Array:
    """For each channel a magnitude beyond which its output no longer changes."""
    steps = _steps(sums)
    inside = (steps > sums.lowest[:, None]) & (steps <= sums.highest[:, None])
    return np.asarray(np.where(inside, np.abs(steps) + 1, 0).max(axis=1, initial=0))


def _fit(sums: Sums) -> Scale | None:
    constant = sums.constant()
    reach = int(np.where(constant, 0, np.abs(sums.ends).max(axis=1)).max())
    if reach >= 1 << 29:
        return None
    low_shift = min(31 - reach.bit_length(), _FACTOR_BITS - DROPPED)
    slopes = np.where(constant, 0.0, sums.multiplier * 2.0 ** (sums.shift - 31.0))
    shift = _output_shift(sums, slopes)
    if shift is None:
        return None
    scale = _search(sums, slopes, constant, low_shift, shift)
    return scale if scale is not None and _agrees(sums, scale, constant) else None


def _output_shift(sums: Sums, slopes: Array) -> int | None:
    """The most fraction bits with which every sum's f fits a word, and every factor its half."""
    ends = np.abs(sums.ends).max(axis=1) * slopes
    for shift in range(23, 7, -1):
        unit = 2.0**shift
        if (ends.max() + 400) * unit < _LARGEST and slopes.max() * unit < (1 << _FACTOR_BITS) - 1:
            return shift
    return None


def _search(sums: Sums, slopes: Array, constant: Array, low_shift: int, shift: int) -> Scale | None:
    """Try, for each channel, the factors nearest to its slope until offsets are found for one."""
    fine_bits = low_shift + DROPPED
    nearest = np.rint(slopes * 2.0 ** (shift + fine_bits)).astype(np.int64)
    steps = _steps(sums)
    middle = (2 * sums.output(sums.lowest[:, None])[:, 0] + 1) << (shift - 1)
    chosen = np.stack([np.zeros_like(nearest), middle, np.zeros_like(nearest)], axis=1)
    left = np.flatnonzero(~constant)
    for trial in range(2 * _TRIALS + 1):
        if not left.size:
            break
        change = (trial + 1) // 2 * (1 if trial % 2 else -1)
        tried = np.maximum(nearest[left] + change, 0)
        found, offset, fall = _offsets(sums, steps[left], left, tried, (low_shift, shift))
        chosen[left[found]] = np.stack([tried, offset, fall], axis=1)[found]
        left = left[~found]
    if left.size:
        return None
    factor, offset, fall = chosen.T
    low = factor & ((1 << fine_bits) - 1)
    return Scale(factor >> fine_bits, low, offset, fall, low_shift, shift)


def _steps(sums: Sums) -> Array:
    """For each channel and each output least + 1..most, the least sum that gives at least it.

    Cut to the channel's own sums; one above the highest where none gives it.
    """
    k = np.arange(sums.least + 1, sums.most + 1) - sums.y_zero
    power = np.minimum(-np.minimum(sums.shift, 0).astype(np.int64), 40)[:, None]
    # Ties of the second rounding go away from zero: below zero they stay under the step.
    first = (k << power) - ((np.int64(1) << power) >> 1) + ((k <= 0) & (power > 0))
    first = np.clip(first, -(np.int64(1) << 31), np.int64(1) << 31)
    multiplier = np.maximum(sums.multiplier.astype(np.int64), 1)[:, None]
    # With a factor of 1 or more the sum is shifted left first, and rounded once.
    multiplier = multiplier << np.minimum(np.maximum(sums.shift, 0), 30).astype(np.int64)[:, None]
    least = -(((1 << 30) - first * (1 << 31)) // multiplier)
    return np.clip(least, sums.lowest[:, None], sums.highest[:, None] + 1)


def _offsets(
    sums: Sums, steps: Array, channels: Array, factors: Array, shifts: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Offsets and falls with which f steps where the reference does, and where there are some.

    A sum that has reached output k needs f >= k << shift, one below that step f < k << shift.
    """
    low_shift, shift = shifts
    fine_bits = low_shift + DROPPED
    zero = np.zeros_like(factors)
    bare = Scale(
        factors >> fine_bits, factors & ((1 << fine_bits) - 1), zero, zero, low_shift, shift
    )
    k = np.arange(1, sums.most - sums.least + 1, dtype=np.int64) << shift
    reached, missed = steps, steps - 1
    at_least = k - bare.f(reached)
    at_most = k - 1 - bare.f(missed)
    exists = reached <= sums.highest[channels][:, None]
    below = missed >= sums.lowest[channels][:, None]
    sides: list[tuple[Array, Array]] = []
    for negative in (False, True):
        low = np.where(exists & ((reached < 0) == negative), at_least, -_FAR).max(1, initial=-_FAR)
        high = np.where(below & ((missed < 0) == negative), at_most, _FAR).min(1, initial=_FAR)
        sides.append((low, high))
    return _meet(*sides)


_FAR = np.int64(1) << 40


def _meet(above: tuple[Array, Array], below: tuple[Array, Array]) -> tuple[Array, Array, Array]:
    """One offset for both signs where the ranges allow it, else one for each."""
    low = np.maximum(above[0], below[0])
    high = np.minimum(above[1], below[1])
    alike = low <= high
    possible = (above[0] <= above[1]) & (below[0] <= below[1])
    offset = np.where(alike, _between(low, high), _between(*above))
    fall = np.where(alike, 0, offset - _between(*below))
    return possible & (fall >= 0), offset, fall


def _between(low: Array, high: Array) -> Array:
    """The middle of a range that may be open on one side."""
    middle = (low + high) >> 1
    middle = np.where(low == -_FAR, high, middle)
    return np.asarray(np.where(high == _FAR, np.where(low == -_FAR, 0, low), middle))


def _agrees(sums: Sums, scale: Scale, constant: Array) -> bool:
    """Whether no product or sum of f leaves 32 bits, and it equals the reference.

    Products are largest at a channel's ends; the outputs are compared there and on both sides of
    every step.
    """
    ends = np.where(constant[:, None], 0, sums.ends)
    coarse = ends * scale.high[:, None]
    fine = (ends >> DROPPED) * scale.low[:, None]
    both = coarse + (fine >> scale.low_shift)
    shifted = both + scale.offset[:, None]
    parts = (coarse, fine, both, shifted, scale.f(ends), scale.offset, scale.fall)
    if max(int(np.abs(part).max()) for part in parts) > _LARGEST:
        return False
    steps = _steps(sums)
    tested = np.concatenate([steps, steps - 1, sums.ends], axis=1)
    tested = np.clip(tested, sums.lowest[:, None], sums.highest[:, None])
    tried = np.where(constant[:, None], 0, tested)
    y = np.clip(scale.f(tried) >> scale.shift, 0, sums.most - sums.least)
    return bool((y == sums.output(tested)).all() and scale.high.max() < 1 << _FACTOR_BITS)
