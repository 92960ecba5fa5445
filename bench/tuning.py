# SPDX-License-Identifier: MIT
"""The measured table of docs/tuning.md, from bench/results."""

from __future__ import annotations

from pathlib import Path

from bench.markdown import count, table
from bench.page_goals import rows_of
from bench.readme import filled
from bench.suite import BENCH, TUNED, Suite
from bench.tables import Tables

PAGE = BENCH.parent / "docs" / "tuning.md"


def tuning_block(suite: Suite, tables: Tables) -> str:
    """What tuning gained on each network that was tuned."""
    before = rows_of(tables, suite.headline)
    after = rows_of(tables, suite.sibling(f"{suite.headline.compiler} {TUNED}"))
    lines: list[list[str]] = []
    for model, row in after.items():
        old = before.get(model)
        if old is None or old.cycles is None or row.cycles is None:
            continue
        lines.append(
            [
                model,
                *(count(old.instructions), count(row.instructions)),
                *(count(old.cycles), count(row.cycles)),
                f"{row.cycles / old.cycles - 1:+.1%}",
                *(count(old.flash_bytes), count(row.flash_bytes)),
                *(count(old.arena_bytes), count(row.arena_bytes)),
            ]
        )
    titles = ["Cortex-M4, gcc -O2", "instructions", "tuned", "modelled cycles", "tuned", "change"]
    return table([*titles, "flash", "tuned", "arena", "tuned"], lines) + "\n"


def filled_page(suite: Suite, tables: Tables, page: Path = PAGE) -> str:
    """docs/tuning.md with the table."""
    return filled(page.read_text("utf-8"), tuning_block(suite, tables))
