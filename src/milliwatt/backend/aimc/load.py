# SPDX-License-Identifier: MIT
"""Find crossbar machines: by name in the catalogue, or in a user's own TOML file."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.parse import parse_machine
from milliwatt.errors import TargetError, reason_of

_MAX_FILE_BYTES = 1_000_000


def load_machine(name: str | Path) -> Machine:
    """The catalogue's machine of that name, or the one a `.toml` file describes.

    TargetError: an unknown name (with the known ones), or what is wrong in the file and where.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        return _load_file(Path(name))
    for machine in list_machines():
        if machine.name == name:
            return machine
    names = [machine.name for machine in list_machines()]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"nearest: {near[0]}" if near else f"known: {', '.join(names)}"
    raise TargetError(f"unknown analogue machine '{name}'; {hint}; or give a .toml file")


@cache
def list_machines() -> tuple[Machine, ...]:
    """Every machine of the catalogue, by name."""
    folder = resources.files("milliwatt.backend.aimc") / "data"
    machines = [
        _parse(item.read_bytes(), item.name)
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    ]
    return tuple(sorted(machines, key=lambda machine: machine.name))


def _load_file(path: Path) -> Machine:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise TargetError(f"{path}: cannot be read: {reason_of(error)}") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise TargetError(f"{path}: is larger than {_MAX_FILE_BYTES:,} bytes; not a machine file")
    return _parse(raw, str(path))


def _parse(raw: bytes, file: str) -> Machine:
    try:
        content = tomllib.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise TargetError(f"{file}: tables or arrays are nested too deeply") from error
    except ValueError as error:
        raise TargetError(f"{file}: is not valid TOML: {error}") from error
    return parse_machine(content, file)
