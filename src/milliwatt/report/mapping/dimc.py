# SPDX-License-Identifier: MIT
"""A network on a digital machine: tiles, cycles, energy, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milliwatt.backend.api import Cost
from milliwatt.backend.dimc.describe import describe_merge, describe_slicing
from milliwatt.backend.dimc.energy import tops_per_watt
from milliwatt.backend.dimc.features import plan_features
from milliwatt.backend.dimc.placement import Placement
from milliwatt.units import format_bytes, format_count, format_si

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLUMNS = "MACs|s·c·p|rounds|shares|clusters|used|rows|compute|load|cycles|energy"


def mapping_table(placement: Placement, cost: Cost, *, explain: bool = False) -> RenderableType:
    """The layers as a table, and the whole in words; `explain` says how each layer is cut."""
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
    lines: list[str] = []
    for item in placement.layers:
        lines.append(f"{item.layer.name}: {describe_merge(placement.machine, item.mapping)}")
        cuts = describe_slicing(placement.machine, item)
        lines.extend(f"  - {cut}" for cut in cuts)
    return lines


def _summary(placement: Placement, cost: Cost) -> list[str]:
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
    groups = plan_features(placement)
    fused = [" + ".join(group.steps) for group in groups if len(group.steps) > 1]
    spilled = sum(group.external_bytes for group in groups)
    return (
        f"feature maps: at most {format_bytes(max(group.need_bytes for group in groups))} of "
        f"{format_bytes(placement.machine.feature_memory_bytes or 0)}; "
        f"off the chip {format_bytes(spilled)}; fused: {'; '.join(fused) or 'none'}"
    )
