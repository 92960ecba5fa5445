# SPDX-License-Identifier: MIT
"""Sweeps as values that `json.dumps` takes; a bound that is not known is infinite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from milliwatt.report.compare.candidate import Candidate, Refusal, Unknown, candidate_json
from milliwatt.report.compare.daily import DayEnergy
from milliwatt.report.compare.sweeps import KindCost, RatePoint, SizePoint


def rates_json(points: Sequence[RatePoint]) -> list[dict[str, Any]]:
    """Energy a day of every target at each rate."""
    return [
        {
            "rate_hz": point.rate_hz,
            "winners": list(point.winners),
            "days": {name: _day(day) for name, day in point.days.items()},
        }
        for point in points
    ]


def _day(day: DayEnergy | Unknown) -> dict[str, Any]:
    if isinstance(day, Unknown):
        return {"unknown": day.reason}
    return {**asdict(day), "low_j": day.low_j, "high_j": day.high_j}


def kinds_json(costs: Sequence[KindCost]) -> list[dict[str, Any]]:
    """The cost of each kind of layer on each target."""
    return [asdict(cost) for cost in costs]


def sizes_json(points: Sequence[SizePoint]) -> list[dict[str, Any]]:
    """Every target's row at each size."""
    return [
        {
            "channels": point.channels,
            "weight_bytes": point.weight_bytes,
            "winners": list(point.winners),
            "rows": [_row(row) for row in point.rows],
        }
        for point in points
    ]


def _row(row: Candidate | Refusal) -> dict[str, Any]:
    return candidate_json(row) if isinstance(row, Candidate) else asdict(row)
