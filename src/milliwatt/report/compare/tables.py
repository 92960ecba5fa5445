# SPDX-License-Identifier: MIT
"""A comparison and its sweeps as tables for people: a row a target, so that 80 columns do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from milliwatt.report.compare.candidate import (
    Accuracy,
    Candidate,
    Comparison,
    Known,
    Quantity,
    Refusal,
    Unknown,
)
from milliwatt.report.compare.daily import DayEnergy
from milliwatt.report.compare.quality import quality_text
from milliwatt.report.compare.sweeps import KindCost, MixPoint, RatePoint, SizePoint
from milliwatt.report.layout import Column, FittedTable, paragraphs
from milliwatt.units import format_si

if TYPE_CHECKING:
    from rich.console import RenderableType

UNKNOWN = "?"


def comparison_table(comparison: Comparison) -> RenderableType:
    """Speed and accuracy, energy by level, silicon, who computes what; then every basis."""
    from rich.console import Group
    from rich.text import Text

    title = (
        f"{comparison.model}: {format_si(comparison.macs, 'MACs')}, "
        f"{comparison.parameter_bytes:,} B of parameters"
    )
    rows = comparison.candidates
    parts: list[RenderableType] = [Text(title, style="bold")]
    for table in (_speed(rows), _energy(rows), _silicon(rows), _units(rows)):
        parts += [Text(""), table]
    parts += [Text(""), paragraphs([(f"{r.target}:", r.settings) for r in rows])]
    if comparison.refusals:
        parts += [Text(""), paragraphs([_refused(row) for row in comparison.refusals])]
    return Group(*parts)


def basis_text(comparison: Comparison) -> RenderableType:
    """Where every number of every target comes from, and why some are missing."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for row in comparison.candidates:
        parts += [Text(f"{row.target} ({row.title})", style="bold")]
        parts += [paragraphs(_bases(row), indent="  "), Text("")]
    return Group(*parts)


def _refused(row: Refusal) -> tuple[str, str]:
    return f"{row.target}:", f"does not run it: {row.reason}"


def _speed(rows: Sequence[Candidate]) -> FittedTable:
    return FittedTable(
        (
            Column("target", tuple(row.target for row in rows)),
            Column("family", tuple(row.family for row in rows), optional=1),
            Column("accuracy", tuple(_accuracy(row.accuracy) for row in rows), right=True),
            Column("latency", tuple(_cell(row.latency_s, "s") for row in rows), right=True),
            Column(
                "from … to", tuple(_range(row.latency_s, "s") for row in rows), True, optional=3
            ),
            Column("most a second", tuple(_rate(row.interval_s) for row in rows), True, optional=2),
            Column("used", tuple(_percent(row.utilisation) for row in rows), right=True),
        )
    )


def _energy(rows: Sequence[Candidate]) -> FittedTable:
    return FittedTable(
        (
            Column("energy/inference", tuple(row.target for row in rows)),
            Column("macro", tuple(_cell(row.macro_energy_j, "J") for row in rows), right=True),
            Column(
                "accelerator",
                tuple(_cell(row.accelerator_energy_j, "J") for row in rows),
                right=True,
            ),
            Column("system", tuple(_cell(row.system_energy_j, "J") for row in rows), right=True),
            Column(
                "from … to",
                tuple(_range(row.system_energy_j, "J") for row in rows),
                True,
                optional=1,
            ),
        )
    )


def _silicon(rows: Sequence[Candidate]) -> FittedTable:
    return FittedTable(
        (
            Column("silicon", tuple(row.target for row in rows)),
            Column("area", tuple(_area(row.area_mm2) for row in rows), right=True),
            Column("memory", tuple(row.memory[0].text for row in rows)),
            Column("", tuple(row.memory[1].text for row in rows), optional=1),
        )
    )


