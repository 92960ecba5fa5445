# SPDX-License-Identifier: MIT
"""The measured tables of docs/tuning.md, from bench/results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.kernels.alternatives_page import filled as filled_marks
from bench.markdown import count, table
from bench.readme import filled
from bench.rows import Figures, read_rows
from bench.suite import BENCH, RESULTS, TUNED, Group, Suite
from bench.tables import Tables
from bench.tuning_rows import CHOICES, ChoiceCost

PAGE = BENCH.parent / "docs" / "tuning.md"


def tuning_block(suite: Suite, tables: Tables) -> str:
    """What tuning gained on each network that was tuned, core by core."""
    tuned = [group for group in suite.groups if group.way == TUNED]
    headline = [group for group in tuned if group.platform == suite.headline.platform]
    others = [group for group in tuned if group not in headline]
    parts = [_with_cycles(group, tables) for group in headline]
    if others:
        parts.append(_other_cores(others, tables))
    return "\n\n".join(parts) + "\n"


def _pairs(group: Group, tables: Tables) -> Iterator[tuple[Figures, Figures]]:
    """Of each network the row by default and the tuned one."""
    before = {row.model: row for row in tables.figures if row.group == _default_of(group)}
    for row in tables.figures:
        if row.group == group.name and row.model in before:
            yield before[row.model], row


def _default_of(group: Group) -> str:
    """The name of the group with the default kernels."""
    return group.name.removesuffix(f"-{TUNED}")


def _with_cycles(group: Group, tables: Tables) -> str:
    lines = [
        [
            old.model,
            *(count(old.instructions), count(new.instructions)),
            *(count(old.cycles), count(new.cycles)),
            f"{new.cycles / old.cycles - 1:+.1%}",
            *(count(old.flash_bytes), count(new.flash_bytes)),
            *(count(old.arena_bytes), count(new.arena_bytes)),
        ]
        for old, new in _pairs(group, tables)
        if old.cycles is not None and new.cycles is not None
    ]
    titles = [f"{group.core_title}, {group.compiler} {group.optimisation}", "instructions", "tuned"]
    titles += ["modelled cycles", "tuned", "change"]
    return table([*titles, "flash", "tuned", "arena", "tuned"], lines)


def _other_cores(groups: Sequence[Group], tables: Tables) -> str:
    lines = [
        [
            group.core_title,
            old.model,
            *(count(old.instructions), count(new.instructions)),
            f"{new.instructions / old.instructions - 1:+.1%}",
            *(count(old.flash_bytes), count(new.flash_bytes)),
        ]
        for group in groups
        for old, new in _pairs(group, tables)
    ]
    titles = ["other cores", "", "instructions", "tuned", "change"]
    return table([*titles, "flash", "tuned"], lines)


def choices_table(rows: Sequence[ChoiceCost]) -> str:
    """How much more than the best each network costs as `compile` chooses by itself."""
    lines = [
        [
            row.model,
            f"`{row.objective}`",
            f"{row.compiled:.4f}",
            f"{row.kernels:.4f}",
            f"{row.compiled / row.kernels - 1:.1%}",
            f"{row.changed} of {row.layers}",
            f"{row.tuned:.4f}",
            f"{row.compiled / row.tuned - 1:.1%}",
        ]
        for row in rows
    ]
    titles = ["", "objective", "`compile`", "best kernels", "regret", "layers that differ"]
    return table([*titles, "tuned", "regret"], lines)


def filled_page(suite: Suite, tables: Tables, page: Path = PAGE, results: Path = RESULTS) -> str:
    """docs/tuning.md with its tables."""
    text = filled(page.read_text("utf-8"), tuning_block(suite, tables))
    rows = read_rows(results / CHOICES, ChoiceCost)
    return filled_marks(text, {"choices": choices_table(rows)})
