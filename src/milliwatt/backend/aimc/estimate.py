# SPDX-License-Identifier: MIT
"""Cycles and energy of a placement."""

from __future__ import annotations

from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.placement import Assignment, Placement
from milliwatt.backend.aimc.timing import (
    array_latency_ns,
    core_cycles,
    engine_cycles,
    excess_bytes,
    product_cycles,
    rewrite_cycles,
    stream_bytes,
    tile_energy,
)
from milliwatt.backend.api import Cost, CostRow
from milliwatt.errors import UnknownFigureError
from milliwatt.units import ceil_div

MACRO_COMPONENTS = ("dac", "adc", "array", "digital")
"""The components that a macro's own efficiency counts."""
REPROGRAMMING = "(reprogramming)"
"""The name of the row that rewriting arrays takes."""


def estimate(placement: Placement) -> Cost:
    """Cost of one inference, layers one after another.

    Energy in picojoules: converters, array, digital post-processing, data movement, cores, engine,
    and the system's base power over the whole time. UnknownFigureError where a figure is missing.
    """
    machine = placement.machine
    rows = [_row(assignment, machine) for assignment in placement.assignments]
    if placement.rewritten_arrays:
        rows.append(_reprogramming(placement))
    return Cost(
        machine=machine.name,
        clock_hz=machine.system.clock_hz.value,
        rows=tuple(rows),
        basis="estimated",
        source=machine.title,
        error=None if machine.error is None else machine.error.value,
    )


def system_tops_per_watt(cost: Cost) -> float:
    """Efficiency by all energy, two operations a multiply-accumulate."""
    return 2 * cost.macs / cost.energy_pj


def peak_tops(machine: Machine) -> float:
    """Throughput of the full array without any interface, two operations a cell."""
    concurrent = machine.system.concurrent_arrays.value
    return 2 * machine.cells * concurrent / array_latency_ns(machine) / 1e3


def _row(assignment: Assignment, machine: Machine) -> CostRow:
    match assignment.unit:
        case "arrays":
            cycles, bytes_moved, energy = _on_arrays(assignment, machine)
            energy["data movement"] = bytes_moved * machine.system.bus_pj_per_byte.value
        case "depthwise engine":
            cycles = engine_cycles(assignment.layer, machine)
            engine = machine.system.depthwise_engine
            power_mw = 0.0 if engine is None else engine.power_mw.value
            energy = {"depthwise engine": _energy_pj(power_mw, cycles, machine)}
            bytes_moved = assignment.layer.input_elements + assignment.layer.output_elements
        case "cores":
            cycles, bytes_moved, energy = _on_cores(assignment, machine)
    over = excess_bytes(assignment.layer, assignment.unit, machine)
    if over and machine.system.next_memory is not None:
        memory = machine.system.next_memory
        cycles = max(cycles, 8 * over / memory.bus_bits.value)
        energy["next memory"] = over * memory.pj_per_byte.value
        bytes_moved += over
    energy["system base"] = _energy_pj(machine.system.base_power_mw.value, cycles, machine)
    return CostRow(
        node=assignment.layer.name,
        macs=_macs(assignment),
        cycles=cycles,
        energy_by_component_pj=energy,
        bytes_moved=bytes_moved,
        utilisation=_utilisation(_macs(assignment), cycles, machine),
    )


def _macs(assignment: Assignment) -> int:
    """Multiply-accumulates of the assignment: a layer's, or of its part in one round."""
    layer = assignment.layer
    if not assignment.tiles:
        return layer.macs
    here = sum(p.tile.useful_cells // p.tile.slices for p in assignment.tiles)
    return here * layer.vectors


def _on_arrays(assignment: Assignment, machine: Machine) -> tuple[float, int, dict[str, float]]:
    concurrent = int(machine.system.concurrent_arrays.value)
    layer, tiles = assignment.layer, [placed.tile for placed in assignment.tiles]
    slowest = product_cycles(layer, tiles, machine)
    cycles = assignment.products_in_turn(concurrent) * slowest
    vectors = layer.vectors
    bytes_moved = vectors * sum(sum(pair) for pair in stream_bytes(layer, tiles, machine))
    energies = [tile_energy(tile, machine) for tile in tiles]
    energy = {
        "dac": vectors * sum(e.dac_pj for e in energies),
        "adc": vectors * sum(e.adc_pj for e in energies),
        "array": vectors * sum(e.array_pj for e in energies),
        "digital": vectors * sum(e.digital_pj for e in energies),
    }
    return cycles, bytes_moved, energy


def _on_cores(assignment: Assignment, machine: Machine) -> tuple[float, int, dict[str, float]]:
    cores, layer = machine.system.cores, assignment.layer
    if cores is None and not layer.rows:
        return 0.0, 0, {}
    cycles = core_cycles(layer, machine)
    power_mw = 0.0 if cores is None else cores.power_mw.value
    moved = layer.input_elements + layer.output_elements + layer.weights
    return cycles, moved, {"cores": _energy_pj(power_mw, cycles, machine)}


def _reprogramming(placement: Placement) -> CostRow:
    machine = placement.machine
    energy_nj = machine.crossbar.rewrite_energy_nj
    if energy_nj is None:
        raise UnknownFigureError(
            f"machine '{machine.name}' does not say what reprogramming an array costs "
            "(crossbar.rewrite_energy_nj)"
        )
    cycles = placement.rewritten_rows / machine.rows * rewrite_cycles(machine)
    cells = sum(p.tile.area for a in placement.assignments for p in a.tiles)
    weights = sum(p.tile.useful_cells for a in placement.assignments for p in a.tiles)
    bytes_moved = ceil_div(weights * machine.cell_bits, 8)
    energy = {"reprogramming": cells / machine.cells * energy_nj.value * 1e3}
    if machine.system.next_memory is not None:
        memory = machine.system.next_memory
        cycles = max(cycles, 8 * bytes_moved / memory.bus_bits.value)
        energy["next memory"] = bytes_moved * memory.pj_per_byte.value
    energy["system base"] = _energy_pj(machine.system.base_power_mw.value, cycles, machine)
    return CostRow(
        node=REPROGRAMMING,
        macs=0,
        cycles=cycles,
        energy_by_component_pj=energy,
        bytes_moved=bytes_moved,
        utilisation=0.0,
    )


def _energy_pj(power_mw: float, cycles: float, machine: Machine) -> float:
    """Power over cycles: mW · s = 1e9 pJ."""
    return power_mw * 1e9 * cycles / machine.system.clock_hz.value


def _utilisation(macs: int, cycles: float, machine: Machine) -> float:
    peak = peak_tops(machine) * 1e12 / 2 / machine.system.clock_hz.value
    return macs / (cycles * peak) if cycles else 0.0
