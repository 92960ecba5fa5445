# SPDX-License-Identifier: MIT
"""What a crossbar machine is: arrays, converters, noise, and the system around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from milliwatt.hardware.model import Figure

Technology = Literal["pcm", "reram", "charge-sram"]


@dataclass(frozen=True, slots=True)
class Crossbar:
    """One array: a unit cell holds one signed digit of a weight, a column is one converted sum."""

    rows: Figure
    columns: Figure
    cell_bits: Figure
    """Bits of the signed digit in a unit cell: magnitudes 0 … 2**(cell_bits - 1), either sign."""
    cells_per_weight: Figure
    """Devices in one unit cell: 2 for a differential pair."""
    dac_bits: Figure
    adc_bits: Figure
    dac_bits_per_pulse: Figure
    """Input bits applied in one analogue step; `dac_bits` where the whole input is one step."""
    columns_per_adc: Figure
    """Columns that take turns at one converter."""
    adc_bound: Figure
    """Full scale of the converter, in unit cells fully on at the largest input."""
    mvm_latency_ns: Figure | None
    """Time of one matrix-vector product of the whole array; None: from first principles."""
    area_mm2: Figure | None
    rewrite_mvms: Figure | None
    """Time to reprogram an array, in matrix-vector products; None: cannot be rewritten in use."""
    rewrite_energy_nj: Figure | None
    """Energy to reprogram an array."""


@dataclass(frozen=True, slots=True)
class ArrayEnergy:
    """Energy of one matrix-vector product, by what is active."""

    dac_pj: Figure
    """Each driven row."""
    adc_pj: Figure
    """Each converted column."""
    cell_fj: Figure
    """Each unit cell at a driven row and a converted column."""
    digital_pj: Figure
    """Each converted column's digital post-processing and accumulation."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The programmable cores, all together."""

    count: Figure
    macs_per_cycle: Figure
    depthwise_macs_per_cycle: Figure
    elements_per_cycle: Figure
    """Values read by operators without weights: additions, pooling, activations."""
    power_mw: Figure
    """Drawn on top of the system's base while the cores work, their memory accesses included."""


@dataclass(frozen=True, slots=True)
class DepthwiseEngine:
    """A digital accelerator for depthwise convolutions."""

    macs_per_cycle: Figure
    power_mw: Figure
    """Drawn on top of the system's base while the engine works, memory accesses included."""


@dataclass(frozen=True, slots=True)
class NextMemory:
    """The memory behind the tightly coupled one, which holds what that cannot."""

    bus_bits: Figure
    """Bits a cycle, either way, while the arrays compute."""
    pj_per_byte: Figure
    """Moving a byte from one memory to the other, both accesses included."""


PartialSums = Literal["accumulated", "moved"]


@dataclass(frozen=True, slots=True)
class System:
    """What surrounds the arrays: clock, bus to the tightly coupled memory, cores, engine."""

    clock_hz: Figure
    bus_bits: Figure
    """Bits a cycle from memory to each array that computes, and as many back."""
    l1_bytes: Figure
    interface_cycles: Figure
    """Cycles added to each matrix-vector product by the interface."""
    concurrent_arrays: Figure
    """Arrays that compute at the same time."""
    base_power_mw: Figure
    """Clock tree, memory, interconnect and leakage, drawn all the time."""
    bus_pj_per_byte: Figure
    """Moving a byte between memory and an array, memory access included."""
    area_mm2: Figure | None
    """Everything but the arrays."""
    partial_sums: PartialSums
    """Whether the arrays' interface adds slices and row blocks, so that only finished sums cross
    the bus, or every converted column crosses it."""
    next_memory: NextMemory | None
    """None: what it would cost to go beyond the tightly coupled memory is not known."""
    cores: Cores | None
    depthwise_engine: DepthwiseEngine | None


@dataclass(frozen=True, slots=True)
class PcmNoise:
    """Phase-change memory: programming error, drift with time, 1/f read noise."""

    g_max_us: Figure
    programming_us: tuple[Figure, ...]
    """Standard deviation against g/g_max: coefficients, lowest power first, at `reference_us`."""
    reference_us: Figure
    drift_t0_s: Figure
    drift_mean: tuple[Figure, Figure, Figure, Figure]
    """Mean of the exponent: clamp(a·ln(g/g_max) + b, low, high)."""
    drift_std: tuple[Figure, Figure, Figure, Figure]
    read_q: tuple[Figure, Figure, Figure]
    """1/f noise: min(a / (g/g_max)**b, c)."""
    t_read_s: Figure


@dataclass(frozen=True, slots=True)
class ReramPoint:
    """Spread of conductances some time after programming."""

    time_s: Figure
    spread_us: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class ReramNoise:
    """Resistive memory: a spread that grows between the times at which it was measured."""

    g_max_us: Figure
    reference_us: Figure
    points: tuple[ReramPoint, ...]


@dataclass(frozen=True, slots=True)
class ChargeNoise:
    """Charge-domain SRAM: weights are exact, the capacitors differ."""

    mismatch: Figure
    """Relative standard deviation of a unit capacitor."""


DeviceNoise = PcmNoise | ReramNoise | ChargeNoise


@dataclass(frozen=True, slots=True)
class CircuitNoise:
    """Errors of the circuits around the devices."""

    output: Figure
    """Standard deviation of a column's sum, in unit cells fully on at the largest input."""
    short_term: Figure
    """Standard deviation of every cell at every product, as a share of a full cell."""
    wire_ohm_per_cell: Figure
    """Bit-line resistance from one row to the next."""
    drift_compensation: bool
    """Whether one factor an array, from summed read-outs, undoes the mean drift."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Crossbars and their system."""

    name: str
    title: str
    technology: Technology
    arrays: Figure
    crossbar: Crossbar
    energy: ArrayEnergy | None
    """None: from first principles (28 nm)."""
    system: System
    device_noise: DeviceNoise
    circuit_noise: CircuitNoise
    error: Figure | None
    """Known relative error of latency and energy against a published result."""
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of one array."""
        return int(self.crossbar.rows.value)

    @property
    def columns(self) -> int:
        """Columns of one array."""
        return int(self.crossbar.columns.value)

    @property
    def cell_bits(self) -> int:
        """Bits of the signed digit in a unit cell."""
        return int(self.crossbar.cell_bits.value)

    @property
    def cells(self) -> int:
        """Unit cells of one array."""
        return self.rows * self.columns
