# SPDX-License-Identifier: MIT
"""Worked examples in the documents: their steps applied to a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import Block, blocks
from tests.support import REPOSITORY

COPIED = ("src", "tests", "examples", "pyproject.toml")
TIMEOUT_S = 300
ELISION = "…"


def apply_document(document: Path, folder: Path) -> Path:
    """A copy of the repository in `folder` with every step of `document` done; its root.

    A block that names a file is that file's content; a block of language `diff` changes one.
    """
    root = folder / "copy"
    root.mkdir()
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    for block in blocks(document):
        if block.language == "diff":
            _change(block, root)
        elif block.file is not None:
            path = root / block.file
            if path.exists():
                raise ValueError(f"{block}: {block.file} exists already")
            path.write_text(block.content, encoding="utf-8")
    return root


def _change(block: Block, root: Path) -> None:
    """Replace, for each part between `@@` lines, the old lines (` `, `-`) by the new (` `, `+`).

    The old lines must stand in the file exactly once. `…` at the end of an old line is the rest of
    that line, whatever it is, and stands for the same in the new line.
    """
    first, _, rest = block.body.partition("\n")
    path = root / first.removeprefix("--- ")
    text = path.read_text(encoding="utf-8")
    for part in rest.split("@@\n"):
        old = _side(part, "-")
        pattern = re.escape(old).replace(re.escape(ELISION), "(.*)")
        found = list(re.finditer(f"^{pattern}", text, re.MULTILINE))
        if len(found) != 1:
            raise ValueError(f"{block}: stands {len(found)} times in {path.name}:\n{old}")
        new = _side(part, "+")
        for kept in found[0].groups():
            new = new.replace(ELISION, kept, 1)
        text = text[: found[0].start()] + new + text[found[0].end() :]
    path.write_text(text, encoding="utf-8")


def _side(part: str, mark: str) -> str:
    """The lines of one side of a change."""
    return "".join(f"{line[1:]}\n" for line in part.splitlines() if line[:1] in (" ", mark, ""))


def run_python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, with the copy's package."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
