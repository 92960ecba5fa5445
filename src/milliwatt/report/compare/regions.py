# SPDX-License-Identifier: MIT
"""Which target takes least energy, over all mixes of three kinds of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.report.compare.layers import LayerKind
from milliwatt.report.compare.sweeps import KindCost

MIXED: tuple[LayerKind, LayerKind, LayerKind] = ("pointwise", "depthwise", "fully connected")

Shares = tuple[float, float, float]
"""Shares of MACs of the three kinds; they add up to 1."""


@dataclass(frozen=True, slots=True)
class Region:
    """The mixes for which one target takes least: a convex polygon, corner by corner."""

    target: str
    corners: tuple[Shares, ...]


def winner_regions(
    costs: Sequence[KindCost], kinds: tuple[LayerKind, LayerKind, LayerKind] = MIXED
) -> list[Region]:
    """Each target's region, those that win nowhere left out.

    A mix's energy is linear in its shares, so that a region is the triangle of all mixes cut by a
    line for each rival. Targets that were not costed on all three kinds are left out.
    """
    found = costed_on_all(costs, kinds)
    regions: list[Region] = []
    for name, own in found.items():
        corners: list[Shares] = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
        for other, rival in found.items():
            if other != name:
                more = [a - b for a, b in zip(own, rival, strict=True)]
                corners = _kept(corners, more)
        if len(corners) > 2:
            regions.append(Region(name, tuple(corners)))
    return regions


def costed_on_all(
    costs: Sequence[KindCost], kinds: tuple[LayerKind, LayerKind, LayerKind] = MIXED
) -> dict[str, tuple[float, float, float]]:
    """Picojoules a MAC of each kind, for targets that were costed on all three."""
    by_key = {(cost.target, cost.kind): cost.pj_per_mac for cost in costs}
    first, second, third = kinds
    return {
        name: (by_key[name, first], by_key[name, second], by_key[name, third])
        for name in dict.fromkeys(cost.target for cost in costs)
        if all((name, kind) in by_key for kind in kinds)
    }


def _kept(corners: Sequence[Shares], more: Sequence[float]) -> list[Shares]:
    """The part of a polygon in which a linear function is not above 0; `more` at the corners."""
    kept: list[Shares] = []
    for here, there in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        first, second = _at(here, more), _at(there, more)
        if first <= 0:
            kept.append(here)
        if first * second < 0:
            part = first / (first - second)
            a, b, c = (p + part * (q - p) for p, q in zip(here, there, strict=True))
            kept.append((a, b, c))
    return kept


def _at(shares: Shares, values: Sequence[float]) -> float:
    return sum(share * value for share, value in zip(shares, values, strict=True))
