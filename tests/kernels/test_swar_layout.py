# SPDX-License-Identifier: MIT
"""Two sums in one word never mix: groups of taps, and what exceeds them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.lowering.swar.dense import four_channel_words
from milliwatt.backend.mcu.lowering.swar.layout import (
    CHANNELS,
    GROUPS,
    Grouped,
    best_grouped,
    grouped,
    interleaved,
    rest_words,
)
from milliwatt.ir.types import Array

WEIGHTS = st.one_of(st.integers(-128, 127), st.sampled_from([-128, -127, 127]), st.integers(-3, 3))


@st.composite
def weights(draw: st.DrawFn) -> Array:
    channels, taps = draw(st.integers(1, 5)), draw(st.integers(1, 70))
    flat = draw(st.lists(WEIGHTS, min_size=channels * taps, max_size=channels * taps))
    return np.array(flat, np.int64).reshape(channels, taps)


def farthest(groups: Array) -> tuple[Array, Array]:
    """The least and the greatest sum of each group over all int8 inputs."""
    positive, negative = np.maximum(groups, 0).sum(-1), np.minimum(groups, 0).sum(-1)
    return 127 * negative - 128 * positive, 127 * positive - 128 * negative


@settings(max_examples=150)
@given(values=weights(), group=st.sampled_from(GROUPS))
def test_no_group_of_any_input_leaves_16_bits(values: Array, group: int) -> None:
    found = grouped(values, group)
    for sums in farthest(found.weights.reshape(len(values), -1, group)):
        assert sums.min() >= -(1 << 15)
        assert sums.max() < 1 << 15
    for sums in farthest(found.rest[..., None]):
        assert sums.min() >= -(1 << 15)
        assert sums.max() < 1 << 15
    assert np.abs(found.rest).max() <= 128


@settings(max_examples=100)
@given(values=weights(), group=st.sampled_from(GROUPS))
def test_groups_and_rest_add_up_to_the_weights(values: Array, group: int) -> None:
    found = grouped(values, group)
    total = found.weights + found.rest
    assert (total[:, : values.shape[1]] == values).all()
    assert not total[:, values.shape[1] :].any()
    assert found.taps % group == 0


@settings(max_examples=60)
@given(values=weights(), group=st.sampled_from(GROUPS), data=st.data())
def test_packed_sums_are_the_sums(values: Array, group: int, data: st.DataObject) -> None:
    """The kernel's own arithmetic, modulo 2**32, with inputs that drive sums to their ends."""
    found = grouped(values, group)
    channel = data.draw(st.integers(0, len(values) - 1))
    sign = data.draw(st.sampled_from([-1, 1]))
    worst = np.where(found.weights[channel] * sign > 0, 127, -128)
    other = np.array(
        data.draw(st.lists(st.integers(-128, 127), min_size=found.taps, max_size=found.taps))
    )
    for x0, x1 in ((worst, other), (other, worst), (worst, worst), (worst, -1 - worst)):
        assert packed(found, channel, x0, x1) == (
            int(((found.weights + found.rest)[channel] * x0).sum()),
            int(((found.weights + found.rest)[channel] * x1).sum()),
        )


def packed(found: Grouped, channel: int, x0: Array, x1: Array) -> tuple[int, int]:
    """What mw_swar.h computes."""
    words = (x0 + (x1 << 16)).astype(np.int64)
    low = high = 0
    products = (words * found.weights[channel]).reshape(-1, found.group)
    for part in products.sum(axis=1):
        value = np.int64(part + (1 << 15)).astype(np.int32)
        low, high = low + int(value), high + (int(value) >> 16)
    low -= (1 << 15) * len(products)
    first = np.int64(low - (high << 16)).astype(np.int32)
    for word, weight in zip(words, found.rest[channel], strict=True):
        value = np.int64(word * weight)
        first += int(value.astype(np.int16))
        high += int((value + (1 << 15)).astype(np.int32)) >> 16
    return int(first), high


def test_rest_words_name_taps_by_their_distance() -> None:
    rest = np.zeros((3, 700), np.int64)
    rest[0, 5], rest[0, 6], rest[2, 600] = -3, 100, -128
    entries = [5 << 8 | 0xFD, 1 << 8 | 100]
    far = [255 << 8, 255 << 8, 90 << 8 | 0x80]
    assert rest_words(rest).tolist() == [2, *entries, 0, 3, *far]


def test_interleaved_weights() -> None:
    values = np.arange(10 * 3).reshape(10, 3)
    table = interleaved(values).reshape(2, 3, CHANNELS)
    assert table[0, 1].tolist() == values[:8, 1].tolist()
    assert table[1, 2].tolist() == [*values[8:, 2].tolist(), *[0] * 6]


def test_longer_groups_for_smaller_weights() -> None:
    assert best_grouped(np.full((4, 64), 60)).group == 4
    assert best_grouped(np.full((4, 64), 20)).group == 8
    assert best_grouped(np.full((4, 64), -2)).group == 16


@pytest.mark.parametrize("channels", [1, 4, 5])
def test_bytes_of_dense_words_are_the_weights(channels: int) -> None:
    values = np.random.default_rng(0).integers(-128, 128, (channels, 6))
    words = four_channel_words(values).reshape(-1, 6)
    unpacked = np.stack([(words >> (8 * k)) & 255 for k in range(4)], axis=1).reshape(-1, 6)
    unpacked[3::4] = (unpacked[3::4] + 128) & 255
    assert (unpacked[:channels] - 128 == values).all()
