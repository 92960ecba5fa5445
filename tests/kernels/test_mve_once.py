# SPDX-License-Identifier: MIT
"""One rounding on Helium equals the reference's two wherever it is offered; taps in groups fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.lowering.dsp.one_rounding import OneRounding
from milliwatt.backend.mcu.lowering.mve.once import once_folded
from milliwatt.backend.mcu.lowering.mve.taps import ANY, LARGEST, NINE, PAIRS, group_taps
from milliwatt.ir.types import Array
from tests.kernels.test_one_rounding import compared_sums, make_filters, reference


def once(found: OneRounding, sums: Array) -> Array:
    """What the instructions compute, with a check that nothing overflows on the way."""
    scaled = 1024 * sums + found.bias[:, None]
    assert scaled.min() >= -(1 << 31)
    assert scaled.max() < 1 << 31
    assert found.multiplier.min() > 0
    assert found.multiplier.max() < 1 << 31
    half = np.clip((scaled * found.multiplier[:, None] >> 31) >> 6, -32768, 32767)
    return np.clip(half + 64 >> 7, -128, 127)


@settings(max_examples=80)
@given(
    seed=st.integers(0, 1 << 31),
    taps=st.sampled_from([1, 3, 9, 49]),
    step=st.floats(9.0, 3000.0),
    zero=st.sampled_from([-128, -128, -90, 0, 100]),
)
def test_equal_wherever_offered(seed: int, taps: int, step: float, zero: int) -> None:
    rng = np.random.default_rng(seed)
    filters = make_filters(rng, 4, taps, step, 1.0)
    found = once_folded(filters, zero, -128, 127)
    if found is None:
        return
    sums = compared_sums(filters, rng)
    np.testing.assert_array_equal(once(found, sums), reference(filters, sums, zero, -128, 127))


@pytest.mark.parametrize("taps", [9, 25])
def test_offered_for_layers_with_relu(taps: int) -> None:
    """The steps of published networks; nearly every channel has its constants."""
    rng = np.random.default_rng(taps)
    offered = [
        once_folded(make_filters(rng, 1, taps, step, 0.0), -128, -128, 127) is not None
        for step in rng.uniform(10, 600, 200)
    ]
    assert sum(offered) >= 198


@settings(max_examples=80)
@given(
    seed=st.integers(0, 1 << 31),
    taps=st.integers(1, 50),
    largest=st.sampled_from([3, 30, 60, 90, 127]),
)
def test_groups_hold_every_tap_once_and_fit(seed: int, taps: int, largest: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-largest, largest + 1, (5, taps))
    found = group_taps(weights)
    assert sorted(tap for group in found.groups for tap in group) == list(range(taps))
    for group in found.groups:
        assert np.abs(weights[:, group]).sum(axis=1).max() <= LARGEST
    assert sorted(tap for tap in found.stored if tap >= 0) == list(range(taps))
    assert tuple(tap for tap, _ in found.words if tap >= 0) == tuple(
        tap for tap in found.stored if tap >= 0
    )
    if found.kind in (ANY, PAIRS):
        assert sum(pairs for _, pairs in found.words) == len(found.stored) // 2
    else:
        assert taps == NINE
        assert len(found.words) == NINE
