# SPDX-License-Identifier: MIT
"""What tuning found, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from milliwatt.report.layout import Column, FittedTable
from milliwatt.tuning.tune import TunedLayer, Tuning

if TYPE_CHECKING:
    from rich.console import RenderableType


def tuning_json(tuning: Tuning) -> dict[str, Any]:
    """Values that `json.dumps` takes."""
    totals = ("instructions", "cycles", "flash_bytes", "arena_bytes")
    return {
        "target": tuning.target,
        "emulator": tuning.emulator,
        "rounds": tuning.rounds,
        "choices": {
            **asdict(tuning.choices),
            "objective": str(tuning.choices.objective),
        },
        "default": {name: getattr(tuning.default, name) for name in totals},
        "tuned": {name: getattr(tuning.tuned, name) for name in totals},
        "layers": [asdict(layer) for layer in tuning.layers],
    }


def tuning_table(tuning: Tuning) -> RenderableType:
    """Layers whose kernel changed, then the whole network before and after."""
    from rich.console import Group

    changed = [one for one in tuning.layers if one.default.kernel != one.tuned.kernel]
    unit = "instructions" if tuning.default.cycles is None else "modelled cycles"
    parts: list[RenderableType] = []
    if changed:
        parts = [_layer_table(changed, unit), ""]
    measured = sum(len(layer.measured) for layer in tuning.layers)
    parts += [
        _totals(tuning),
        f"{len(changed)} of {len(tuning.layers)} layers changed; {measured} pairs of layer and "
        f"kernel measured in {tuning.rounds} builds on {tuning.emulator} "
        f"({tuning.choices.compiler}, {tuning.choices.optimisation}), every output equal to the "
        "reference",
    ]
    return Group(*parts)


def _layer_table(layers: list[TunedLayer], unit: str) -> RenderableType:
    return FittedTable(
        (
            Column("layer", tuple(one.name for one in layers)),
            Column("default", tuple(one.default.kernel for one in layers), optional=1),
            Column("tuned", tuple(one.tuned.kernel for one in layers)),
            Column(unit, tuple(f"{one.default.work:,.0f}" for one in layers), right=True),
            Column("tuned", tuple(f"{one.tuned.work:,.0f}" for one in layers), right=True),
            Column(
                "change",
                tuple(_change(one.default.work, one.tuned.work) for one in layers),
                right=True,
            ),
        )
    )


def _totals(tuning: Tuning) -> RenderableType:
    before, after = tuning.default, tuning.tuned
    rows: list[tuple[str, float, float]] = [
        ("instructions", before.instructions, after.instructions)
    ]
    if before.cycles is not None and after.cycles is not None:
        rows.append(("modelled cycles", before.cycles, after.cycles))
    rows += [
        ("flash, bytes", before.flash_bytes, after.flash_bytes),
        ("arena, bytes", before.arena_bytes, after.arena_bytes),
    ]
    return FittedTable(
        (
            Column(f"objective {tuning.choices.objective}", tuple(row[0] for row in rows)),
            Column("default", tuple(f"{row[1]:,.0f}" for row in rows), right=True),
            Column("tuned", tuple(f"{row[2]:,.0f}" for row in rows), right=True),
            Column("change", tuple(_change(row[1], row[2]) for row in rows), right=True),
        )
    )


def _change(before: float, after: float) -> str:
    return f"{after / before - 1:+.1%}" if before else ""
