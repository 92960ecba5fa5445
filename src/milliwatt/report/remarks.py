# SPDX-License-Identifier: MIT
"""What the user should know of a compilation besides its figures, in words."""

from __future__ import annotations

from milliwatt.backend.mcu.compile import Compiled
from milliwatt.backend.mcu.planning.fit import proof_lines
from milliwatt.backend.mcu.planning.plan import PlacedStream, Plan
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.units import format_count


def remarks(compiled: Compiled) -> list[str]:
    """Lines on channels that are not computed, chains computed by rows, and what is proved."""
    plan = compiled.plan
    streams = [_by_rows(plan, placed) for placed in plan.streams]
    return [*_left_out(compiled), *streams, *proof_lines(plan)]


def _left_out(compiled: Compiled) -> list[str]:
    """What the model's channels that never change save."""
    before, after = run_pipeline(compiled.source).macs(), compiled.plan.macs
    if after >= before:
        return []
    share = 100 * (before - after) / before
    return [
        f"channels that never change are left out: {after:,} of {before:,} multiply-accumulates "
        f"remain ({share:.1f}% less)"
    ]


def _by_rows(plan: Plan, placed: PlacedStream) -> str:
    """Which layers a stream computes, and how much at a time."""
    stream = placed.stream
    first, last = (plan.steps[placed.steps[i]].node.name for i in (0, -1))
    pace = format_count(stream.pace.rows, "row")
    turn = "a turn" if stream.pace.turns == 1 else f"in {stream.pace.turns} turns"
    return (
        f"by rows: '{first}' to '{last}' ({format_count(len(placed.steps), 'layer')}), "
        f"{pace} {turn}, {stream.inner_bytes:,} B"
    )
