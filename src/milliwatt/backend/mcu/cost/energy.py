# SPDX-License-Identifier: MIT
"""Energy per inference and battery life, from power figures and estimated latency."""

from __future__ import annotations

import math
from dataclasses import dataclass

from milliwatt.backend.mcu.cost.timing import Latency
from milliwatt.errors import OptionError, UnknownFigureError, VerifyError
from milliwatt.hardware.model import Figure, Target

_SECONDS_PER_DAY = 86_400.0
_JOULES_PER_MWH = 3.6


@dataclass(frozen=True, slots=True)
class Energy:
    """Estimated energy of one inference under one supply setting."""

    target: str
    mode: str
    """Name of the target's power mode."""
    active_power_mw: Figure
    uj_low: float
    uj: float
    uj_high: float
    basis: str
    """What was multiplied and where the power figure comes from, as text to print."""


def estimate_energy(target: Target, latency: Latency, mode: str | None = None) -> Energy:
    """Energy of one inference: active power times latency, bounds times bounds.

    `mode` names one of the target's power modes; None is its first. UnknownFigureError where
    no active power is known. mW times s is mJ.
    """
    if latency.target != target.name:
        raise VerifyError(f"a latency on '{latency.target}' is used for target '{target.name}'")
    if not target.power:
        raise UnknownFigureError(
            f"no energy estimate for target '{target.name}': no active-power figure is known"
        )
    chosen = target.power_mode(mode)
    power = chosen.active_power_mw
    if power is None:
        raise UnknownFigureError(
            f"no energy estimate for target '{target.name}': no active-power figure is known "
            f"for its power mode '{chosen.name}'"
        )
    power_low, power_high = power.bounds
    return Energy(
        target=target.name,
        mode=chosen.name,
        active_power_mw=power,
        uj_low=power_low * latency.seconds_low * 1e3,
        uj=power.value * latency.seconds * 1e3,
        uj_high=power_high * latency.seconds_high * 1e3,
        basis=(
            f"estimate: latency times {power.value:.3g} mW ({power_low:.3g} to {power_high:.3g}) "
            f"at {chosen.title}, {power.basis} ({power.source})"
        ),
    )


def daily_energy_j(
    *,
    active_power_mw: float,
    inference_seconds: float,
    inferences_per_day: float,
    sleep_power_uw: float,
    always_on_power_uw: float = 0.0,
) -> float:
    """Joules a day: active while inferring, asleep the rest, plus what never sleeps.

    E = P_active t N + P_sleep (T - t N) + P_always T, with T one day. OptionError where the
    inferences do not fit in a day or a quantity is negative or not finite.
    """
    quantities = {
        "active power (mW)": active_power_mw,
        "inference time (s)": inference_seconds,
        "inferences per day": inferences_per_day,
        "sleep power (µW)": sleep_power_uw,
        "always-on power (µW)": always_on_power_uw,
    }
    for name, value in quantities.items():
        if not math.isfinite(value) or value < 0:
            raise OptionError(f"{name} is {value:g}; it must be zero or more, and finite")
    busy_seconds = inference_seconds * inferences_per_day
    if busy_seconds > _SECONDS_PER_DAY:
        most = _SECONDS_PER_DAY / inference_seconds
        raise OptionError(
            f"{inferences_per_day:,.0f} inferences of {inference_seconds:.3g} s do not fit in a "
            f"day; at most {most:,.0f} do"
        )
    return (
        active_power_mw * 1e-3 * busy_seconds
        + sleep_power_uw * 1e-6 * (_SECONDS_PER_DAY - busy_seconds)
        + always_on_power_uw * 1e-6 * _SECONDS_PER_DAY
    )


def battery_days(battery_mwh: float, daily_j: float) -> float:
    """Days a battery of that energy lasts; no self-discharge, no regulator loss."""
    if not math.isfinite(battery_mwh) or battery_mwh <= 0:
        raise OptionError(f"the battery holds {battery_mwh:g} mWh; it must be more than zero")
    if not math.isfinite(daily_j) or daily_j <= 0:
        raise OptionError(f"the day takes {daily_j:g} J; it must be more than zero")
    return battery_mwh * _JOULES_PER_MWH / daily_j
