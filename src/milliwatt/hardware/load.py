# SPDX-License-Identifier: MIT
"""Find targets: in the catalogue by name or alias, or in a user's own TOML file."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from milliwatt.errors import TargetError, reason_of
from milliwatt.hardware.model import Target
from milliwatt.hardware.parse import parse_target

_MAX_FILE_BYTES = 1_000_000


def load_target(name: str | Path) -> Target:
    """The catalogue's target of that name or alias, or the one a `.toml` file describes.

    An unknown name is a TargetError with the nearest names; a malformed file is a TargetError
    with the file and the dotted path of what is wrong.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        return _load_file(Path(name))
    wanted = name.strip().lower()
    for target in list_targets():
        if wanted == target.name or wanted in target.aliases:
            return target
    raise TargetError(_unknown(name))


@cache
def list_targets() -> tuple[Target, ...]:
    """Every target of the catalogue, by name."""
    folder = resources.files("milliwatt.hardware") / "data"
    targets = [
        _parse(item.read_bytes(), item.name)
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    ]
    return tuple(sorted(targets, key=lambda target: target.name))


def _unknown(name: str) -> str:
    wanted = name.strip().lower()
    names = [target.name for target in list_targets()]
    owner = {alias: target.name for target in list_targets() for alias in target.aliases}
    near = difflib.get_close_matches(wanted, [*names, *owner], n=3, cutoff=0.5)
    # Two near aliases of one board are one suggestion.
    suggestions = dict.fromkeys(owner.get(match, match) for match in near)
    same_core = [target.name for target in list_targets() if target.core == wanted]
    if same_core:
        hint = f"that is a core; boards with it: {', '.join(same_core)}"
    elif suggestions:
        hint = f"nearest: {', '.join(suggestions)}"
    else:
        hint = f"known: {', '.join(names)}"
    return (
        f"unknown target '{name}'; {hint}\n"
        "  `milliwatt targets` lists them all; a path to a .toml file of your own works too"
    )


def _load_file(path: Path) -> Target:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise TargetError(f"{path}: cannot be read: {reason_of(error)}") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise TargetError(f"{path}: is larger than {_MAX_FILE_BYTES:,} bytes; not a target file")
    return _parse(raw, str(path))


def _parse(raw: bytes, file: str) -> Target:
    try:
        content = tomllib.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise TargetError(f"{file}: tables or arrays are nested too deeply") from error
    except ValueError as error:
        raise TargetError(f"{file}: is not valid TOML: {error}") from error
    return parse_target(content, file)
