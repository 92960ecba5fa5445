# SPDX-License-Identifier: MIT
"""`milliwatt map MODEL --target MACHINE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from milliwatt.cli.console import json_option, show, show_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from milliwatt.backend.api import Cost
    from milliwatt.backend.dimc.placement import Placement
    from milliwatt.backend.dimc.workload import Workload
    from milliwatt.ir.graph import Graph

_MODES = ("published", "row-serial", "packed")
_COLUMNS = "MACs|s·c·p|rounds|shares|clusters|used|rows|compute|load|cycles|energy"


@click.command("map")
@click.argument("model")
@click.option("--target", default="st-dimc", show_default=True, help="A machine or a .toml file.")
@click.option(
    "--mode",
    type=click.Choice(_MODES),
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
    mode: str,
    clusters: int | None,
    objective: str,
    weights: str,
    point: str | None,
    level: str,
    activity: str,
    picture: Path | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Map MODEL to an in-memory-computing machine, layer by layer: tiles, cycles, energy.

    MODEL is a .tflite or .onnx file, a list of layers in a .toml file, or the name of a list that
    ships (st-vgg16-tiny, st-yolo2-tiny).
    """
    from typing import Any, cast

    from milliwatt.backend.dimc.activity import parse_activity
    from milliwatt.backend.dimc.describe import placement_json
    from milliwatt.backend.dimc.estimate import estimate
    from milliwatt.backend.dimc.load import load_machine
    from milliwatt.backend.dimc.picture import save_mapping_picture
    from milliwatt.backend.dimc.placement import place
    from milliwatt.cli.map_aimc import is_analogue, show_mapping

    if is_analogue(target):
        _refuse_digital_options(target)
        show_mapping(_network(model), target, as_json=as_json)
        return
    machine = load_machine(target)
    chosen = machine.operating_point(point)
    data = parse_activity(activity)
    placement = place(
        _network(model),
        machine,
        mode=cast("Any", mode),
        clusters=clusters,
        objective=cast("Any", objective),
        weights=cast("Any", weights),
    )
    cost = estimate(placement, chosen, activity=data, level=cast("Any", level))
    if picture is not None:
        save_mapping_picture(placement, picture)
    if as_json:
        show_json(placement_json(placement, cost))
    else:
        show(_table(placement, cost, explain))


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


def _network(model: str) -> Graph | Workload:
    from milliwatt.backend.dimc.workload import list_workloads, load_workload

    if model.endswith(".toml") or model in {w.name for w in list_workloads()}:
        return load_workload(model)
    from milliwatt.frontend.load import load_model
    from milliwatt.passes.pipeline import run_pipeline

    return run_pipeline(load_model(Path(model)))


def _table(placement: Placement, cost: Cost, explain: bool) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("layer", overflow="fold")
    table.add_column("kernels", no_wrap=True)
    for title in _COLUMNS.split("|"):
        table.add_column(title, justify="right", no_wrap=True)
    for cells in _rows(placement, cost):
        table.add_row(Text(cells[0]), *cells[1:])
    lines = [*(_explanation(placement) if explain else ()), "", *_summary(placement, cost)]
    return Group(table, *(Text(line) for line in lines))


def _rows(placement: Placement, cost: Cost) -> list[list[str]]:
    from milliwatt.units import format_si

    return [
        [
            item.layer.name,
            f"{item.layer.kernels} x {item.layer.kernel_elements} "
            f"{item.layer.weight_bits}/{item.layer.activation_bits}b",
            f"{item.layer.macs:,}",
            f"{item.mapping.stripes}·{item.mapping.chains}·{item.mapping.parallel}",
            str(item.mapping.rounds),
            str(item.mapping.shares),
            str(item.mapping.clusters_used),
            f"{item.utilisation:.0%}",
            f"{item.row_fill:.0%}",
            f"{float(item.cycles.compute):,.0f}",
            f"{float(item.cycles.load):,.0f}",
            f"{row.cycles:,.0f}",
            format_si(row.energy_pj * 1e-12, "J"),
        ]
        for item, row in zip(placement.layers, cost.rows, strict=False)
    ]


def _explanation(placement: Placement) -> list[str]:
    from milliwatt.backend.dimc.describe import describe_merge, describe_slicing

    lines: list[str] = []
    for item in placement.layers:
        lines.append(f"{item.layer.name}: {describe_merge(placement.machine, item.mapping)}")
        cuts = describe_slicing(placement.machine, item)
        lines.extend(f"  - {cut}" for cut in cuts)
    return lines


def _summary(placement: Placement, cost: Cost) -> list[str]:
    from milliwatt.backend.dimc.energy import tops_per_watt
    from milliwatt.units import format_count, format_si

    one, two = (tops_per_watt(cost.macs, cost.energy_pj, n) for n in (1, 2))
    parts = ", ".join(
        f"{name} {format_si(value * 1e-12, 'J')}"
        for name, value in cost.energy_by_component_pj.items()
        if value
    )
    lines = [
        f"{placement.network} on {format_count(placement.clusters, 'cluster')} of "
        f"{placement.machine.title}",
        f"{cost.macs:,} MACs in {cost.cycles:,.0f} cycles ({placement.mode}); "
        f"{1 / cost.seconds:,.0f} inferences a second at {format_si(cost.clock_hz, 'Hz')}",
        f"{format_si(cost.energy_pj * 1e-12, 'J')} an inference ({parts}): {one:.2f} TOPS/W at "
        f"1 operation a MAC, {two:.2f} at 2",
        f"{cost.basis}: {cost.source}"
        + ("" if cost.error is None else f"; known error of the energy {cost.error:.0%}"),
    ]
    if placement.machine.feature_memory_bytes is not None:
        lines.append(_features(placement))
    if placement.host:
        lines.append(_host(placement, cost))
    return lines


def _host(placement: Placement, cost: Cost) -> str:
    names = ", ".join(placement.host_nodes)
    host = placement.machine.host
    if host is None:
        return f"left to a host core that is not described, not in the cycles: {names}"
    cycles = sum(row.cycles for row in cost.rows[len(placement.layers) :])
    return (
        f"left to the host core, {cycles:,.0f} of the cycles (estimated at "
        f"{host.cycles_per_mac.value:g} a MAC and {host.cycles_per_element.value:g} an element): "
        f"{names}"
    )


def _features(placement: Placement) -> str:
    from milliwatt.backend.dimc.features import plan_features
    from milliwatt.units import format_bytes

    groups = plan_features(placement)
    fused = [" + ".join(group.steps) for group in groups if len(group.steps) > 1]
    spilled = sum(group.external_bytes for group in groups)
    return (
        f"feature maps: at most {format_bytes(max(group.need_bytes for group in groups))} of "
        f"{format_bytes(placement.machine.feature_memory_bytes or 0)}; "
        f"off the chip {format_bytes(spilled)}; fused: {'; '.join(fused) or 'none'}"
    )
