# SPDX-License-Identifier: MIT
"""Energy a day at an inference rate, standby counted, and who may win."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from milliwatt.errors import OptionError
from milliwatt.report.compare.candidate import (
    Candidate,
    Comparison,
    Known,
    Quantity,
    Standby,
    Unknown,
)

SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class DayEnergy:
    """Joules a day of one target at one rate: inferences, and standby in between."""

    target: str
    rate_hz: float
    inference_low_j: float
    inference_j: float
    inference_high_j: float
    standby_low_j: float | None
    """None where no standby power is known."""
    standby_high_j: float
    """Infinite where nothing bounds it."""
    busy_share: float

    @property
    def low_j(self) -> float:
        """The least it may be."""
        return self.inference_low_j + (self.standby_low_j or 0.0)

    @property
    def high_j(self) -> float:
        """The most it may be."""
        return self.inference_high_j + self.standby_high_j


def day_energy(candidate: Candidate, rate_hz: float) -> DayEnergy | Unknown:
    """Energy a day at `rate_hz` inferences a second; Unknown where it cannot be had.

    OptionError for a rate that is not above zero and finite.
    """
    if not math.isfinite(rate_hz) or rate_hz <= 0:
        raise OptionError(f"the rate is {rate_hz:g} Hz; it must be above zero, and finite")
    energy, interval = candidate.system_energy_j, candidate.interval_s
    if isinstance(energy, Unknown):
        return energy
    if isinstance(interval, Unknown):
        return interval
    busy = interval.value * rate_hz
    if busy > 1:
        most = 1 / interval.value
        return Unknown(f"too slow: at most {most:.3g} inferences a second")
    count, idle_s = rate_hz * SECONDS_PER_DAY, (1 - busy) * SECONDS_PER_DAY
    low, high = energy.bounds
    return DayEnergy(
        candidate.target,
        rate_hz,
        count * low,
        count * energy.value,
        count * high,
        None if candidate.standby.low_w is None else candidate.standby.low_w * idle_s,
        candidate.standby.high_w * idle_s if idle_s else 0.0,
        busy,
    )


def with_standby(comparison: Comparison, standby_uw: Mapping[str, float]) -> Comparison:
    """The comparison with standby powers that the user knows, in microwatts by target.

    OptionError for a target that is not compared or a power that is negative or not finite.
    """
    for name, power_uw in standby_uw.items():
        if all(row.target != name for row in comparison.rows):
            known = ", ".join(row.target for row in comparison.rows)
            raise OptionError(f"standby is given for '{name}', which is not compared: {known}")
        if not math.isfinite(power_uw) or power_uw < 0:
            raise OptionError(f"standby of '{name}' is {power_uw:g} µW; it must be zero or more")
    rows = tuple(
        replace(row, standby=_given(standby_uw[row.target]))
        if isinstance(row, Candidate) and row.target in standby_uw
        else row
        for row in comparison.rows
    )
    return replace(comparison, rows=rows)


def _given(power_uw: float) -> Standby:
    return Standby(power_uw * 1e-6, power_uw * 1e-6, "estimated", "given by the user")


def day_winners(candidates: Sequence[Candidate], rate_hz: float) -> tuple[str, ...]:
    """Targets of which none is certain to lose at that rate; one name is a certain winner."""
    days = [day_energy(candidate, rate_hz) for candidate in candidates]
    known = [day for day in days if isinstance(day, DayEnergy)]
    return _undefeated([(day.target, day.low_j, day.high_j) for day in known])


def energy_winners(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """As `day_winners`, by system energy of one inference alone."""
    return _undefeated(
        [
            (candidate.target, *candidate.system_energy_j.bounds)
            for candidate in candidates
            if isinstance(candidate.system_energy_j, Quantity)
        ]
    )


def break_even_w(candidate: Candidate, rival: Candidate, rate_hz: float) -> Known:
    """The standby power below which `candidate` takes less energy a day than `rival`, in watts.

    The rival rests at its lowest standby, at nothing where that is unknown. Unknown where an
    energy or an interval is, or where one is too slow; negative where no standby is low enough.
    """
    mine, other = day_energy(candidate, rate_hz), day_energy(rival, rate_hz)
    if isinstance(mine, Unknown):
        return mine
    if isinstance(other, Unknown):
        return other
    idle_s = (1 - mine.busy_share) * SECONDS_PER_DAY
    if idle_s <= 0:
        return Unknown(f"'{candidate.target}' never rests at this rate")
    spare_j = other.inference_j + (other.standby_low_j or 0.0) - mine.inference_j
    source = f"what '{rival.target}' takes at {rate_hz:g} Hz less the inferences"
    return Quantity(spare_j / idle_s, "estimated", source)


def _undefeated(ranges: Sequence[tuple[str, float, float]]) -> tuple[str, ...]:
    least = min((high for _, _, high in ranges), default=0.0)
    return tuple(name for name, low, _ in ranges if low <= least)
