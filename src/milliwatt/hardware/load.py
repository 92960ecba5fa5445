# SPDX-License-Identifier: MIT
"""Find targets: in the catalogue by name or alias, or in a user's own TOML file."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

from milliwatt.errors import TargetError
from milliwatt.hardware.model import Target
from milliwatt.hardware.parse import parse_target
from milliwatt.hardware.toml_file import read_toml, shipped


def load_target(name: str | Path) -> Target:
    """The catalogue's target of that name or alias, or the one a `.toml` file describes.

    An unknown name is a TargetError with the nearest names; a malformed file is a TargetError
    with the file and the dotted path of what is wrong.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        return parse_target(read_toml(Path(name), "target"), str(name))
    wanted = name.strip().lower()
    for target in list_targets():
        if wanted == target.name or wanted in target.aliases:
            return target
    raise TargetError(_unknown(name))


@cache
def list_targets() -> tuple[Target, ...]:
    """Every target of the catalogue, by name."""
    targets = [parse_target(*found) for found in shipped("milliwatt.hardware", "data")]
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
