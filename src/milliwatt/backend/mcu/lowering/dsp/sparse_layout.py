# SPDX-License-Identifier: MIT
"""Weights of sparse layers as mw_sparse_8px and mw_sparse_1px read them.

Only pairs of weights that are not both zero are stored. Which pairs of inputs there are to meet
them is a `Form`: each input once, or, for weights pruned N of M, every pair that can be needed.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Table
from milliwatt.backend.mcu.lowering.dsp.layout import Filters, paired, pairs_of_runs
from milliwatt.ir.types import Array, TensorType
from milliwatt.quant.arith import multiply_by_quantized_multiplier

FARTHEST = 255
"""Pairs that one stored pair's distance to the next can bridge."""
_POSITION_BYTES = 32
"""Bytes between a pair of eight pixels and the next."""


class Form(enum.Enum):
    """Which pairs of inputs a kernel makes (mw_expand_s8_dsp.h)."""

    PAIRS = 0
    TWO_OF_FOUR = 1
    ONE_OF_FOUR = 2


_GROUPS = {
    Form.TWO_OF_FOUR: np.array([[i, j] for i in range(4) for j in range(i + 1, 4)]),
    Form.ONE_OF_FOUR: np.array([[i, 4 + j] for i in range(4) for j in range(4)]),
}
_GROUP_SIZE = {Form.TWO_OF_FOUR: 4, Form.ONE_OF_FOUR: 8}


def expanded_pairs(lengths: Sequence[int], form: Form) -> Array:
    """The inputs of each pair, as mw_expand_s8 makes them of runs: int array [pairs, 2]."""
    if form is Form.PAIRS:
        return pairs_of_runs(lengths)
    starts = np.arange(0, sum(lengths), _GROUP_SIZE[form])
    return (starts[:, None, None] + _GROUPS[form]).reshape(-1, 2)


def can_expand(weights: Array, lengths: Sequence[int], form: Form) -> bool:
    """Whether pairs of that form meet every weight of weights[channels, taps]."""
    if form is Form.PAIRS:
        return True
    if any(length % _GROUP_SIZE[form] for length in lengths):
        return False
    groups = (weights != 0).reshape(weights.shape[0], -1, 4).sum(axis=2)
    return bool(groups.max() <= (2 if form is Form.TWO_OF_FOUR else 1))


@dataclass(frozen=True, slots=True)
class StoredPairs:
    """One channel's stored pairs, in order: where their inputs are, and their weights."""

    positions: Array
    weights: Array


def stored_pairs(weights: Array, lengths: Sequence[int], form: Form) -> list[StoredPairs]:
    """For each channel of weights[channels, taps] the pairs that meet its non-zero weights."""
    pairs = expanded_pairs(lengths, form)
    if form is Form.PAIRS:
        return [_of_pairs(halves) for halves in paired(weights, pairs)]
    return [_of_groups(row, pairs, form) for row in weights]


def _of_pairs(halves: Array) -> StoredPairs:
    held = halves.any(axis=1)
    return StoredPairs(np.flatnonzero(held), halves[held])


def _of_groups(weights: Array, pairs: Array, form: Form) -> StoredPairs:
    """Of each group of inputs the first pair that holds all its weights."""
    per_group = len(_GROUPS[form])
    halves = weights[pairs].reshape(-1, per_group, 2)
    held = np.count_nonzero(halves, axis=2)
    best = held.argmax(axis=1)
    groups = np.flatnonzero(held.max(axis=1))
    return StoredPairs(groups * per_group + best[groups], halves[groups, best[groups]])


def sparse_words(
    filters: Filters, y: TensorType, low_high: tuple[int, int], stored: Sequence[StoredPairs]
) -> Table:
    """Position of the first pair, bias, pairs of each channel; or -1 and what it always gives."""
    constants = np.clip(
        multiply_by_quantized_multiplier(filters.bias, filters.multiplier, filters.shift)
        + y.zero_point,
        *low_high,
    )
    words: list[int] = []
    for bias, constant, channel in zip(filters.bias, constants, stored, strict=True):
        if len(channel.positions):
            words += [_POSITION_BYTES * int(channel.positions[0]), int(bias)]
            words += _pair_words(channel)
        else:
            words += [-1, int(constant)]
    return Table("weights", np.array(words, np.int64).astype(np.int32))


def sparse_scales(filters: Filters, stored: Sequence[StoredPairs]) -> Table:
    """Multiplier and divisor -2**(32 + shift) of each channel that has weights."""
    exponent = np.where(filters.multiplier == 0, 30, 32 + filters.shift)
    words = np.stack([filters.multiplier, -(np.int64(1) << exponent)], axis=1)
    used = [len(channel.positions) > 0 for channel in stored]
    kept = words[used] if any(used) else words[:1]
    return Table("scales", kept.reshape(-1).astype(np.int32), "constants")


def _pair_words(channel: StoredPairs) -> list[int]:
    """Weights in bytes 0 and 2, the distance to the next pair in byte 1; 0 ends the channel."""
    words: list[int] = []
    ends = [*channel.positions[1:], channel.positions[-1]]
    for at, following, (first, second) in zip(
        channel.positions, ends, channel.weights, strict=True
    ):
        left = int(following) - int(at)
        word = (int(first) & 255) | (int(second) & 255) << 16
        while left > FARTHEST:
            words.append(word | FARTHEST << 8)
            word, left = 0, left - FARTHEST
        words.append(word | left << 8)
    return words


def count_pairs(weights: Array, lengths: Sequence[int], form: Form) -> Array:
    """How many pairs each channel stores: as `stored_pairs` finds them, without making them."""
    if form is Form.PAIRS:
        by_pair = paired(weights, pairs_of_runs(lengths))
    else:
        by_pair = weights.reshape(len(weights), -1, _GROUP_SIZE[form])
    return np.count_nonzero(by_pair.any(axis=2), axis=1)


def best_form(weights: Array, lengths: Sequence[int]) -> Form:
    """The form in which fewest pairs are stored, the simplest of equals."""
    able = [form for form in Form if can_expand(weights, lengths, form)]
    return min(able, key=lambda form: int(count_pairs(weights, lengths, form).sum()))


def work(weights: Array, lengths: Sequence[int]) -> tuple[int, int]:
    """How many pairs are stored in the best form, and how many channels have any."""
    pairs = count_pairs(weights, lengths, best_form(weights, lengths))
    return int(pairs.sum()), int(np.count_nonzero(pairs))
