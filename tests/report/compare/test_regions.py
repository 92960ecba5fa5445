# SPDX-License-Identifier: MIT
"""Regions of mixes: whoever is drawn there takes least there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.report.compare.regions import MIXED, Region, Shares, winner_regions
from milliwatt.report.compare.sweeps import KindCost


def costs(table: dict[str, tuple[float, float, float]]) -> list[KindCost]:
    return [
        KindCost(kind, target, 1, value, 1.0, None)
        for target, values in table.items()
        for kind, value in zip(MIXED, values, strict=True)
    ]


def area(region: Region) -> float:
    """In the plane of the first two shares; the whole triangle has 1/2."""
    x = np.array([corner[0] for corner in region.corners])
    y = np.array([corner[1] for corner in region.corners])
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def inside(region: Region, shares: Shares) -> bool:
    """Strictly, by the sign of the turn along every side."""
    turns: list[float] = []
    for here, there in zip(region.corners, [*region.corners[1:], region.corners[0]], strict=True):
        side = (there[0] - here[0], there[1] - here[1])
        turns.append(side[0] * (shares[1] - here[1]) - side[1] * (shares[0] - here[0]))
    return all(turn > 1e-9 for turn in turns) or all(turn < -1e-9 for turn in turns)


@given(
    st.lists(st.tuples(*[st.floats(0.1, 10.0)] * 3), min_size=1, max_size=5),
    st.integers(0, 10**6),
)
def test_regions_are_where_their_target_wins(
    values: list[tuple[float, float, float]], seed: int
) -> None:
    table = {f"t{index}": value for index, value in enumerate(values)}
    regions = winner_regions(costs(table))
    if len(set(values)) == len(values):
        assert sum(map(area, regions)) == pytest.approx(0.5, abs=1e-6)
    for shares in np.random.default_rng(seed).dirichlet([1, 1, 1], 50):
        totals = {name: float(shares @ value) for name, value in table.items()}
        for region in regions:
            if inside(region, (shares[0], shares[1], shares[2])):
                assert totals[region.target] == pytest.approx(min(totals.values()))


def test_a_target_not_costed_on_all_kinds_is_left_out() -> None:
    table = costs({"a": (1.0, 2.0, 3.0), "b": (2.0, 1.0, 1.0)})
    assert [r.target for r in winner_regions(table)] == ["a", "b"]
    assert [r.target for r in winner_regions(table[:-1])] == ["a"]
