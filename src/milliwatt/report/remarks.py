# SPDX-License-Identifier: MIT
"""What the user should know of a compilation besides its figures, in words."""

from __future__ import annotations

from collections.abc import Mapping

from milliwatt.backend.mcu.compile import Compiled
from milliwatt.backend.mcu.planning.chains import ByRows, chains_by_rows
from milliwatt.backend.mcu.planning.fit import proof_lines
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.units import format_count


def remarks(compiled: Compiled) -> list[str]:
    """Lines on channels that are not computed, chains computed by rows, and what is proved."""
    plan = compiled.plan
    chains = chains_by_rows(plan)
    again = sum(chain.more_macs for chain in chains)
    lines = [_by_rows(chain, plan.macs - again) for chain in chains]
    return [*_left_out(compiled, plan.macs - again), *lines, *proof_lines(plan)]


def other_kernels(plan: Plan, kept: Mapping[str, str]) -> list[str]:
    """A line on nodes whose kernel in `kept` cannot be called by rows, or needs too much memory."""
    found: dict[str, str] = {}
    for step in plan.steps:
        band = None if step.stream is None else plan.streams[step.stream].stream.band
        name = step.node.name.removesuffix("" if band is None else f"/band {band.number}")
        if kept.get(name, step.kernel) != step.kernel:
            why = "needs more memory" if step.stream is None else "is not called so by rows"
            found[name] = f"'{name}': {step.kernel} in place of {kept[name]}, which {why}"
    return [f"kept kernels that gave way: {'; '.join(found.values())}"] if found else []


def _left_out(compiled: Compiled, after: int) -> list[str]:
    """What the model's channels that never change save: `after` multiplications are left."""
    before = run_pipeline(compiled.source).macs()
    if after >= before:
        return []
    share = 100 * (before - after) / before
    return [
        f"channels that never change are left out: {after:,} of {before:,} multiply-accumulates "
        f"remain ({share:.1f}% less)"
    ]


def _by_rows(chain: ByRows, macs: int) -> str:
    """Which layers are computed together, how much at a time, and what is computed again."""
    bands = "" if chain.bands == 1 else f" in {chain.bands} bands"
    layers = format_count(chain.layers, "layer")
    pace = format_count(chain.rows, "row")
    turn = "a turn" if chain.turns == 1 else f"in {chain.turns} turns"
    again = (
        f", {chain.more_macs:,} multiply-accumulates more ({chain.more_macs / max(macs, 1):.1%})"
        if chain.more_macs
        else ""
    )
    return (
        f"by rows{bands}: '{chain.first}' to '{chain.last}' ({layers}), {pace} {turn}, "
        f"{chain.memory_bytes:,} B{again}"
    )
