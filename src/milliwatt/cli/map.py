# SPDX-License-Identifier: MIT
"""`milliwatt map MODEL --target MACHINE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from milliwatt.cli.console import json_option, show, show_json

if TYPE_CHECKING:
    from milliwatt.backend.aimc.model import Machine as AnalogueMachine
    from milliwatt.backend.api import Cost
    from milliwatt.backend.dimc.cycles import Mode
    from milliwatt.backend.dimc.energy import Level
    from milliwatt.backend.dimc.mapper import Objective
    from milliwatt.backend.dimc.placed import Placement, Weights
    from milliwatt.backend.dimc.workload import Workload
    from milliwatt.ir.graph import Graph


@click.command("map")
@click.argument("model")
@click.option("--target", default="st-dimc", show_default=True, help="A machine or a .toml file.")
@click.option(
    "--mode",
    type=click.Choice(("published", "row-serial", "packed")),
    default="row-serial",
    show_default=True,
    help="How cycles are counted: as in the maker's tables, a cycle for every row, or short "
    "kernels packed into rows.",
)
@click.option("--clusters", type=int, help="Clusters in use; all where not given.")
@click.option(
    "--objective",
    type=click.Choice(("one-cluster", "all-clusters")),
    default="all-clusters",
    show_default=True,
    help="What is minimised: cycles of one cluster, as in the maker's tables, or of all.",
)
@click.option(
    "--weights",
    type=click.Choice(("reloaded", "resident")),
    default="reloaded",
    show_default=True,
    help="Load the kernels for every inference, or keep all of them in the tiles.",
)
@click.option("--point", help="The operating point; the machine's first where not given.")
@click.option(
    "--level",
    type=click.Choice(("tile", "imnpu", "system")),
    default="imnpu",
    show_default=True,
    help="What the energy covers.",
)
@click.option(
    "--activity",
    default="50S_50T",
    show_default=True,
    help="Zeros, changing bits (percent).",
)
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the tiles (.svg .png .pdf).")
@click.option("--explain", is_flag=True, help="Say how each layer is cut and merged.")
@json_option
def command(
    model: str,
    target: str,
    mode: Mode,
    clusters: int | None,
    objective: Objective,
    weights: Weights,
    point: str | None,
    level: Level,
    activity: str,
    picture: Path | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Map MODEL to an in-memory-computing machine, layer by layer: tiles, cycles, energy.

    MODEL is a .tflite or .onnx file, a list of layers in a .toml file, or the name of a list that
    ships (st-vgg16-tiny, st-yolo2-tiny).
    """
    from milliwatt.backend.aimc.model import Machine as AnalogueMachine
    from milliwatt.backend.dimc.activity import parse_activity
    from milliwatt.backend.dimc.estimate import estimate
    from milliwatt.backend.dimc.picture import save_mapping_picture
    from milliwatt.backend.dimc.placement import place
    from milliwatt.backend.imc import load_machine

    machine = load_machine(target)
    if isinstance(machine, AnalogueMachine):
        _refuse_digital_options(target)
        _show_analogue(_network(model), machine, as_json)
        return
    chosen = machine.operating_point(point)
    data = parse_activity(activity)
    placement = place(
        _network(model),
        machine,
        mode=mode,
        clusters=clusters,
        objective=objective,
        weights=weights,
    )
    cost = estimate(placement, chosen, activity=data, level=level)
    if picture is not None:
        save_mapping_picture(placement, picture)
    _show_digital(placement, cost, as_json=as_json, explain=explain)


def _show_digital(placement: Placement, cost: Cost, *, as_json: bool, explain: bool) -> None:
    from milliwatt.backend.dimc.describe import placement_json
    from milliwatt.report.mapping.dimc import mapping_table

    if as_json:
        show_json(placement_json(placement, cost))
    else:
        show(mapping_table(placement, cost, explain=explain))


def _refuse_digital_options(target: str) -> None:
    """OptionError where an option was given that means nothing on analogue crossbars."""
    from click.core import ParameterSource

    from milliwatt.errors import OptionError

    context = click.get_current_context()
    given = [
        f"--{name}"
        for name in context.params
        if name not in ("model", "target", "as_json")
        and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise OptionError(f"{', '.join(given)} are for digital machines; '{target}' is analogue")


def _show_analogue(network: Graph | Workload, machine: AnalogueMachine, as_json: bool) -> None:
    from milliwatt.backend.aimc import estimate, pipelined, place, place_layers
    from milliwatt.backend.aimc.lists import listed_layers
    from milliwatt.ir.graph import Graph
    from milliwatt.report.mapping.aimc import mapping_json, mapping_table

    if isinstance(network, Graph):
        placement = place(network, machine)
    else:
        placement = place_layers(listed_layers(network), machine)
    cost = estimate(placement)
    stream = pipelined(placement, cost) if placement.rounds == 1 else None
    if as_json:
        show_json(mapping_json(network.name, placement, cost, stream))
    else:
        show(mapping_table(network.name, placement, cost, stream))


def _network(model: str) -> Graph | Workload:
    from milliwatt.backend.dimc.workload import list_workloads, load_workload

    if model.endswith(".toml") or model in {w.name for w in list_workloads()}:
        return load_workload(model)
    from milliwatt.frontend.load import load_model
    from milliwatt.passes.pipeline import run_pipeline

    return run_pipeline(load_model(Path(model)))
