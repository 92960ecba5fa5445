# SPDX-License-Identifier: MIT
"""Find machine descriptions: by name or alias among those that ship, or in a user's TOML file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.parse import parse_machine
from milliwatt.errors import TargetError, reason_of

_MAX_FILE_BYTES = 1_000_000


def load_machine(name: str | Path) -> Machine:
    """The machine of that name or alias, or the one a `.toml` file describes.

    A TargetError for an unknown name, or with file and dotted path for a malformed description.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        return _load_file(Path(name))
    wanted = name.strip().lower()
    for machine in list_machines():
        if wanted == machine.name or wanted in machine.aliases:
            return machine
    known = ", ".join(machine.name for machine in list_machines())
    raise TargetError(
        f"unknown in-memory-computing machine '{name}'; known: {known}; a path to a .toml file "
        "of your own works too"
    )


@cache
def list_machines() -> tuple[Machine, ...]:
    """Every machine that ships, by name."""
    folder = resources.files("milliwatt.backend.dimc") / "machines"
    found = [
        parse_machine(_content(item.read_bytes(), item.name), item.name)
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda machine: machine.name))


def _load_file(path: Path) -> Machine:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise TargetError(f"{path}: cannot be read: {reason_of(error)}") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise TargetError(f"{path}: is larger than {_MAX_FILE_BYTES:,} bytes; no machine file")
    return parse_machine(_content(raw, str(path)), str(path))


def _content(raw: bytes, file: str) -> dict[str, object]:
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise TargetError(f"{file}: tables or arrays are nested too deeply") from error
    except ValueError as error:
        raise TargetError(f"{file}: is not valid TOML: {error}") from error
