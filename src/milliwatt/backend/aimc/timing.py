# SPDX-License-Identifier: MIT
"""How long a matrix-vector product takes, and what it draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.aimc import formulas
from milliwatt.backend.aimc.layers import Layer
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.placement import Unit
from milliwatt.backend.aimc.tiling import Tile
from milliwatt.errors import UnknownFigureError
from milliwatt.units import ceil_div

_SUM_BYTES = 4


@dataclass(frozen=True, slots=True)
class TileEnergy:
    """Energy of one product by what draws it, in picojoules."""

    dac_pj: float
    adc_pj: float
    array_pj: float
    digital_pj: float


def array_latency_ns(machine: Machine) -> float:
    """Time of one product of the whole array, stated or from first principles."""
    crossbar = machine.crossbar
    if crossbar.mvm_latency_ns is not None:
        return crossbar.mvm_latency_ns.value
    conversion = formulas.adc_delay_ns(int(crossbar.adc_bits.value), machine.rows)
    return pulses(machine) * crossbar.columns_per_adc.value * (conversion + formulas.ND2_NS)


def pulses(machine: Machine) -> int:
    """Analogue steps of one product."""
    crossbar = machine.crossbar
    return ceil_div(int(crossbar.dac_bits.value), int(crossbar.dac_bits_per_pulse.value))


def stream_bytes(layer: Layer, tiles: Sequence[Tile], machine: Machine) -> list[tuple[int, int]]:
    """Bytes into and out of the array for one product of each of these tiles of one layer.

    Where the interface accumulates, a column of row blocks sends its finished activations once; a
    sum whose other blocks are in another round is sent, and fetched there, as an accumulator.
    """
    crossbar = machine.crossbar
    inputs = [ceil_div(tile.height * int(crossbar.dac_bits.value), 8) for tile in tiles]
    if machine.system.partial_sums == "moved":
        bits = int(crossbar.adc_bits.value)
        return [(n, ceil_div(t.width * bits, 8)) for n, t in zip(inputs, tiles, strict=True)]
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    for tile in tiles:
        place = (tile.group, tile.column)
        first[place] = min(tile.row, first.get(place, tile.row))
        last[place] = max(tile.row, last.get(place, tile.row))
    found: list[tuple[int, int]] = []
    for count, tile in zip(inputs, tiles, strict=True):
        place, sums = (tile.group, tile.column), tile.columns * tile.groups
        fetched = _SUM_BYTES * sums if tile.row == first[place] > 0 else 0
        width = 1 if tile.row + tile.rows == layer.rows else _SUM_BYTES
        found.append((count + fetched, width * sums if tile.row == last[place] else 0))
    return found


def product_cycles(layer: Layer, tiles: Sequence[Tile], machine: Machine) -> float:
    """Cycles from one product to the next of the slowest of a layer's tiles.

    Array and streams work at once.
    """
    system = machine.system
    analogue = array_latency_ns(machine) * 1e-9 * system.clock_hz.value
    widest = max(max(pair) for pair in stream_bytes(layer, tiles, machine))
    return max(analogue + system.interface_cycles.value, 8 * widest / system.bus_bits.value)


def tile_energy(tile: Tile, machine: Machine) -> TileEnergy:
    """Energy of one product of this tile; only its rows, columns and cells are active."""
    stated = machine.energy
    if stated is None:
        return _tile_energy_from_formulas(tile, machine)
    return TileEnergy(
        dac_pj=tile.height * stated.dac_pj.value,
        adc_pj=tile.width * stated.adc_pj.value,
        array_pj=tile.area * stated.cell_fj.value / 1e3,
        digital_pj=tile.width * stated.digital_pj.value,
    )


def _tile_energy_from_formulas(tile: Tile, machine: Machine) -> TileEnergy:
    crossbar, steps = machine.crossbar, pulses(machine)
    adc_bits, dac_bits = int(crossbar.adc_bits.value), int(crossbar.dac_bits_per_pulse.value)
    cells = tile.area * machine.cell_bits
    adders = formulas.place_value_adders(tile.slices, adc_bits) * tile.width / tile.slices
    width = adc_bits + int(crossbar.dac_bits.value) + machine.cell_bits * tile.slices
    gathered = 0.0 if steps == 1 else width * tile.width / tile.slices
    adder_fj, register_fj = formulas.ADDER_FJ, formulas.REGISTER_FJ
    return TileEnergy(
        dac_pj=steps * tile.height * formulas.dac_energy_fj(dac_bits) / 1e3,
        adc_pj=steps * tile.width * formulas.adc_energy_fj(adc_bits) / 1e3,
        array_pj=steps * (formulas.bitline_fj(cells) + formulas.MULTIPLIER_FJ * cells) / 1e3,
        digital_pj=steps * (adder_fj * adders + (adder_fj + register_fj) * gathered) / 1e3,
    )


def core_cycles(layer: Layer, machine: Machine) -> float:
    """Cycles of a layer on the programmable cores; UnknownFigureError where there are none."""
    cores = machine.system.cores
    if cores is None:
        raise UnknownFigureError(
            f"machine '{machine.name}' has no cores to run '{layer.name}'; state [system.cores]"
        )
    if layer.kind == "depthwise":
        return layer.macs / cores.depthwise_macs_per_cycle.value
    if layer.rows:
        return layer.macs / cores.macs_per_cycle.value
    work = max(layer.input_elements, layer.output_elements, layer.macs)
    return work / cores.elements_per_cycle.value


def engine_cycles(layer: Layer, machine: Machine) -> float:
    """Cycles of a depthwise layer on its digital engine."""
    engine = machine.system.depthwise_engine
    if engine is None:
        raise UnknownFigureError(f"machine '{machine.name}' has no depthwise engine")
    return layer.macs / engine.macs_per_cycle.value


def converter_area_mm2(machine: Machine) -> float:
    """Converters of one array from first principles (28 nm), one for `columns_per_adc` columns."""
    crossbar = machine.crossbar
    count = ceil_div(machine.columns, int(crossbar.columns_per_adc.value))
    return count * formulas.adc_area_um2(int(crossbar.adc_bits.value)) / 1e6


def excess_bytes(layer: Layer, unit: Unit, machine: Machine) -> int:
    """Bytes of a layer's values that the tightly coupled memory cannot hold while it runs.

    Input and output, one byte a value, and the weights unless arrays hold them.
    """
    weights = 0 if unit == "arrays" else ceil_div(layer.weights * layer.weight_bits, 8)
    held = layer.input_elements + layer.output_elements + weights
    return max(0, held - int(machine.system.l1_bytes.value))


def rewrite_cycles(machine: Machine) -> float:
    """Cycles to reprogram one array; UnknownFigureError where the machine does not say."""
    rewrite = machine.crossbar.rewrite_mvms
    if rewrite is None:
        raise UnknownFigureError(
            f"machine '{machine.name}' does not say how long an array takes to reprogram "
            "(crossbar.rewrite_mvms)"
        )
    return rewrite.value * array_latency_ns(machine) * 1e-9 * machine.system.clock_hz.value
