# SPDX-License-Identifier: MIT
"""What a placement costs: cycles, bytes moved and energy, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from milliwatt.backend.api import Cost, CostRow
from milliwatt.backend.dimc.activity import RANDOM_HALF, Activity
from milliwatt.backend.dimc.array_model import TECHNOLOGY_28NM, macro_row_energy_fj
from milliwatt.backend.dimc.cycles import kernel_rows, row_elements, slice_products
from milliwatt.backend.dimc.energy import Level, array_factor, condition_factor, row_cycle_fj
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine, OperatingPoint
from milliwatt.backend.dimc.placement import PlacedLayer, Placement
from milliwatt.units import ceil_div

MEASURED_SOURCE = (
    "cycles: {mode} model of the machine's description; energy: silicon's peak points, "
    "{activity}; leakage and kernel loads inside them"
)
ANALYTICAL_SOURCE = (
    "cycles: {mode} model of the machine's description; energy: gate counts of the tile's "
    "multipliers, adder trees and registers at 28 nm; memories outside the tiles not counted"
)
NETWORK_ERROR = 0.05
"""Largest relative error of the energy of ST's two networks (YOLO2-tiny: 4.4 %)."""


def estimate(
    placement: Placement,
    point: OperatingPoint | None = None,
    *,
    activity: Activity | Mapping[str, Activity] = RANDOM_HALF,
    level: Level = "imnpu",
) -> Cost:
    """The cost of one inference at an operating point, the machine's first where None.

    `activity` is one for all layers, or one for each by name (`activity.graph_activities`).
    Machines without measured energy get the analytical model's array energy. Standing power of the
    system is not in the rows: it goes with time, not with inferences.
    """
    machine = placement.machine
    chosen = point or machine.operating_point()
    rows = tuple(_row(placement, item, chosen, activity, level) for item in placement.layers)
    measured = machine.energy is not None
    source = MEASURED_SOURCE if measured else ANALYTICAL_SOURCE
    what = str(activity) if isinstance(activity, Activity) else "activity of each layer's weights"
    published = measured and placement.mode == "published"
    return Cost(
        machine=machine.name,
        clock_hz=chosen.clock_hz,
        rows=rows,
        basis="published" if published else "estimated",
        source=source.format(mode=placement.mode, activity=what),
        error=NETWORK_ERROR if published else None,
    )


def _row(
    placement: Placement,
    item: PlacedLayer,
    point: OperatingPoint,
    activity: Activity | Mapping[str, Activity],
    level: Level,
) -> CostRow:
    machine, layer = placement.machine, item.layer
    own = activity if isinstance(activity, Activity) else activity[layer.name]
    cycles = float(item.cycles.total)
    work = layer.macs * slice_products(machine, layer)
    capacity = row_elements(machine, layer) * machine.tiles_per_cluster * placement.clusters
    return CostRow(
        node=layer.name,
        macs=layer.macs,
        cycles=cycles,
        energy_by_component_pj=_components(placement, item, point, own, level),
        bytes_moved=moved_bytes(placement, item),
        utilisation=work / (capacity * cycles),
    )


def moved_bytes(placement: Placement, item: PlacedLayer) -> int:
    """Kernels once (they are broadcast), inputs once in every round, outputs once."""
    layer = item.layer
    kernels = layer.load_bits if placement.weights == "reloaded" else 0
    inputs = layer.input_bits * item.mapping.rounds
    outputs = layer.kernels * layer.pixels * layer.activation_bits
    return ceil_div(kernels, 8) + ceil_div(inputs, 8) + ceil_div(outputs, 8)


def row_cycles(placement: Placement, item: PlacedLayer) -> tuple[Fraction, float]:
    """Row-cycles of all tiles, and how full the rows are, 0 to 1.

    In published mode rows count as full, as its cycles do.
    """
    machine, layer, mapping = placement.machine, item.layer, item.mapping
    full = Fraction(layer.macs * slice_products(machine, layer), row_elements(machine, layer))
    if placement.mode == "published":
        return full, 1.0
    passes = len(machine.activation_slices(layer.activation_bits))
    rows = ceil_div(kernel_rows(machine, layer), mapping.pack) * mapping.chains
    spent = Fraction(layer.pixels * rows * passes)
    return spent, float(full / spent)


def _components(
    placement: Placement,
    item: PlacedLayer,
    point: OperatingPoint,
    activity: Activity,
    level: Level,
) -> Mapping[str, float]:
    machine = placement.machine
    count, fill = row_cycles(placement, item)
    bits = machine.weight_slices(item.layer.weight_bits)[0]
    if machine.energy is None:
        return _analytical(machine, item.layer, float(count) * fill, bits, point, activity)
    scale = float(count) * condition_factor(machine, point) * 1e-3
    tile = row_cycle_fj(machine, bits, "tile")
    parts = {"array": tile * fill * array_factor(machine.energy, activity) * scale}
    if level != "tile":
        around = row_cycle_fj(machine, bits, "imnpu") - tile
        parts["data movement and clocks"] = around * scale
    if level == "system":
        parts["system"] = machine.energy.system_fj_per_mac.value * item.layer.macs * 1e-3
    return MappingProxyType(parts)


def _analytical(
    machine: Machine,
    layer: Layer,
    full_rows: float,
    bits: int,
    point: OperatingPoint,
    activity: Activity,
) -> Mapping[str, float]:
    activation = machine.activation_slices(layer.activation_bits)[0]
    parts = macro_row_energy_fj(
        TECHNOLOGY_28NM,
        inputs=machine.lanes(bits),
        weight_bits=bits,
        activation_bits=activation,
        accumulator_bits=machine.accumulator_bits,
        supply_v=point.supply_v,
        activity=activity,
    )
    return MappingProxyType({name: value * full_rows * 1e-3 for name, value in parts.items()})
