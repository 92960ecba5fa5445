# SPDX-License-Identifier: MIT
"""How the winner changes: with the kinds of layers, with the network's size, with the rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from milliwatt.errors import OptionError
from milliwatt.report.compare.candidate import Candidate, Comparison, Quantity, Refusal, Unknown
from milliwatt.report.compare.comparison import assess, find_adapter
from milliwatt.report.compare.daily import DayEnergy, day_energy, day_winners, energy_winners
from milliwatt.report.compare.layers import (
    LAYER_KINDS,
    TYPICAL,
    LayerKind,
    layer_graph,
    stack_graph,
)
from milliwatt.report.compare.workload import make_workload

Progress = Callable[[str], None]

RATES_HZ = (1 / 3600, 1 / 60, 1.0, 10.0, 100.0, 1000.0)
"""Once an hour to a thousand times a second."""
STACK_CHANNELS = (16, 64, 128, 192, 256)
STACK_LAYERS, STACK_SIDE = 4, 8


@dataclass(frozen=True, slots=True)
class KindCost:
    """What a multiply-accumulate of one kind of layer costs on one target."""

    kind: LayerKind
    target: str
    macs: int
    pj_per_mac: float
    """System energy."""
    ps_per_mac: float
    utilisation: float | None


@dataclass(frozen=True, slots=True)
class MixPoint:
    """A mix of layers by share of MACs, each target's picojoules a MAC, and the least of them."""

    shares: Mapping[str, float]
    """Share of MACs of each kind of layer."""
    pj_per_mac: Mapping[str, float]
    winner: str


@dataclass(frozen=True, slots=True)
class SizePoint:
    """A stack of one width on every target."""

    channels: int
    weight_bytes: int
    rows: tuple[Candidate | Refusal, ...]

    @property
    def winners(self) -> tuple[str, ...]:
        """Targets of which none is certain to lose by system energy of one inference."""
        return energy_winners([row for row in self.rows if isinstance(row, Candidate)])


@dataclass(frozen=True, slots=True)
class RatePoint:
    """All targets at one rate."""

    rate_hz: float
    days: Mapping[str, DayEnergy | Unknown]
    winners: tuple[str, ...]


def sweep_rates(comparison: Comparison, rates_hz: Sequence[float] = RATES_HZ) -> list[RatePoint]:
    """Energy a day and who may win at each rate."""
    rows = comparison.candidates
    return [
        RatePoint(rate, {r.target: day_energy(r, rate) for r in rows}, day_winners(rows, rate))
        for rate in rates_hz
    ]


def sweep_kinds(targets: Sequence[str], progress: Progress | None = None) -> list[KindCost]:
    """The cost of each kind of layer, alone, on each target that can run it and whose energy is
    known; see `layers.TYPICAL` for the sizes."""
    found: list[KindCost] = []
    for kind in LAYER_KINDS:
        workload = make_workload(layer_graph(kind, TYPICAL[kind]))
        for name in targets:
            adapter, known = find_adapter(name)
            if progress is not None:
                progress(f"{kind} on {known}")
            row = assess(workload, adapter, known)
            if isinstance(row, Candidate):
                found += _kind_cost(kind, row)
    return found


def _kind_cost(kind: LayerKind, row: Candidate) -> list[KindCost]:
    if isinstance(row.system_energy_j, Unknown) or isinstance(row.latency_s, Unknown):
        return []
    used = row.utilisation.value if isinstance(row.utilisation, Quantity) else None
    pj, ps = row.system_energy_j.value * 1e12, row.latency_s.value * 1e12
    return [KindCost(kind, row.target, row.macs, pj / row.macs, ps / row.macs, used)]


def mix(costs: Sequence[KindCost], shares: Mapping[LayerKind, float]) -> MixPoint:
    """The cost of a network whose MACs divide so: layers follow one another, so energies add.

    OptionError where the shares are not positive with sum 1, or a kind is costed nowhere. Targets
    that were not costed on a kind in the mix are left out.
    """
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise OptionError(f"shares must be zero or more and add up to 1, not {dict(shares)}")
    by_key = {(cost.target, cost.kind): cost.pj_per_mac for cost in costs}
    used: list[LayerKind] = [kind for kind, share in shares.items() if share > 0]
    totals = {
        target: sum(shares[kind] * by_key[target, kind] for kind in used)
        for target in dict.fromkeys(cost.target for cost in costs)
        if all((target, kind) in by_key for kind in used)
    }
    if not totals:
        raise OptionError(f"no target was costed on all of: {', '.join(used)}")
    named: dict[str, float] = dict(shares.items())
    return MixPoint(named, totals, min(totals, key=lambda name: totals[name]))


def sweep_mix(
    costs: Sequence[KindCost], base: LayerKind, other: LayerKind, steps: int = 4
) -> list[MixPoint]:
    """From all `base` to all `other`, in equal steps of their share of MACs."""
    points: list[MixPoint] = []
    for index in range(steps + 1):
        share = index / steps
        shares: dict[LayerKind, float] = {base: 1 - share, other: share}
        points.append(mix(costs, shares))
    return points


def sweep_sizes(
    targets: Sequence[str],
    channels: Sequence[int] = STACK_CHANNELS,
    progress: Progress | None = None,
) -> list[SizePoint]:
    """Stacks of 3×3 convolutions, wider and wider, until memories overflow."""
    points: list[SizePoint] = []
    for width in channels:
        workload = make_workload(stack_graph(width, STACK_SIDE, STACK_LAYERS))
        rows: list[Candidate | Refusal] = []
        for name in targets:
            adapter, known = find_adapter(name)
            if progress is not None:
                progress(f"{width} channels on {known}")
            rows.append(assess(workload, adapter, known))
        points.append(SizePoint(width, STACK_LAYERS * 9 * width * width, tuple(rows)))
    return points
