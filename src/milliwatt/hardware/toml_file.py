# SPDX-License-Identifier: MIT
"""Descriptions in TOML: those that ship in a folder of a package, and a user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from milliwatt.errors import TargetError, reason_of

Content = dict[str, Any]
_MAX_FILE_BYTES = 1_000_000


def shipped(package: str, folder: str) -> Iterator[tuple[Content, str]]:
    """Content and file name of each description in a package's folder."""
    for item in (resources.files(package) / folder).iterdir():
        if item.name.endswith(".toml"):
            yield _content(item.read_bytes(), item.name), item.name


def read_toml(path: Path, what: str) -> Content:
    """The content of a user's file; TargetError, with the file, where it is no TOML.

    `what` it should describe, such as "target", is for the message.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise TargetError(f"{path}: cannot be read: {reason_of(error)}") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise TargetError(f"{path}: is larger than {_MAX_FILE_BYTES:,} bytes; not a {what} file")
    return _content(raw, str(path))


def _content(raw: bytes, file: str) -> Content:
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise TargetError(f"{file}: tables or arrays are nested too deeply") from error
    except ValueError as error:
        raise TargetError(f"{file}: is not valid TOML: {error}") from error
