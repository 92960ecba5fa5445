# SPDX-License-Identifier: MIT
"""The part of the page with modelled times beside published ones."""

from __future__ import annotations

from bench.markdown import table, tick
from bench.page_goals import rows_of, why_missed
from bench.rows import Figures, PeerLatency
from bench.suite import Suite
from bench.tables import Tables

Latencies = dict[tuple[str, str], PeerLatency]


def latency_section(suite: Suite, tables: Tables) -> str:
    """Our estimate for each network beside every engine's time; the first engine is to be met."""
    theirs = {(entry.engine, entry.model): entry for entry in tables.latencies}
    engines = {entry.engine: entry.basis for entry in tables.latencies}
    tuned = rows_of(tables, suite.sibling(f"{suite.headline.compiler} tuned"))
    rows = rows_of(tables, suite.headline)
    lines = [
        _line(row, tuned.get(model), list(engines), theirs)
        for model, row in rows.items()
        if row.latency_ms is not None
    ]
    first = next(iter(engines), "")
    titles = ["ms", "milliwatt (modelled)", "range", "tuned (modelled)"]
    titles += [*(f"{engine} ({basis})" for engine, basis in engines.items())]
    titles.append(f"no slower than {first}")
    return (
        f"## Latency\n\n{_ABOUT.format(target=suite.headline.target)}\n{table(titles, lines)}\n"
        f"{_doubtful(rows, first, theirs)}"
    )


_ABOUT = """\
{target}, 120 MHz. Ours is an **estimate**: the board's fitted cycle model over traced instructions,
with the range of its largest error on the kernels it was fitted to. Published figures are silicon.
"""


def _line(row: Figures, tuned: Figures | None, engines: list[str], theirs: Latencies) -> list[str]:
    others = [theirs.get((engine, row.model)) for engine in engines]
    bar = others[0] if others else None
    met = "–" if bar is None or row.latency_ms is None else tick(row.latency_ms <= bar.latency_ms)
    return [
        row.model,
        _ms(row.latency_ms),
        f"{_ms(row.latency_low_ms)} to {_ms(row.latency_high_ms)}",
        _ms(None if tuned is None else tuned.latency_ms),
        *("–" if other is None else f"{other.latency_ms:g}" for other in others),
        met,
    ]


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _doubtful(rows: dict[str, Figures], engine: str, theirs: Latencies) -> str:
    """The networks whose range reaches above that engine's time, and why."""
    models = [
        model
        for model, row in rows.items()
        if (bar := theirs.get((engine, model))) and (row.latency_high_ms or 0.0) > bar.latency_ms
    ]
    if not models:
        return ""
    told = f"\nThe range reaches above {engine}'s time for {', '.join(models)}.\n"
    return told + why_missed("latency", models)
