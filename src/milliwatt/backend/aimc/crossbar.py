# SPDX-License-Identifier: MIT
"""One tile as a physical array: programmed once, aged to a time, multiplied many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from milliwatt.backend.aimc import noise
from milliwatt.backend.aimc.converters import through_adc
from milliwatt.backend.aimc.model import ChargeNoise, Machine
from milliwatt.backend.aimc.noise import Devices
from milliwatt.backend.aimc.weights import largest_digit
from milliwatt.ir.types import Array

Error = Literal["programming", "drift", "read", "short-term", "output", "ir drop", "dac", "adc"]

ALL_ERRORS: frozenset[Error] = frozenset(get_args(Error))
NO_ERRORS: frozenset[Error] = frozenset()


@dataclass(frozen=True, slots=True)
class ProgrammedTile:
    """Devices of one tile; `digits` [rows, columns] are what its unit cells were to hold."""

    digits: Array
    positive: Devices
    negative: Devices
    first_row: int
    """The array's row, counted from the converters, where the tile begins."""


def program_tile(
    digits: Array,
    machine: Machine,
    errors: frozenset[Error],
    first_row: int,
    rng: np.random.Generator,
) -> ProgrammedTile:
    """Write digits [rows, columns] as pairs of devices, or as averaged pairs where there are more.

    The positive device holds the digit's positive part, the negative one the rest.
    """
    scale = full_conductance_us(machine) / largest_digit(machine.cell_bits)
    pairs = max(1, int(machine.crossbar.cells_per_weight.value) // 2)
    exact = "programming" not in errors
    parts: list[Devices] = []
    for part in (np.maximum(digits, 0.0), np.maximum(-digits, 0.0)):
        target = np.broadcast_to(part * scale, (pairs, *digits.shape))
        parts.append(noise.program(target, machine.device_noise, rng, exact=exact))
    return ProgrammedTile(digits, parts[0], parts[1], first_row)


def effective_digits(
    tile: ProgrammedTile,
    machine: Machine,
    errors: frozenset[Error],
    time_s: float,
    rng: np.random.Generator,
) -> Array:
    """What the unit cells [rows, columns] seem to hold `time_s` after programming.

    With drift and its global compensation, the whole tile is divided by what is left of its
    summed read-out.
    """
    conductances = [
        _conductance(devices, machine, errors, time_s, rng)
        for devices in (tile.positive, tile.negative)
    ]
    if "ir drop" in errors and machine.circuit_noise.wire_ohm_per_cell.value:
        wire_ohm = machine.circuit_noise.wire_ohm_per_cell.value
        conductances = [noise.with_ir_drop(g, wire_ohm, tile.first_row) for g in conductances]
    net = conductances[0] - conductances[1]
    scale = largest_digit(machine.cell_bits) / full_conductance_us(machine)
    return net * scale * _compensation(tile, net, machine, errors)


def multiply(
    vectors: Array,
    digits: Array,
    machine: Machine,
    errors: frozenset[Error],
    input_max: float,
    full_scale: float | None,
    rng: np.random.Generator,
) -> Array:
    """Sums [vectors, columns] as the converters give them, in digit · input units.

    `full_scale` is the converters' range in the same units; None is the machine's own.
    """
    sums = vectors @ digits
    on = largest_digit(machine.cell_bits)
    circuit = machine.circuit_noise
    variance = np.zeros((len(vectors), 1))
    if "short-term" in errors:
        power = np.einsum("vr,vr->v", vectors, vectors)[:, None]
        variance = variance + (circuit.short_term.value * on) ** 2 * power
    if "output" in errors:
        variance = variance + (circuit.output.value * on * input_max) ** 2
    if variance.any():
        sums = sums + np.sqrt(variance) * rng.standard_normal(sums.shape)
    if "adc" in errors:
        own = machine.crossbar.adc_bound.value * on * input_max
        bits = int(machine.crossbar.adc_bits.value)
        sums = through_adc(sums, own if full_scale is None else full_scale, bits)
    return sums


def digital_sum(parts: Sequence[Array], factors: Sequence[float]) -> Array:
    """Slices shifted and added."""
    total = parts[0] * factors[0]
    for part, factor in zip(parts[1:], factors[1:], strict=True):
        total = total + part * factor
    return total


def _conductance(
    devices: Devices,
    machine: Machine,
    errors: frozenset[Error],
    time_s: float,
    rng: np.random.Generator,
) -> Array:
    device_noise = machine.device_noise
    found = devices.programmed_us
    if "drift" in errors:
        found = noise.aged(devices, device_noise, time_s)
    if "read" in errors:
        found = noise.with_read_noise(found, devices, device_noise, time_s, rng)
    return found.mean(axis=0)


def _compensation(
    tile: ProgrammedTile, net: Array, machine: Machine, errors: frozenset[Error]
) -> float:
    if "drift" not in errors or not machine.circuit_noise.drift_compensation:
        return 1.0
    before = np.abs(
        tile.positive.programmed_us.mean(axis=0) - tile.negative.programmed_us.mean(axis=0)
    ).sum()
    now = np.abs(net).sum()
    return float(before / now) if now else 1.0


def full_conductance_us(machine: Machine) -> float:
    """Full-scale conductance; 1 for capacitors, which only have a ratio."""
    device_noise = machine.device_noise
    return 1.0 if isinstance(device_noise, ChargeNoise) else device_noise.g_max_us.value