def _units(rows: Sequence[Candidate]) -> FittedTable:
    uses = [(row.target, use) for row in rows for use in row.units]
    uses = [(target, use) for target, use in uses if use.macs or use.seconds]
    return FittedTable(
        (
            Column("where it ran", tuple(target for target, _ in uses)),
            Column("operator", tuple(use.op for _, use in uses)),
            Column("unit", tuple(use.unit for _, use in uses)),
            Column("nodes", tuple(str(use.nodes) for _, use in uses), right=True),
            Column("MACs", tuple(format_si(use.macs, "") for _, use in uses), True, optional=1),
            Column(
                "time",
                tuple(
                    UNKNOWN if use.seconds is None else format_si(use.seconds, "s")
                    for _, use in uses
                ),
                right=True,
            ),
        )
    )


def _cell(known: Known, unit: str) -> str:
    return UNKNOWN if isinstance(known, Unknown) else format_si(known.value, unit)


def _rate(interval_s: Known) -> str:
    return UNKNOWN if isinstance(interval_s, Unknown) else f"{1 / interval_s.value:,.0f}"


def _range(known: Known, unit: str) -> str:
    if isinstance(known, Unknown) or known.low is None or known.high is None:
        return ""
    return f"{format_si(known.low, unit)} … {format_si(known.high, unit)}"


def _percent(known: Known) -> str:
    return UNKNOWN if isinstance(known, Unknown) else f"{known.value:.1%}"


def _area(known: Known) -> str:
    return UNKNOWN if isinstance(known, Unknown) else f"{known.value:.3g} mm²"


def _accuracy(accuracy: Accuracy | Unknown) -> str:
    if isinstance(accuracy, Unknown):
        return UNKNOWN
    return quality_text(accuracy.values, accuracy.metric)


def _bases(row: Candidate) -> list[tuple[str, str]]:
    named = (
        ("accuracy", row.accuracy),
        ("latency", row.latency_s),
        ("interval", row.interval_s),
        ("macro energy", row.macro_energy_j),
        ("accelerator energy", row.accelerator_energy_j),
        ("system energy", row.system_energy_j),
        ("area", row.area_mm2),
        ("used", row.utilisation),
    )
    lines = [(f"{name}:", _basis(value)) for name, value in named]
    standby = row.standby
    least = "unknown" if standby.low_w is None else format_si(standby.low_w, "W")
    span = f"{least} to {_watts(standby.high_w)}"
    lines.append(("standby:", f"{span}, {standby.basis}: {standby.source}"))
    lines += [("memory:", use.text) for use in row.memory]
    return lines + [("note:", note) for note in row.notes]


def _basis(value: Known | Accuracy) -> str:
    if isinstance(value, Unknown):
        return f"unknown: {value.reason}"
    return f"{value.basis}: {value.source}"


def _watts(value_w: float) -> str:
    return "no bound" if math.isinf(value_w) else format_si(value_w, "W")


def rates_table(points: Sequence[RatePoint]) -> RenderableType:
    """Energy a day of each target at each rate, standby's bounds beside it, and who wins."""
    from rich.console import Group
    from rich.text import Text

    targets = list(points[0].days) if points else []
    standby = [_standby_day(points, target) for target in targets]
    titles = [rate_text(point.rate_hz) for point in points]
    cells = [[_day(point.days[target]) for point in points] for target in targets]
    table = _grid(
        "J/day at",
        [*targets, "least"],
        ["+ standby", *titles],
        [[first, *rest] for first, rest in zip(standby, cells, strict=True)]
        + [["", *(_least(point.winners) for point in points)]],
    )
    note = (
        "inferences alone; standby on top, in joules a day to never resting (?: unknown); "
        "open: standby or errors decide. 1 mW is 86.4 J/day"
    )
    return Group(table, Text(note))


