# SPDX-License-Identifier: MIT
"""The gate: no deterministic figure may become worse than the committed table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.rows import Figures, LayerFigures

REFRESH = "make bench"
GATED = (
    "instructions",
    "cycles",
    "image_bytes",
    "beyond_weights_bytes",
    "sram_bytes",
    "stack_bytes",
)


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a network that differs from the committed table; None: it is not in there."""

    group: str
    model: str
    figure: str
    before: int | None
    after: int

    @property
    def is_worse(self) -> bool:
        return self.before is None or self.after > self.before

    def __str__(self) -> str:
        what = f"{self.group} {self.model}: {self.figure}"
        if self.before is None:
            return f"{what} {self.after:,}, not in the committed table"
        change = f"{self.after / self.before - 1:+.2%}" if self.before else "from nothing"
        return f"{what} {self.before:,} -> {self.after:,} ({change})"


def changes(before: Sequence[Figures], after: Sequence[Figures]) -> list[Change]:
    """Every gated figure of `after` that differs from the same network's in `before`."""
    table = {row.key: row for row in before}
    found: list[Change] = []
    for row in after:
        old = table.get(row.key)
        for figure in GATED:
            was = None if old is None else getattr(old, figure)
            now = getattr(row, figure)
            if now is not None and was != now:
                found.append(Change(row.group, row.model, figure, was, now))
    return found


def layer_changes(before: Sequence[LayerFigures], after: Sequence[LayerFigures]) -> list[Change]:
    """Every layer that stands at the same place in both tables and takes other instructions.

    Its cycles are not compared: they depend on the code around it.
    """
    table = {(*row.key, row.layer, row.name): row.instructions for row in before}
    return [
        Change(row.group, row.model, f"layer {row.layer} '{row.name}': instructions", was, now)
        for row in after
        if (was := table.get((*row.key, row.layer, row.name))) is not None
        if (now := row.instructions) != was
    ]


def why_incomparable(committed: Sequence[Figures], compiler_version: str) -> str | None:
    """Why the committed figures say nothing about this compiler's; None where they do."""
    versions = sorted({row.compiler for row in committed})
    if versions and versions != [compiler_version]:
        return f"the table was made by {', '.join(versions)}; here is {compiler_version}"
    return None


def verdict(found: Sequence[Change]) -> tuple[bool, str]:
    """Whether the gate passes, and what to tell: what became worse, and what better."""
    worse = [change for change in found if change.is_worse]
    better = [change for change in found if not change.is_worse]
    lines: list[str] = []
    if worse:
        lines += ["worse than committed in bench/results:", *(f"  {c}" for c in worse)]
    if better:
        lines += ["better than committed in bench/results:", *(f"  {c}" for c in better)]
    if found:
        lines.append(f"to refresh the table: {REFRESH}")
    else:
        lines.append("no figure differs from bench/results")
    return not worse, "\n".join(lines)
