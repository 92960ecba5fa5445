# SPDX-License-Identifier: MIT
"""Energy of a layer by what draws it, in picojoules.

Two ladders of levels. Measured: "tile" is the array, "imnpu" adds what silicon showed around it,
"system" what the battery example adds. Analytical: "tile" is the gates, "imnpu" adds kernel loads,
on-chip maps, partial sums, clocks and leakage, "system" adds memory off the chip and the host.
"""

from __future__ import annotations

from fractions import Fraction

from milliwatt.backend.dimc.activity import Activity
from milliwatt.backend.dimc.array_model import TECHNOLOGY_28NM, macro_row_energy_fj
from milliwatt.backend.dimc.cycles import kernel_rows, row_elements, useful_work
from milliwatt.backend.dimc.energy import Level, array_factor, condition_factor, row_cycle_fj
from milliwatt.backend.dimc.host import HostWork
from milliwatt.backend.dimc.machine import Machine, OperatingPoint
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.backend.dimc.traffic import External, Traffic, layer_traffic
from milliwatt.units import ceil_div

Parts = dict[str, float]


def row_cycles(placement: Placement, item: PlacedLayer) -> tuple[Fraction, float]:
    """Row-cycles of all tiles, and how full the rows are, 0 to 1.

    In published mode rows count as full, as its cycles do.
    """
    machine, layer, mapping = placement.machine, item.layer, item.mapping
    full = Fraction(useful_work(machine, layer, placement.mode), row_elements(machine, layer))
    if placement.mode == "published":
        return full, 1.0
    passes = len(machine.activation_slices(layer.activation_bits))
    rows = ceil_div(kernel_rows(machine, layer), mapping.pack) * mapping.chains
    spent = Fraction(layer.repeats * layer.pixels * rows * passes)
    return spent, float(full / spent)


def measured_components(
    placement: Placement,
    item: PlacedLayer,
    point: OperatingPoint,
    activity: Activity,
    level: Level,
) -> Parts:
    """What silicon's peak points say; on-chip movement, clocks and leakage are inside them."""
    machine, energy = placement.machine, placement.machine.measured_energy()
    count, fill = row_cycles(placement, item)
    bits = machine.weight_slices(item.layer.weight_bits)[0]
    condition = condition_factor(machine, point) * 1e-3
    tile = row_cycle_fj(machine, bits, "tile")
    parts = {"array": tile * fill * array_factor(energy, activity) * float(count) * condition}
    if level != "tile":
        around = row_cycle_fj(machine, bits, "imnpu") - tile
        parts["data movement, clocks and leakage"] = around * float(count) * condition
        loaded = layer_traffic(placement, item).kernel_bits
        parts["kernel load"] = loaded * energy.kernel_load_fj_per_bit.value * condition
    if level == "system":
        parts["system"] = energy.system_fj_per_mac.value * item.layer.macs * 1e-3
    return parts


def array_components(
    placement: Placement, item: PlacedLayer, point: OperatingPoint, activity: Activity
) -> Parts:
    """The gates of the tiles, each pass of the inputs through all of them."""
    machine, layer = placement.machine, item.layer
    count, fill = row_cycles(placement, item)
    bits = machine.weight_slices(layer.weight_bits)[0]
    parts = macro_row_energy_fj(
        TECHNOLOGY_28NM,
        inputs=machine.lanes(bits),
        weight_bits=bits,
        activation_bits=max(machine.activation_slices(layer.activation_bits)),
        accumulator_bits=machine.accumulator_bits,
        supply_v=point.supply_v,
        activity=activity,
    )
    return {name: value * float(count) * fill * 1e-3 for name, value in parts.items()}


def traffic_components(machine: Machine, traffic: Traffic, level: Level) -> Parts:
    """Kernel loads, maps in on-chip memory, and partial sums; nothing where no price is known."""
    memory = machine.memory
    if memory is None or level == "tile":
        return {}
    out = memory.kernel_read.value if memory.kernel_read else 0.0
    return {
        "kernel load": _pj(traffic.kernel_bits, out)
        + _pj(traffic.cell_bits, memory.tile_write.value),
        "feature reads": _pj(traffic.read_bits, memory.feature_read.value),
        "feature writes": _pj(traffic.written_bits, memory.feature_write.value),
        "partial sums": _pj(traffic.partial_sum_bits, memory.partial_sum.value),
    }


def external_components(
    machine: Machine, external: External, traffic: Traffic | None, level: Level
) -> Parts:
    """Maps that do not fit, and kernels where they lie off the chip."""
    memory = machine.memory
    if memory is None or level != "system":
        return {}
    kernels = traffic.kernel_bits if traffic and memory.kernel_read is None else 0
    return {
        "kernels off chip": _pj(kernels, memory.external_read.value),
        "features off chip": _pj(external.read_bits, memory.external_read.value)
        + _pj(external.written_bits, memory.external_write.value),
    }


def background_components(
    machine: Machine, cycles: float, clocked: float, point: OperatingPoint, level: Level
) -> Parts:
    """Leakage over all cycles, clocks over those in which tiles run."""
    background = machine.background
    if background is None or level == "tile":
        return {}
    return {
        "clocks": _pj(clocked, background.clock_fj_per_cycle.value),
        "leakage": background.leakage_w.value * cycles / point.clock_hz * 1e12,
    }


def host_components(machine: Machine, work: HostWork, cycles: float, level: Level) -> Parts:
    """The host's maps in on-chip memory, and its core."""
    parts: Parts = {}
    if machine.memory is not None and level != "tile":
        parts["feature reads"] = _pj(work.read_bits, machine.memory.feature_read.value)
        parts["feature writes"] = _pj(work.written_bits, machine.memory.feature_write.value)
    if level == "system" and machine.host is not None and machine.host.pj_per_cycle is not None:
        parts["host"] = cycles * machine.host.pj_per_cycle.value
    return parts


def _pj(count: float, price_fj: float) -> float:
    return count * price_fj * 1e-3
