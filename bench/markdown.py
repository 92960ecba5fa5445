# SPDX-License-Identifier: MIT
"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], texts: Collection[str] = ()) -> str:
    """A table whose first column and those titled in `texts` are text, the others numbers."""
    texts = {titles[0], *texts}
    lines = [titles, ["---" if title in texts else "---:" for title in titles], *rows]
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
