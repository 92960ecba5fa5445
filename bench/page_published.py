# SPDX-License-Identifier: MIT
"""The part of the page with published times on cores for which there is no cycle model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.markdown import table
from bench.rows import CoreLatency, Figures
from bench.suite import Suite
from bench.tables import Tables

_ABOUT = """\
Of these cores there is no cycle model. Ours are instructions for each multiply-accumulate (MAC),
counted; theirs are cycles for each MAC: published milliseconds times the board's clock. Both divide
by the MACs of the network as published. Instructions are no cycles: a Cortex-M7 may finish two
instructions in a cycle, the others take one cycle or more for each, and slow flash adds to all of
them (of known code the Cortex-M33 of an nRF5340 took 1.15 to 1.36 cycles for an instruction). The
last column says how many cycles an instruction of ours may take until the fastest of the others is
as fast.
"""


def published_section(suite: Suite, tables: Tables) -> str:
    """A table for each core that somebody published times on."""
    parts = ["## Other cores, beside published times\n", _ABOUT]
    for core in dict.fromkeys(entry.core for entry in tables.core_latencies):
        own = _own(suite, tables, core)
        entries = [entry for entry in tables.core_latencies if entry.core == core]
        if own:
            parts.append(_core(core, own, entries))
    return "\n".join(parts) if len(parts) > 2 else ""


def _own(suite: Suite, tables: Tables, core: str) -> dict[str, Figures]:
    """Our fastest plain build of each network on that core."""
    plain = {group.name for group in suite.groups if group.is_plain}
    found: dict[str, Figures] = {}
    for row in tables.figures:
        if row.core == core and row.group in plain:
            best = found.get(row.model)
            if best is None or row.instructions < best.instructions:
                found[row.model] = row
    return found


def _core(core: str, own: dict[str, Figures], entries: Sequence[CoreLatency]) -> str:
    systems = list(dict.fromkeys((e.engine, e.board, e.clock_mhz) for e in entries))
    times = {(e.engine, e.board, e.model): e for e in entries}
    models = [model for model in own if any(e.model == model for e in entries)]
    heads = [f"{engine}, {board}, {clock} MHz" for engine, board, clock in systems]
    lines = [
        [
            model,
            f"{own[model].instructions_per_mac:.2f}",
            *(_cell(times.get((engine, board, model)), own[model]) for engine, board, _ in systems),
            *_break_even(own[model], [e for e in entries if e.model == model]),
        ]
        for model in models
    ]
    titles = [core, "milliwatt: instructions per MAC", *heads, "cycles an instruction may take"]
    return table(titles, lines) + "\n"


def _cell(entry: CoreLatency | None, own: Figures) -> str:
    if entry is None:
        return "–"
    return f"{entry.cycles / own.macs:.2f} ({entry.latency_ms:g} ms)"


def _break_even(own: Figures, entries: Sequence[CoreLatency]) -> Iterator[str]:
    """Cycles an instruction may take until the fastest of the others is as fast."""
    yield f"{min(entry.cycles for entry in entries) / own.instructions:.2f}"
