# SPDX-License-Identifier: MIT
"""Which sources a table was measured with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import milliwatt
from milliwatt.run.cache import content_key

KERNEL_SOURCES = Path(milliwatt.__file__).resolve().parent / "backend" / "mcu"
_SUFFIXES = (".py", ".c", ".h", ".in", ".toml")
_DIGITS = 12


def source_hash(folder: Path = KERNEL_SOURCES) -> str:
    """A hash over names and contents of the sources in `folder`, the same on every machine."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    parts = [part for path in paths for part in (path.relative_to(folder).as_posix(), _text(path))]
    return content_key(parts)[:_DIGITS]


def _text(path: Path) -> bytes:
    return path.read_bytes()


def commit_of(folder: Path = KERNEL_SOURCES) -> str:
    """The last commit that changed `folder`, with a `+` where it has changed since.

    "unknown" outside a checkout.
    """
    revision = _git(folder, "log", "-1", "--format=%h", f"--abbrev={_DIGITS}", "--", ".")
    if not revision:
        return "unknown"
    return revision + ("+" if _git(folder, "status", "--porcelain", "--", ".") else "")


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
