# SPDX-License-Identifier: MIT
"""Energy a day: arithmetic by hand, monotone in the rate, and winners that nothing can overturn."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import OptionError
from milliwatt.report.compare.candidate import Quantity, Unknown
from milliwatt.report.compare.daily import (
    DayEnergy,
    break_even_w,
    day_energy,
    day_winners,
    energy_winners,
    with_standby,
)
from tests.report.compare.candidates import candidate, comparison


def day(rate_hz: float, **figures: Any) -> DayEnergy:
    found = day_energy(candidate("a", **figures), rate_hz)
    assert isinstance(found, DayEnergy)
    return found


def test_by_hand() -> None:
    """1 mJ ten times a second, 10 ms each: busy a tenth of the day; 1 to 2 mW the rest."""
    found = day(10, energy_j=1e-3, spread=0.5, standby_w=(1e-3, 2e-3))
    assert found.inference_j == pytest.approx(864)
    assert (found.inference_low_j, found.inference_high_j) == pytest.approx((432, 1296))
    assert found.busy_share == pytest.approx(0.1)
    assert found.standby_low_j == pytest.approx(77.76)
    assert found.low_j == pytest.approx(432 + 77.76)
    assert found.high_j == pytest.approx(1296 + 2 * 77.76)


def test_too_slow_is_unknown_and_says_how_fast() -> None:
    found = day_energy(candidate("a", latency_s=0.02), 60)
    assert found == Unknown("too slow: at most 50 inferences a second")


def test_a_rate_that_leaves_no_rest_needs_no_standby() -> None:
    found = day(2, latency_s=0.5, standby_w=(0.0, math.inf))
    assert found.high_j == pytest.approx(found.inference_high_j)


@pytest.mark.parametrize("missing", ["energy_j", "latency_s"])
def test_what_is_unknown_stays_unknown(missing: str) -> None:
    assert day_energy(candidate("a", **{missing: None}), 1) == Unknown("not said")


@pytest.mark.parametrize("rate", [0.0, -1.0, math.inf, math.nan])
def test_rates_that_mean_nothing_are_refused(rate: float) -> None:
    with pytest.raises(OptionError, match="above zero"):
        day_energy(candidate("a"), rate)


@given(
    st.floats(1e-9, 1e-2),
    st.floats(0, 1e-3),
    st.floats(1e-4, 40),
    st.floats(1.0, 2.0),
)
def test_more_inferences_never_take_less(
    energy_j: float, standby_w: float, rate_hz: float, factor: float
) -> None:
    """Where an inference draws more power than standby."""
    latency_s = min(1e-2, energy_j / max(standby_w, 1e-12))
    if latency_s < 1e-12:
        return
    figures = {"energy_j": energy_j, "latency_s": latency_s, "standby_w": (standby_w, standby_w)}
    assert day(rate_hz * factor, **figures).low_j >= day(rate_hz, **figures).low_j * (1 - 1e-9)


def test_a_winner_is_certain_or_named_among_others() -> None:
    small = candidate("small", energy_j=1e-6, spread=0.1)
    near = candidate("near", energy_j=1.15e-6, spread=0.1)
    large = candidate("large", energy_j=1e-3)
    unknown = candidate("unknown", energy_j=None)
    assert energy_winners([small, large, unknown]) == ("small",)
    assert energy_winners([small, near, large]) == ("small", "near")
    assert energy_winners([unknown]) == ()


def test_standby_decides_at_low_rates() -> None:
    """The frugal computer that never rests loses to the hungry one that does, and wins later."""
    never = candidate("never", energy_j=1e-6, latency_s=1e-5, standby_w=(1e-3, 1e-3))
    rests = candidate("rests", energy_j=1e-3, latency_s=1e-3, standby_w=(1e-6, 1e-6))
    assert day_winners([never, rests], 0.01) == ("rests",)
    assert day_winners([never, rests], 100) == ("never",)


def test_break_even_is_where_days_are_equal() -> None:
    one, other = candidate("one", energy_j=1e-6, latency_s=1e-5), candidate("other")
    found = break_even_w(one, other, 2.0)
    assert isinstance(found, Quantity)
    at = candidate("one", energy_j=1e-6, latency_s=1e-5, standby_w=(found.value, found.value))
    first, second = day_energy(at, 2.0), day_energy(other, 2.0)
    assert isinstance(first, DayEnergy)
    assert isinstance(second, DayEnergy)
    assert first.low_j == pytest.approx(second.low_j)


def test_standby_that_the_user_knows() -> None:
    changed = with_standby(comparison(candidate("a"), candidate("b")), {"b": 20.0})
    assert changed.candidate("b").standby.low_w == pytest.approx(20e-6)
    assert changed.candidate("b").standby.source == "given by the user"
    assert changed.candidate("a") == candidate("a")
    with pytest.raises(OptionError, match="'c', which is not compared: a, b"):
        with_standby(changed, {"c": 1.0})
    with pytest.raises(OptionError, match="zero or more"):
        with_standby(changed, {"a": -1.0})


def test_unknown_standby_decides_nothing() -> None:
    """It may be nothing or without bound: at low rates nobody can be called the winner."""
    unknown = candidate("unknown", energy_j=1e-6, latency_s=1e-5, standby_w=(None, math.inf))
    rests = candidate("rests", energy_j=1e-3, latency_s=1e-3, standby_w=(1e-6, 1e-6))
    assert day_winners([unknown, rests], 1 / 3600) == ("unknown", "rests")
    found = day_energy(unknown, 1.0)
    assert isinstance(found, DayEnergy)
    assert found.standby_low_j is None
    assert found.low_j == found.inference_low_j
    assert math.isinf(found.high_j)
