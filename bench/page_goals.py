# SPDX-License-Identifier: MIT
"""The part of the page that says which goals are met."""

from __future__ import annotations

from bench.goals import (
    BEYOND_WEIGHTS_FLASH_GOAL_BYTES,
    BEYOND_WEIGHTS_GOAL_BYTES,
    MOST_MORE_INSTRUCTIONS,
    core_goals,
)
from bench.markdown import count, ratio, table, tick
from bench.rows import Figures
from bench.suite import PUSHED, ROWS, Group, Model, Suite
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
    return table([*titles, "tuned: instructions", "tuned: cycles"], lines) + "\n"


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
    return table([*titles, "instructions, by rows over whole", "≤ 1.10"], lines) + "\n"


def _sram_line(model: Model, way: str, row: Figures, before: Figures) -> list[str]:
    pushed = way == PUSHED
    goal = model.pushed_goal_bytes if pushed else model.sram_goal_bytes
    return [
        f"{model.key}, rows pushed" if pushed else model.key,
        *map(count, (before.sram_bytes, row.sram_bytes, goal)),
        tick(goal is not None and row.sram_bytes <= goal),
        f"{row.instructions / before.instructions:.3f}",
        tick(row.instructions <= MOST_MORE_INSTRUCTIONS * before.instructions),
    ]


def _flash(suite: Suite, tables: Tables) -> str:
    fast = rows_of(tables, suite.headline)
    small = rows_of(tables, suite.sibling("gcc flash"))
    core = next((row.core for row in fast.values()), "")
    peers = {p.model: p for p in tables.peers if p.key[:2] == (core, "aot-cmsis Os")}
    lines: list[list[str]] = []
    for model, row in fast.items():
        own, peer = small.get(model), peers.get(model)
        theirs = None if peer is None or peer.flash_bytes is None else peer.flash_bytes
        lines.append(
            [
                model,
                count(row.beyond_weights_bytes),
                tick(row.beyond_weights_bytes <= BEYOND_WEIGHTS_GOAL_BYTES),
                count(None if own is None else own.beyond_weights_bytes),
                "–"
                if own is None
                else tick(own.beyond_weights_bytes <= BEYOND_WEIGHTS_FLASH_GOAL_BYTES),
                "–" if own is None else ratio(own.instructions, row.instructions),
                count(None if theirs is None else theirs - row.parameters_bytes),
            ]
        )
    titles = ["flash beyond weights and biases", "speed", "≤ 16,384", "objective flash", "≤ 8,192"]
    titles += ["instructions, flash over speed", "straight-line CMSIS-NN, -Os"]
    return table(titles, lines) + "\n"


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
    about = "Instructions over those of the best build of the same networks calling CMSIS-NN; in "
    about += "bold where above the goal.\n"
    return f"{about}\n{table(['', *models], lines)}\n" if lines else ""
