# SPDX-License-Identifier: MIT
"""Constants laid out for the DSP kernels' loops, and when their arithmetic is exact.

A "pair" is two int8 inputs widened to int16 in one word, multiplied with two weights by SMLAD.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Lowered, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import constant, weight_zero
from milliwatt.ir.types import Array, TensorType
from milliwatt.quant.arith import multiply_by_quantized_multiplier, wrap_int32
from milliwatt.units import align_up

NONE = -1
"""In a pair: no second element."""


@dataclass(frozen=True, slots=True)
class DspKernel:
    """A kernel for cores with the DSP instructions: what it accepts, and how it is called."""

    name: str
    header: str
    accepts: Callable[[Site], bool]
    build: Callable[[Site], Lowered]

    def supports(self, site: Site, core: Core) -> bool:
        """Whether the core has the instructions and the site is one of this kernel's."""
        return core.dsp and self.accepts(site)

    def lower(self, site: Site) -> Lowered:
        """The call."""
        return self.build(site)


@dataclass(frozen=True, slots=True)
class Filters:
    """A layer's parameters, the input's zero point folded away.

    Output channel c is `bias[c]` plus the sum of `weights[c, k]` times input k, rescaled by
    `multiplier[c]` and `shift[c]`. `weights` are int8 values less their zero point.
    """

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array


def folded_filters(site: Site, weights: Array, factors: tuple[Array, Array]) -> Filters:
    """The parameters of a site whose constant weights are given as [channels, taps]."""
    centred = weights.astype(np.int64) - weight_zero(site)
    bias = constant(site, 2).astype(np.int64) - site.inputs[0].zero_point * centred.sum(axis=1)
    filters = Filters(centred, bias, *factors)
    if is_exact(filters) and can_pack(filters):
        return filters
    return _with_plain_constants(filters, site.outputs[0])


def _with_plain_constants(filters: Filters, y: TensorType) -> Filters:
    """`filters`, with channels whose output never changes made to say so simply.

    Channels that training left dead have huge biases and tiny factors, which would forbid packing
    or the whole kernel. With weights 0, bias 4 * v and the factor 1/4 the result is v.
    """
    positive = np.maximum(filters.weights, 0).sum(axis=1)
    negative = np.minimum(filters.weights, 0).sum(axis=1)
    lowest = filters.bias + 127 * negative - 128 * positive
    highest = filters.bias + 127 * positive - 128 * negative
    factors = filters.multiplier, filters.shift
    low, high = (multiply_by_quantized_multiplier(s, *factors) for s in (lowest, highest))
    ends = [np.clip(v, *_scaled_range(y)) for v in (low, high)]
    in_range = (lowest >= -(1 << 31)) & (highest < 1 << 31) & (filters.shift <= 0)
    fixed = (ends[0] == ends[1]) & in_range
    return Filters(
        np.where(fixed[:, None], 0, filters.weights),
        np.where(fixed, 4 * ends[0], filters.bias),
        np.where(fixed, 1 << 30, filters.multiplier),
        np.where(fixed, -1, filters.shift),
    )


def _scaled_range(y: TensorType) -> tuple[int, int]:
    """What a rescaled sum can be, once the zero point is added and the result saturated."""
    low, high = y.dtype.integer_range
    return low - y.zero_point, high - y.zero_point


def is_exact(filters: Filters) -> bool:
    """Whether `mw_requantize_s8_dsp` equals the reference for whatever the layer can be given.

    Sums must be small, and every right shift at least 1 (a multiplier of 0 needs none).
    """
    right = (filters.shift <= -1) | (filters.multiplier == 0)
    return has_small_sums(filters) and bool(right.all())


def is_rescaled_exactly(filters: Filters) -> bool:
    """Whether `mw_requantize_s8_scales`, told of left shifts, does so; they need room for the sums.

    Twice a sum, shifted as far to the left as its factor wants, must fit 32 bits.
    """
    shifted = _reach(filters) * 2.0 ** np.maximum(filters.shift, 0)
    return has_small_sums(filters) and bool(shifted.max() < 1 << 30)


def is_coarse(filters: Filters) -> bool:
    """Whether some channel's factor is 1/2 or more, so that it is rounded once."""
    return bool(((filters.shift >= 0) & (filters.multiplier != 0)).any())


def has_small_sums(filters: Filters) -> bool:
    """Whether centred weights fit int8, and sums, partial ones too, leave room to be doubled."""
    return bool(
        filters.weights.min() >= -128
        and filters.weights.max() <= 127
        and _reach(filters).max() < 1 << 30
    )


def pairs_of_runs(lengths: Sequence[int]) -> Array:
    """The elements each pair holds, as mw_widen_s8_dsp.h forms them: int array [pairs, 2].

    The input is a row of runs of these lengths, each widened by itself.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for length in lengths:
        whole = start + length // 4 * 4
        for k in range(start, whole, 4):
            found += [(k, k + 2), (k + 1, k + 3)]
        rest = range(whole, start + length)
        found += [(k, k + 1 if k + 1 in rest else NONE) for k in rest[::2]]
        start += length
    return np.array(found, np.int64).reshape(-1, 2)


def paired(weights: Array, pairs: Array) -> Array:
    """weights[channels, taps] in the order of `pairs`: [channels, pairs, 2], 0 for no element."""
    padded = np.concatenate([weights, np.zeros_like(weights[:, :1])], axis=1)
    return padded[:, pairs]


def can_pack(filters: Filters) -> bool:
    """Whether the channels' weights can be packed two to a number (mw_channel_pair_dsp.h)."""
    even, odd = by_twos(filters.weights)
    reach = even_channels(_reach(filters))[1::2]
    return bool((256 * odd + even).min() >= -(1 << 15) and reach.max() < 1 << 23)


