# SPDX-License-Identifier: MIT
"""Tables and paragraphs that fit the terminal: narrow ones show less, never half a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a `FittedTable`.

    Where the width does not do, the columns of the largest `optional` go first; 0 never goes.
    """

    title: str
    cells: tuple[str, ...]
    right: bool = False
    optional: int = 0

    def __post_init__(self) -> None:
        # Names come from model files: no line breaks, no codes that steer a terminal.
        plain = tuple("".join(c if c.isprintable() else "?" for c in text) for text in self.cells)
        object.__setattr__(self, "cells", plain)

    @property
    def width(self) -> int:
        """Columns of the terminal that the widest cell takes."""
        from rich.cells import cell_len

        return max(cell_len(text) for text in (self.title, *self.cells))


@dataclass(frozen=True, slots=True)
class FittedTable:
    """Rows of one line each. The first column holds names, cut at their beginning to fit.

    They keep `name_width` columns where leaving out optional columns makes the room.
    """

    columns: tuple[Column, ...]
    name_width: int = 18
    gap: int = _GAP

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        columns = self.fitting(options.max_width)
        titles = self._line(columns, [column.title for column in columns])
        yield Text(titles, style="bold", no_wrap=True)
        for row in zip(*(column.cells for column in columns), strict=True):
            yield Text(self._line(columns, row), no_wrap=True)

    def _line(self, columns: Sequence[Column], cells: Sequence[str]) -> str:
        from rich.cells import cell_len

        parts: list[str] = []
        for column, text in zip(columns, cells, strict=True):
            space = " " * (column.width - cell_len(text))
            parts.append(space + text if column.right else text + space)
        return (" " * self.gap).join(parts).rstrip()

    def fitting(self, width: int) -> tuple[Column, ...]:
        """Those of the columns that fit `width`, the first one's cells shortened to the rest."""
        kept = list(self.columns)
        while self._room(kept, width) < min(self.name_width, kept[0].width):
            last = max(kept[1:], key=lambda column: column.optional, default=None)
            if last is None or not last.optional:
                break
            kept.remove(last)
        first = kept[0]
        room = max(self._room(kept, width), len(first.title))
        cells = tuple(shortened(text, room) for text in first.cells)
        return Column(first.title, cells, first.right), *kept[1:]

    def _room(self, columns: Sequence[Column], width: int) -> int:
        """What the other columns leave to the first."""
        return width - sum(column.width + self.gap for column in columns[1:])


def shortened(text: str, width: int) -> str:
    """The end of `text`, which tells names of layers apart, in at most `width` columns."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return f"…{text}"


def paragraphs(rows: Sequence[tuple[str, str]], indent: str = "") -> RenderableType:
    """A word and its text in each row, texts wrapped behind the words."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for word, text in rows:
        grid.add_row(Text(indent + word), Text(text))
    return grid
