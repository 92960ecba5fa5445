# SPDX-License-Identifier: MIT
"""`milliwatt map` on machines of analogue crossbars."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from milliwatt.cli.console import show, show_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from milliwatt.backend.aimc.pipeline import Pipeline
    from milliwatt.backend.aimc.placement import Assignment, Placement
    from milliwatt.backend.api import Cost, CostRow
    from milliwatt.backend.dimc.workload import Workload
    from milliwatt.ir.graph import Graph


def is_analogue(target: str) -> bool:
    """Whether the name, or the content of the .toml file, is of a machine of analogue crossbars."""
    from milliwatt.report.compare.aimc import FAMILY, names
    from milliwatt.report.compare.comparison import find_adapter

    if target.endswith(".toml"):
        return find_adapter(target)[0].family == FAMILY
    return target in names()


def show_mapping(network: Graph | Workload, target: str, *, as_json: bool) -> None:
    """Place the network on the machine and print where its layers lie and what they cost."""
    from milliwatt.backend.aimc import estimate, load_machine, place, place_layers
    from milliwatt.backend.aimc.lists import listed_layers
    from milliwatt.ir.graph import Graph

    machine = load_machine(target)
    if isinstance(network, Graph):
        placement = place(network, machine)
    else:
        placement = place_layers(listed_layers(network), machine)
    cost = estimate(placement)
    stream = _stream(placement, cost)
    if as_json:
        show_json(_as_json(network.name, placement, cost, stream))
    else:
        show(_report(network.name, placement, cost, stream))


def _stream(placement: Placement, cost: Cost) -> Pipeline | None:
    from milliwatt.backend.aimc.pipeline import pipelined

    return pipelined(placement, cost) if placement.rounds == 1 else None


def _report(name: str, placement: Placement, cost: Cost, stream: Pipeline | None) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    lines = ["", *_summary(name, placement, cost, stream), *placement.notes]
    return Group(_table(placement, cost), *(Text(line) for line in lines))


def _table(placement: Placement, cost: Cost) -> RenderableType:
    from milliwatt.report.layout import Column, FittedTable
    from milliwatt.units import format_si

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
    from milliwatt.units import format_si

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


def _as_json(
    name: str, placement: Placement, cost: Cost, stream: Pipeline | None
) -> dict[str, Any]:
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
