# SPDX-License-Identifier: MIT
"""Find machine descriptions: by name or alias among those that ship, or in a user's TOML file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.parse import parse_machine
from milliwatt.errors import TargetError
from milliwatt.hardware.toml_file import read_toml, shipped


def load_machine(name: str | Path) -> Machine:
    """The machine of that name or alias, or the one a `.toml` file describes.

    A TargetError for an unknown name, or with file and dotted path for a malformed description.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        return parse_machine(read_toml(Path(name), "machine"), str(name))
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
    machines = [parse_machine(*found) for found in shipped("milliwatt.backend.dimc", "machines")]
    return tuple(sorted(machines, key=lambda machine: machine.name))
