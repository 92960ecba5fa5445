# SPDX-License-Identifier: MIT
"""What a placement costs: cycles, bytes moved and energy, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping

from milliwatt.backend.api import Cost, CostRow
from milliwatt.backend.dimc.activity import RANDOM_HALF, Activity
from milliwatt.backend.dimc.components import (
    array_components,
    background_components,
    external_components,
    host_components,
    measured_components,
    traffic_components,
)
from milliwatt.backend.dimc.cycles import row_elements, useful_work
from milliwatt.backend.dimc.energy import Level
from milliwatt.backend.dimc.host import HostWork, host_cycles
from milliwatt.backend.dimc.machine import Machine, OperatingPoint
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.backend.dimc.traffic import External, external_traffic, layer_traffic
from milliwatt.units import ceil_div

NETWORK_ERROR = 0.05
"""Relative error of the energy of a network: fitted to ST's VGG16-tiny alone, without a term for
kernel loads, the model misses YOLO2-tiny by 4.3 %. Both were then fitted, so no third one is left
to check."""


def estimate(
    placement: Placement,
    point: OperatingPoint | None = None,
    *,
    activity: Activity | Mapping[str, Activity] = RANDOM_HALF,
    level: Level = "imnpu",
) -> Cost:
    """The cost of one inference at an operating point, the machine's first where None.

    `activity` is one for all layers, or one for each by name (`activity.graph_activities`).
    Machines without measured energy get the analytical model's array energy, and memories, clocks
    and leakage by the prices of their description. Rows of the host's nodes end in "(host)".
    Standing power of a measured system is not in the rows: it goes with time, not with inferences.
    """
    machine = placement.machine
    chosen = point or machine.operating_point()
    external = external_traffic(placement)
    rows = [
        _row(placement, item, chosen, _own(activity, item), level, external)
        for item in placement.layers
    ]
    rows += [_host_row(machine, work, chosen, level, external) for work in placement.host]
    published = machine.energy is not None and placement.mode == "published"
    return Cost(
        machine=machine.name,
        clock_hz=chosen.clock_hz,
        rows=tuple(rows),
        basis="published" if published else "estimated",
        source=_source(placement, activity, level),
        error=NETWORK_ERROR if published else None,
    )


def _own(activity: Activity | Mapping[str, Activity], item: PlacedLayer) -> Activity:
    return activity if isinstance(activity, Activity) else activity[item.layer.name]


def _row(
    placement: Placement,
    item: PlacedLayer,
    point: OperatingPoint,
    activity: Activity,
    level: Level,
    external: Mapping[str, External],
) -> CostRow:
    machine, layer = placement.machine, item.layer
    cycles = float(item.cycles.total)
    traffic, outside = layer_traffic(placement, item), external.get(layer.name, External())
    if machine.energy is None:
        parts = array_components(placement, item, point, activity)
        parts |= traffic_components(machine, traffic, level)
        parts |= external_components(machine, outside, traffic, level)
        parts |= background_components(machine, cycles, cycles, point, level)
    else:
        parts = measured_components(placement, item, point, activity, level)
    capacity = row_elements(machine, layer) * machine.tiles_per_cluster * placement.clusters
    return CostRow(
        node=layer.name,
        macs=layer.macs,
        cycles=cycles,
        energy_by_component_pj=parts,
        bytes_moved=traffic.memory_bytes,
        utilisation=float(useful_work(machine, layer, placement.mode)) / (capacity * cycles),
    )


def _host_row(
    machine: Machine,
    work: HostWork,
    point: OperatingPoint,
    level: Level,
    external: Mapping[str, External],
) -> CostRow:
    cycles = float(host_cycles(machine, work))
    parts = host_components(machine, work, cycles, level)
    if machine.energy is None:
        parts |= external_components(machine, external.get(work.node, External()), None, level)
        parts |= background_components(machine, cycles, 0.0, point, level)
    return CostRow(
        node=f"{work.node} (host)",
        macs=work.macs,
        cycles=cycles,
        energy_by_component_pj=parts,
        bytes_moved=ceil_div(work.read_bits, 8) + ceil_div(work.written_bits, 8),
        utilisation=0.0,
    )


def _source(placement: Placement, activity: Activity | Mapping[str, Activity], level: Level) -> str:
    machine = placement.machine
    what = str(activity) if isinstance(activity, Activity) else "activity of each layer's weights"
    cycles = f"cycles: {placement.mode} model of the machine's description"
    if placement.host:
        host = machine.host
        cycles += f", host ({host.core}) included" if host else ", host not described, not counted"
    if machine.energy is not None:
        around = "; shared memory, I/O and clock as in the talk's battery example"
        inside = "on-chip movement, clocks and leakage inside them"
        system = f"{around}; host by the description's price" if level == "system" else ""
        return f"{cycles}; energy: silicon's peak points, {what}; {inside}{system}"
    energy = "energy: gate counts of the tile's multipliers, adder trees and registers at 28 nm"
    if machine.memory is None:
        return f"{cycles}; {energy}, {what}; memories outside the tiles not priced"
    reach = {
        "tile": "the array alone",
        "imnpu": "memories on the chip, clocks and leakage by the description's prices",
        "system": "memories on and off the chip, clocks, leakage and host by its prices",
    }
    return f"{cycles}; {energy}, {what}; {reach[level]}"