def has_one_scale(filters: Filters) -> bool:
    """Whether all channels are rescaled alike."""
    same_multiplier = (filters.multiplier == filters.multiplier[0]).all()
    return bool(same_multiplier and (filters.shift == filters.shift[0]).all())


def channel_pair_words(
    filters: Filters, pairs: Array, packed: bool, starts: Array | None = None
) -> Table:
    """Weights and biases as mw_matmul_s8_4px reads them.

    For every two channels: `starts` (int32 array [channel pairs, any]), by default their biases;
    then one word for each of `pairs`, as mw_channel_pair_dsp.h describes them. An absent last
    channel is all zeros.
    """
    before = _pair_biases(filters, packed) if starts is None else starts
    words = np.concatenate([before, _pair_words(filters, pairs, packed)], axis=1)
    return Table("weights", words.reshape(-1))


def four_channel_words(filters: Filters, packed: bool) -> Table:
    """Weights and biases as mw_fully_connected_s8 reads them.

    For every four channels (two, where no more are left): their biases, then for each pair of
    inputs the words of both channel pairs.
    """
    depth = filters.weights.shape[1]
    pairs = np.arange(align_up(depth, 4)).reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1, 2)
    pairs = np.where(pairs < depth, pairs, NONE)
    biases, words = _pair_biases(filters, packed), _pair_words(filters, pairs, packed)
    blocks: list[Array] = []
    for start in range(0, len(words), 2):
        blocks += [biases[start : start + 2].reshape(-1), words[start : start + 2].T.reshape(-1)]
    return Table("weights", np.concatenate(blocks))


def _pair_words(filters: Filters, pairs: Array, packed: bool) -> Array:
    """One word for each two channels and each of `pairs`: int32 array [channel pairs, pairs]."""
    even, odd = by_twos(paired(filters.weights, pairs))
    halves = 256 * odd + (even if packed else even & 255)
    return ((halves[..., 0] & 0xFFFF) | (halves[..., 1] << 16)).astype(np.int32)


def _pair_biases(filters: Filters, packed: bool) -> Array:
    """The sums' starting values: int32 array [channel pairs, 2]."""
    even, odd = by_twos(filters.bias)
    return wrap_int32(np.stack([even, 256 * odd + even if packed else odd], axis=1)).astype(
        np.int32
    )


def scale_words(filters: Filters, channels: int | None = None) -> Table:
    """For every channel (or the first `channels`) its multiplier and divisor -2**(32 + shift).

    Of an odd number of channels one more, which is never used, makes an even number.
    """
    divisor = -(np.int64(1) << exponents(filters))
    words = np.stack([filters.multiplier, divisor], axis=1).astype(np.int32)
    kept = even_channels(words) if channels is None else words[:channels]
    return Table("scales", kept.reshape(-1), "constants")


SECOND_SHIFT = 8
"""Where in a word of shifts the second one stands."""


def coarse_words(filters: Filters, channels: int | None = None) -> Table:
    """As `scale_words`; of a coarse layer a word of left shifts in between (mw_scale_words)."""
    plain = scale_words(replace(filters, shift=np.minimum(filters.shift, -1)), channels)
    if not is_coarse(filters):
        return plain
    once = (filters.shift >= 0) & (filters.multiplier != 0)
    shifts = np.where(once, filters.shift | (1 << SECOND_SHIFT), 0)
    words = plain.data.reshape(-1, 2)
    between = np.zeros(max(len(words), len(shifts)), np.int32)
    between[: len(shifts)] = shifts
    between = between[: len(words)]
    return replace(plain, data=np.column_stack([words[:, 0], between, words[:, 1]]).reshape(-1))


def brief_words(filters: Filters) -> Table | None:
    """For every two channels biases with divisors' exponents, then multipliers.

    None where biases have no room for five bits more, or a channel is shifted to the left.
    """
    if not is_exact(filters) or (np.abs(filters.bias) >= 1 << 26).any():
        return None
    starts = by_twos(32 * filters.bias + exponents(filters))
    words = np.stack([*starts, *by_twos(filters.multiplier)], axis=1)
    count = len(filters.bias)
    return Table("scales", words.astype(np.int32).reshape(-1), "constants", weight_bytes=4 * count)


def exponents(filters: Filters) -> Array:
    """For each channel 32 + shift, 1 to 31; anything where the multiplier is 0."""
    return np.where(filters.multiplier == 0, 30, 32 + filters.shift)


def multipliers(filters: Filters) -> Table:
    """The multipliers alone."""
    return Table("scales", filters.multiplier.astype(np.int32), "constants")


def _reach(filters: Filters) -> Array:
    """For each channel, what no sum or partial sum exceeds."""
    return np.abs(filters.bias) + 128 * np.abs(filters.weights).sum(axis=1)


def by_twos(values: Array) -> tuple[Array, Array]:
    """The even and the odd channels of `values`, equally many."""
    full = even_channels(values)
    return full[0::2], full[1::2]


def even_channels(values: Array) -> Array:
    """`values` with a zero channel appended where their number is odd."""
    if len(values) % 2 == 0:
        return values
    return np.concatenate([values, np.zeros_like(values[:1])])
