# SPDX-License-Identifier: MIT
"""The part of the page that says which goals are met."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from bench.goals import (
    BEYOND_WEIGHTS_FLASH_GOAL_BYTES,
    BEYOND_WEIGHTS_GOAL_BYTES,
    MOST_MORE_INSTRUCTIONS,
    core_goals,
)
from bench.markdown import count, ratio, table, tick
from bench.rows import Figures, Peer
from bench.suite import BENCH, PUSHED, ROWS, Group, Model, Suite
from bench.tables import Tables


def goals_section(suite: Suite, tables: Tables) -> str:
    """Goals beyond the peers' figures, each beside what was measured."""
    return "\n".join(
        [
            "## Goals\n",
            _instructions(suite, tables),
            _sram(suite, tables),
            _flash(suite, tables),
            _cores(suite, tables),
        ]
    )


def rows_of(tables: Tables, group: Group | None) -> dict[str, Figures]:
    """The rows of a group by model."""
    name = None if group is None else group.name
    return {row.model: row for row in tables.figures if row.group == name}


def why_missed(goal: str, models: Sequence[str], path: Path = BENCH / "missed.toml") -> str:
    """A line for each of these networks: why it misses that goal, where that is written down."""
    reasons = tomllib.loads(path.read_text("utf-8")).get(goal, {})
    lines = [f"- **{model}**: {reasons[model]}.\n" for model in models if model in reasons]
    return "".join(["\n", *lines]) if lines else ""


def _instructions(suite: Suite, tables: Tables) -> str:
    rows = rows_of(tables, suite.headline)
    tuned = rows_of(tables, suite.sibling("gcc tuned"))
    lines: list[list[str]] = []
    for model in suite.headline.models:
        row, goal, further = (
            rows.get(model.key),
            model.instructions_goal,
            model.instructions_further,
        )
        if row is None or goal is None or further is None:
            continue
        best = tuned.get(model.key)
        lines.append(
            [
                model.key,
                count(row.instructions),
                count(row.cycles),
                *(count(goal), tick(row.instructions <= goal)),
                *(count(further), tick(row.instructions <= further)),
                count(None if best is None else best.instructions),
                count(None if best is None else best.cycles),
            ]
        )
    titles = ["speed", "instructions", "modelled cycles", "reach", "met", "go on towards", "met"]
    missed = [model.key for model in suite.headline.models if _misses_further(model, rows)]
    body = table([*titles, "tuned: instructions", "tuned: cycles"], lines)
    return f"{body}\n{why_missed('further', missed)}"


def _misses_further(model: Model, rows: dict[str, Figures]) -> bool:
    row, further = rows.get(model.key), model.instructions_further
    return row is not None and further is not None and row.instructions > further


def _sram(suite: Suite, tables: Tables) -> str:
    lines: list[list[str]] = []
    for group in suite.groups:
        if group.way not in (ROWS, PUSHED) or group.target != suite.headline.target:
            continue
        plain = next(g for g in suite.platforms()[group.platform] if g.is_plain)
        for model in group.models:
            row, before = (rows_of(tables, g).get(model.key) for g in (group, plain))
            if row is not None and before is not None:
                lines.append(_sram_line(model, group.way, row, before))
    titles = ["SRAM", "layers whole", "by rows", "reach", "met"]
    titles += ["instructions, by rows over whole", "≤ 1.10", "modelled cycles, the same"]
    return table(titles, lines) + "\n"


def _sram_line(model: Model, way: str, row: Figures, before: Figures) -> list[str]:
    pushed = way == PUSHED
    goal = model.pushed_goal_bytes if pushed else model.sram_goal_bytes
    return [
        f"{model.key}, rows pushed" if pushed else model.key,
        *map(count, (before.sram_bytes, row.sram_bytes, goal)),
        tick(goal is not None and row.sram_bytes <= goal),
        f"{row.instructions / before.instructions:.3f}",
        tick(row.instructions <= MOST_MORE_INSTRUCTIONS * before.instructions),
        "–" if row.cycles is None or not before.cycles else f"{row.cycles / before.cycles:.3f}",
    ]


def _flash(suite: Suite, tables: Tables) -> str:
    fast = rows_of(tables, suite.headline)
    small = rows_of(tables, suite.sibling("gcc flash"))
    core = next((row.core for row in fast.values()), "")
    peers = {p.model: p for p in tables.peers if p.key[:2] == (core, "aot-cmsis Os")}
    lines = [
        _flash_line(model, fast[model.key], small.get(model.key), peers.get(model.key))
        for model in suite.headline.models
        if model.key in fast
    ]
    titles = ["flash beyond weights and biases", "speed", "≤ 16,384", "objective flash", "≤ 8,192"]
    titles += ["instructions, flash over speed", "cycles", "straight-line CMSIS-NN, -Os"]
    return f"{table(titles, lines)}\n\n{_FLASH_ABOUT}"


_FLASH_ABOUT = """\
The goals are for MLPerf Tiny's networks. Beyond weights lie two words for each output channel,
which larger networks have more of, and code, which grows with the number of different layers.
"""


def _flash_line(model: Model, fast: Figures, small: Figures | None, peer: Peer | None) -> list[str]:
    theirs = None if peer is None or peer.flash_bytes is None else peer.flash_bytes

    def met(row: Figures | None, goal_bytes: int) -> str:
        held = row is not None and model.has_flash_goal
        return tick(row.beyond_weights_bytes <= goal_bytes) if row and held else "–"

    return [
        model.key,
        count(fast.beyond_weights_bytes),
        met(fast, BEYOND_WEIGHTS_GOAL_BYTES),
        count(None if small is None else small.beyond_weights_bytes),
        met(small, BEYOND_WEIGHTS_FLASH_GOAL_BYTES),
        "–" if small is None else ratio(small.instructions, fast.instructions),
        "–" if small is None or not small.cycles else ratio(small.cycles, fast.cycles),
        count(None if theirs is None else theirs - fast.parameters_bytes),
    ]


def _cores(suite: Suite, tables: Tables) -> str:
    goals = core_goals(suite, tables.figures, tables.peers)
    platforms = list(dict.fromkeys(goal.core for goal in goals))
    by_key = {(goal.core, goal.model): goal for goal in goals}
    models = list(dict.fromkeys(goal.model for goal in goals))
    lines: list[list[str]] = []
    for core in platforms:
        limit = next(goal.text for goal in goals if goal.core == core)
        cells: list[str] = []
        for model in models:
            goal = by_key.get((core, model))
            text = "–" if goal is None else f"{goal.ratio:.2f}"
            cells.append(text if goal is None or goal.met else f"**{text}**")
        lines.append([f"{core}: {limit}", *cells])
    about = "Instructions over those of the best build of the same networks that calls CMSIS-NN "
    about += "(where there is no\nother, within an interpreter); in bold where above the goal. The "
    about += "Cortex-M3, which has no instructions for\npacked numbers, and RV32IMC, for which no "
    about += "peer was measured, are shown without a goal.\n"
    return f"{about}\n{table(['', *models], lines)}\n" if lines else ""
