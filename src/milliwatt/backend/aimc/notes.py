# SPDX-License-Identifier: MIT
"""What a user should know of a placement: what suits crossbars badly, what is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from milliwatt.backend.aimc.layers import Layer
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.placement import Assignment
from milliwatt.backend.aimc.tiling import Tile
from milliwatt.backend.aimc.timing import excess_bytes
from milliwatt.units import format_count


def mapping_notes(assignments: Sequence[Assignment], machine: Machine) -> list[str]:
    """Layers that fill arrays badly, that exceed the memory, that are not counted."""
    notes: list[str] = []
    bad = [a for a in assignments if a.unit == "arrays" and a.layer.groups > 1]
    for a in bad:
        notes.append(
            f"'{a.layer.name}' ({a.layer.kind}, {a.layer.groups} groups) lies on the diagonal of "
            f"{a.cells:,} cells and uses {a.fill:.1%} of them: a crossbar does this badly"
        )
    big = [a for a in assignments if excess_bytes(a.layer, a.unit, machine)]
    if big:
        over = sum(excess_bytes(a.layer, a.unit, machine) for a in big)
        known = machine.system.next_memory is not None
        notes.append(
            f"{format_count(len(big), 'layer')} (first: '{big[0].layer.name}') exceed the memory "
            f"of {int(machine.system.l1_bytes.value):,} B by {over:,} B together, which "
            + ("go to the next memory" if known else "cost more than is known here")
        )
    if machine.system.cores is None and any(not a.layer.rows for a in assignments):
        notes.append("layers without weights run outside the machine and are not counted")
    return notes


def left_notes(
    left: Sequence[Layer], machine: Machine, tiles: Mapping[str, tuple[Tile, ...]]
) -> list[str]:
    """The layers for which no array is left, and who computes them."""
    if not left:
        return []
    cells = sum(t.area for layer in left for t in tiles[layer.name])
    names = ", ".join(f"'{layer.name}'" for layer in left)
    return [
        f"no array left for {names} ({cells:,} cells): the cores or the depthwise engine of "
        f"'{machine.name}' compute them"
    ]
