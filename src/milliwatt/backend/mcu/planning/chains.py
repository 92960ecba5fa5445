# SPDX-License-Identifier: MIT
"""The chains of layers that a plan computes by rows, for reports: bands of one chain together."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.backend.mcu.planning.plan import PlacedStream, Plan


@dataclass(frozen=True, slots=True)
class ByRows:
    """Layers computed together, `rows` rows of the last one in `turns` turns.

    In several `bands` of columns, one after the other, `more_macs` multiplications are done beyond
    those of whole layers. `memory_bytes` are those of the band that needs most.
    """

    first: str
    last: str
    layers: int
    rows: int
    turns: int
    memory_bytes: int
    bands: int = 1
    more_macs: int = 0


def chains_by_rows(plan: Plan) -> tuple[ByRows, ...]:
    """The chains in the order of their streams."""
    found: list[ByRows] = []
    for at, placed in enumerate(plan.streams):
        band = placed.stream.band
        count = 1 if band is None else band.count
        if band is None or band.number == 1:
            found.append(_chain(plan, plan.streams[at : at + count]))
    return tuple(found)


def _chain(plan: Plan, bands: tuple[PlacedStream, ...]) -> ByRows:
    stream, steps = bands[0].stream, bands[0].steps
    first, last = (plan.steps[steps[i]].node.name for i in (0, -1))
    layers, more_macs = len(steps), 0
    if stream.band is not None:
        layers, more_macs = len(stream.band.layers), stream.band.more_macs
        first, last = stream.band.layers[0], stream.band.layers[-1]
    return ByRows(
        first=first,
        last=last,
        layers=layers,
        rows=stream.pace.rows,
        turns=stream.pace.turns,
        memory_bytes=max(placed.stream.inner_bytes for placed in bands),
        bands=len(bands),
        more_macs=more_macs,
    )
