# SPDX-License-Identifier: MIT
"""A network on analogue crossbars: where its layers lie and what they cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from milliwatt.backend.aimc.pipeline import Pipeline
from milliwatt.backend.aimc.placement import Assignment, Placement
from milliwatt.backend.api import Cost, CostRow
from milliwatt.report.layout import Column, FittedTable
from milliwatt.units import format_si

if TYPE_CHECKING:
    from rich.console import RenderableType


def mapping_table(
    name: str, placement: Placement, cost: Cost, stream: Pipeline | None
) -> RenderableType:
    """The layers of network `name` as a table, and the whole in words.

    `stream` is what many inferences behind one another take, where the arrays keep their weights.
    """
    from rich.console import Group
    from rich.text import Text

    lines = ["", *_summary(name, placement, cost, stream), *placement.notes]
    return Group(_table(placement, cost), *(Text(line) for line in lines))


def _table(placement: Placement, cost: Cost) -> FittedTable:
    pairs = _pairs(placement, cost)
    return FittedTable(
        (
            Column("layer", tuple(row.node for _, row in pairs)),
            Column("unit", tuple("" if a is None else a.unit for a, _ in pairs)),
            Column("matrix", tuple(_matrix(a) for a, _ in pairs), True, optional=2),
            Column("products", tuple(_products(a) for a, _ in pairs), True, optional=3),
            Column("tiles", tuple(_tiles(a) for a, _ in pairs), right=True, optional=1),
            Column("filled", tuple(_filled(a) for a, _ in pairs), right=True, optional=1),
            Column("cycles", tuple(f"{row.cycles:,.0f}" for _, row in pairs), right=True),
            Column(
                "energy", tuple(format_si(r.energy_pj * 1e-12, "J") for _, r in pairs), right=True
            ),
        )
    )


def _pairs(placement: Placement, cost: Cost) -> list[tuple[Assignment | None, CostRow]]:
    """Each row of the cost with its assignment; rewriting has none."""
    assignments = [*placement.assignments, *[None] * (len(cost.rows) - len(placement.assignments))]
    return list(zip(assignments, cost.rows, strict=True))


def _matrix(assignment: Assignment | None) -> str:
    if assignment is None or not assignment.layer.rows:
        return ""
    layer = assignment.layer
    groups = "" if layer.groups == 1 else f"{layer.groups} of "
    return f"{groups}{layer.rows} x {layer.columns}, {layer.weight_bits}b"


def _products(assignment: Assignment | None) -> str:
    return "" if assignment is None or not assignment.tiles else f"{assignment.layer.vectors:,}"


def _tiles(assignment: Assignment | None) -> str:
    if assignment is None or not assignment.tiles:
        return ""
    copies = "" if assignment.replicas == 1 else f" x {assignment.replicas}"
    return f"{len(assignment.tiles)}{copies}"


def _filled(assignment: Assignment | None) -> str:
    return "" if assignment is None or not assignment.tiles else f"{assignment.fill:.0%}"


def _summary(name: str, placement: Placement, cost: Cost, stream: Pipeline | None) -> list[str]:
    machine, seconds = placement.machine, cost.seconds
    energy = ", ".join(
        f"{part} {format_si(pj * 1e-12, 'J')}" for part, pj in cost.energy_by_component_pj.items()
    )
    lines = [
        f"{name} on {placement.arrays_used} of {int(machine.arrays.value)} arrays of "
        f"{machine.title}; {placement.utilisation:.1%} of their cells hold weights",
        f"one inference: {format_si(seconds, 's')} ({cost.cycles:,.0f} cycles at "
        f"{format_si(cost.clock_hz, 'Hz')}), {format_si(cost.energy_pj * 1e-12, 'J')} ({energy})",
    ]
    if stream is not None:
        lines.append(
            f"one behind another: {stream.inferences_per_second:,.0f} a second, "
            f"{format_si(stream.energy_pj * 1e-12, 'J')} each; pace set by {stream.bottleneck}; "
            f"{stream.map_bytes:,} B of maps wait between layers"
        )
    error = "" if cost.error is None else f"; known error {cost.error:.0%}"
    return [*lines, f"{cost.basis}: {cost.source}{error}"]


def mapping_json(
    name: str, placement: Placement, cost: Cost, stream: Pipeline | None
) -> dict[str, Any]:
    """Everything `mapping_table` shows, as values that `json.dumps` takes."""
    return {
        "network": name,
        "machine": placement.machine.name,
        "arrays_used": placement.arrays_used,
        "arrays": int(placement.machine.arrays.value),
        "rounds": placement.rounds,
        "seconds": cost.seconds,
        "energy_pj": cost.energy_pj,
        "energy_by_component_pj": cost.energy_by_component_pj,
        "pipeline": None if stream is None else asdict(stream),
        "layers": [_row_json(assignment, row) for assignment, row in _pairs(placement, cost)],
        "notes": list(placement.notes),
    }


def _row_json(assignment: Assignment | None, row: CostRow) -> dict[str, Any]:
    content: dict[str, Any] = {
        "layer": row.node,
        "macs": row.macs,
        "cycles": row.cycles,
        "energy_pj": row.energy_pj,
        "bytes_moved": row.bytes_moved,
    }
    if assignment is None:
        return content
    tiles = [{"tile": asdict(p.tile), "spot": asdict(p.spot)} for p in assignment.tiles]
    return content | {
        "unit": assignment.unit,
        "replicas": assignment.replicas,
        "round": assignment.round,
        "tiles": tiles,
    }
