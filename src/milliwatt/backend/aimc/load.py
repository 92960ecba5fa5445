# SPDX-License-Identifier: MIT
"""Find crossbar machines: by name in the catalogue, or in a user's own TOML file."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.parse import parse_machine
from milliwatt.errors import TargetError
from milliwatt.hardware.toml_file import read_toml, shipped


def load_machine(name: str | Path) -> Machine:
    """The catalogue's machine of that name, or the one a `.toml` file describes.

    TargetError: an unknown name (with the known ones), or what is wrong in the file and where.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        return parse_machine(read_toml(Path(name), "machine"), str(name))
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
    machines = [parse_machine(*found) for found in shipped("milliwatt.backend.aimc", "data")]
    return tuple(sorted(machines, key=lambda machine: machine.name))
