# SPDX-License-Identifier: MIT
"""Fenced blocks and links of Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import REPOSITORY

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S
)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]\n]*\]\((?P<to>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$", re.M)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it begins, its language, its text without the fences."""

    path: Path
    line: int
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(REPOSITORY)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The path that a block's first line gives it: `# file: PATH` or `/* file: PATH */`."""
        first = self.body.split("\n", 1)[0]
        found = re.fullmatch(r"(?:#|/\*|<!--) file: (\S+)(?: \*/| -->)?", first)
        return None if found is None else found[1]

    @property
    def content(self) -> str:
        """The text of the file: everything after the line that names it."""
        return self.body.split("\n", 1)[1] if self.file else self.body


def markdown_files() -> list[Path]:
    """The documents written by people or by scripts of this repository."""
    return [
        *sorted(REPOSITORY.glob("*.md")),
        *sorted(
            p
            for d in ("docs", "examples", "bench", "requirements")
            for p in (REPOSITORY / d).glob("*.md")
        ),
    ]


def blocks(path: Path) -> list[Block]:
    """Every fenced block of a file, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(path, text.count("\n", 0, m.start()) + 1, m["info"].strip(), m["body"])
        for m in _FENCE.finditer(text)
    ]


def all_blocks(language: str) -> list[Block]:
    """The blocks of one language in all documents."""
    return [b for path in markdown_files() for b in blocks(path) if b.language == language]


def links(path: Path) -> Iterator[str]:
    """Where the links of a file lead, code left out."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for match in _LINK.finditer(_INLINE_CODE.sub("", text)):
        yield match["to"]


def anchors(path: Path) -> set[str]:
    """The anchors of a file's headings, spelled as GitHub spells them."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", m["title"].lower()).replace(" ", "-")
        for m in _HEADING.finditer(text)
    }