def _grid(
    corner: str, names: Sequence[str], titles: Sequence[str], rows: Sequence[Sequence[str]]
) -> FittedTable:
    """A table of numbers: a name before each row, a title above each column."""
    columns = [Column(corner, tuple(names))]
    for index, title in enumerate(titles):
        columns.append(Column(title, tuple(row[index] for row in rows), right=True))
    return FittedTable(tuple(columns))


def _least(winners: Sequence[str]) -> str:
    """The certain winner."""
    match len(winners):
        case 0:
            return "none"
        case 1:
            return winners[0]
        case _:
            return "open"


def rate_text(rate_hz: float) -> str:
    """`10/s`, `1/min`, `1/h`."""
    for seconds, unit in ((1, "s"), (60, "min"), (3600, "h")):
        count = rate_hz * seconds
        if count >= 0.1:
            return f"{count:,.0f}/{unit}" if count >= 100 else f"{count:.3g}/{unit}"
    return f"{rate_hz * 86400:.3g}/day"


def _day(day: DayEnergy | Unknown) -> str:
    if isinstance(day, Unknown):
        return "too slow" if day.reason.startswith("too slow") else UNKNOWN
    return f"{day.inference_j:.2g}"


def _standby_day(points: Sequence[RatePoint], target: str) -> str:
    """Standby of the slowest rate at which the target's energy is known."""
    for point in points:
        day = point.days[target]
        if isinstance(day, DayEnergy):
            most = "?" if math.isinf(day.standby_high_j) else f"{day.standby_high_j:.2g}"
            least = "?" if day.standby_low_j is None else f"{day.standby_low_j:.2g}"
            return f"{least} … {most}"
    return UNKNOWN


def kinds_table(costs: Sequence[KindCost]) -> RenderableType:
    """System energy of a multiply-accumulate of each kind of layer, and utilisation."""
    from rich.console import Group
    from rich.text import Text

    by_key = {(cost.target, cost.kind): cost for cost in costs}
    targets = list(dict.fromkeys(cost.target for cost in costs))
    kinds = list(dict.fromkeys(cost.kind for cost in costs))
    energy = [[_kind_cell(by_key.get((t, kind))) for kind in kinds] for t in targets]
    used = [[_kind_used(by_key.get((t, kind))) for kind in kinds] for t in targets]
    return Group(
        _grid("pJ/MAC, system", targets, kinds, energy),
        Text(""),
        _grid("used", targets, kinds, used),
    )


def _kind_cell(cost: KindCost | None) -> str:
    return UNKNOWN if cost is None else f"{cost.pj_per_mac:.3g}"


def _kind_used(cost: KindCost | None) -> str:
    return UNKNOWN if cost is None or cost.utilisation is None else f"{cost.utilisation:.1%}"


def mix_table(points: Sequence[MixPoint]) -> RenderableType:
    """Picojoules a MAC of each target at each mix of layers, and the target of the least."""
    targets = list(points[0].pj_per_mac) if points else []
    other = list(points[0].shares)[-1] if points else ""
    return _grid(
        f"pJ/MAC, {other}",
        [*targets, "least"],
        [f"{point.shares[other]:.0%}" for point in points],
        [[f"{point.pj_per_mac[target]:.3g}" for point in points] for target in targets]
        + [[point.winner for point in points]],
    )


def sizes_table(points: Sequence[SizePoint]) -> RenderableType:
    """System energy of wider and wider stacks on each target, and who wins."""
    names = [row.target for row in points[0].rows] if points else []
    return _grid(
        "weights",
        [*names, "least"],
        [f"{point.weight_bytes / 1024:,.0f} KiB" for point in points],
        [[_size_cell(point.rows[i]) for point in points] for i in range(len(names))]
        + [[_least(point.winners) for point in points]],
    )


def _size_cell(row: Candidate | Refusal) -> str:
    if isinstance(row, Refusal):
        return "refused"
    energy = row.system_energy_j
    return format_si(energy.value, "J") if isinstance(energy, Quantity) else UNKNOWN
