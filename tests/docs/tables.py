# SPDX-License-Identifier: MIT
"""Tables that stand between markers of a page, and whether they are what the code makes now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

TOLERANCE = 0.05
"""Compilers of other versions count other instructions; a wrong formula shows far above it."""
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")

Tables = Mapping[str, Callable[[], str]]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, the first column to the left, the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def table_in(text: str, name: str) -> str:
    """What stands between the markers of a table."""
    found = re.search(rf"<!-- {name}:start -->\n(.*?)\n?<!-- {name}:end -->", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"the page has no markers of the table '{name}'")
    return found.group(1)


def filled(text: str, name: str, table: str) -> str:
    """The text with the table between its markers."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    head, rest = text.split(start)
    _, tail = rest.split(end)
    return f"{head}{start}\n{table}\n{end}{tail}"


def write(page: Path, tables: Tables) -> None:
    """Fill every table of the page."""
    text = page.read_text(encoding="utf-8")
    for name, make in tables.items():
        text = filled(text, name, make())
    page.write_text(text, encoding="utf-8")


def marked(text: str) -> set[str]:
    """The names of the tables that a page has markers for."""
    return set(re.findall(r"<!-- (\w+):start -->", text))


def assert_same(written: str, made: str, command: str) -> None:
    """Equal text, numbers within the tolerance or one unit of a rounded digit."""
    hint = f"the page is out of date: run {command}"
    assert _NUMBER.sub("#", written) == _NUMBER.sub("#", made), hint
    for old, new in zip(_NUMBER.findall(written), _NUMBER.findall(made), strict=True):
        first, second = (float(text.replace(",", "")) for text in (old, new))
        digits = len(old.partition(".")[2].partition("e")[0])
        step = 10.0**-digits
        assert abs(first - second) <= max(TOLERANCE * abs(first), 1.01 * step), hint
