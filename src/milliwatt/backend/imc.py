# SPDX-License-Identifier: MIT
"""Networks on in-memory-computing machines, digital or analogue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from milliwatt.backend import aimc
from milliwatt.backend.aimc.model import Machine as AnalogueMachine
from milliwatt.backend.aimc.parse import parse_machine as parse_analogue
from milliwatt.backend.aimc.placement import Placement as AnaloguePlacement
from milliwatt.backend.api import Cost
from milliwatt.backend.dimc.estimate import estimate
from milliwatt.backend.dimc.load import list_machines as list_digital
from milliwatt.backend.dimc.machine import Machine as DigitalMachine
from milliwatt.backend.dimc.parse import parse_machine as parse_digital
from milliwatt.backend.dimc.placed import Placement as DigitalPlacement
from milliwatt.backend.dimc.placement import place
from milliwatt.errors import TargetError
from milliwatt.hardware.toml_file import read_toml
from milliwatt.ir.graph import Graph
from milliwatt.passes.pipeline import run_pipeline

Machine = DigitalMachine | AnalogueMachine


@dataclass(frozen=True, slots=True)
class Mapped:
    """A network placed on a machine, and what one inference costs there."""

    placement: DigitalPlacement | AnaloguePlacement
    cost: Cost


def load_machine(name: str | Path) -> Machine:
    """The machine of that name or alias, or the one a `.toml` file describes.

    TargetError for an unknown name, or with file and dotted path for a malformed description.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        content = read_toml(Path(name), "machine")
        parse = parse_analogue if "crossbar" in content else parse_digital
        return parse(content, str(name))
    machines: dict[str, Machine] = {machine.name: machine for machine in aimc.list_machines()}
    for machine in list_digital():
        machines |= dict.fromkeys((machine.name, *machine.aliases), machine)
    wanted = name.strip().lower()
    if wanted not in machines:
        known = ", ".join(sorted({machine.name for machine in machines.values()}))
        raise TargetError(
            f"unknown in-memory-computing machine '{name}'; known: {known}; a path to a .toml file "
            "of your own works too"
        )
    return machines[wanted]


def map_graph(graph: Graph, machine: Machine) -> Mapped:
    """Optimise `graph`, place it on `machine`, and estimate what an inference costs.

    All options are the defaults of the family's own `place` and `estimate`. Raises FitError where
    the machine does not hold the network, UnsupportedError for operators or precisions that it does
    not compute, UnknownFigureError where its description lacks a figure.
    """
    optimised = run_pipeline(graph)
    if isinstance(machine, AnalogueMachine):
        crossbars = aimc.place(optimised, machine)
        return Mapped(crossbars, aimc.estimate(crossbars))
    tiles = place(optimised, machine)
    return Mapped(tiles, estimate(tiles))
