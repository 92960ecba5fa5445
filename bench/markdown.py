# SPDX-License-Identifier: MIT
"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers, aligned right."""
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def count(value: int | None) -> str:
    """`7,696,262`, or a dash where it is not known."""
    return "–" if value is None else f"{value:,}"


def ratio(ours: float, theirs: float | None) -> str:
    """`0.31`, ours over theirs, or a dash where theirs is not known."""
    return "–" if theirs is None else f"{ours / theirs:.2f}"


def tick(met: bool) -> str:
    """Whether a goal is met."""
    return "yes" if met else "**no**"
