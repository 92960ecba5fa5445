# SPDX-License-Identifier: MIT
"""What a digital in-memory-computing machine is: tiles of rows, chains of tiles, ports, points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from milliwatt.backend.dimc.surroundings import Background, Host, MemoryEnergy
from milliwatt.errors import TargetError, UnknownFigureError, UnsupportedError
from milliwatt.hardware.model import Basis, Figure
from milliwatt.units import ceil_div

Coding = Literal["none", "bitmask"]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One setting of supply, body bias and clock."""

    name: str
    supply_v: float
    body_bias_v: float
    clock_hz: float
    source: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class EnergyPoint:
    """Peak efficiency with weights and activations of `bits` bits; 2 operations a MAC."""

    bits: int
    tile_tops_per_w: Figure
    imnpu_tops_per_w: Figure


@dataclass(frozen=True, slots=True)
class MeasuredEnergy:
    """What silicon showed: peak points, and how they move with body bias and activity."""

    supply_v: float
    """Supply at which the points were measured."""
    points: tuple[EnergyPoint, ...]
    body_bias_efficiency_loss: Figure
    """Share of TOPS/W lost at `body_bias_full_v`."""
    body_bias_speedup: Figure
    """Clock at `body_bias_full_v` over the clock without body bias."""
    body_bias_full_v: Figure
    activity_share: Figure
    """Share of a row's energy that goes with activity; the rest is spent whatever the data."""
    reference_body_bias_v: Figure
    """Body bias at which the points were measured."""
    kernel_load_fj_per_bit: Figure
    """From the weight memory into the tiles that share a broadcast."""
    system_fj_per_mac: Figure
    system_standing_w: Figure


@dataclass(frozen=True, slots=True)
class TieBreak:
    """Which of several mappings of equal cycles is taken (see `mapper`)."""

    rounds: int
    stripe_multiple: int


@dataclass(frozen=True, slots=True)
class Machine:
    """A digital in-memory-computing accelerator: `clusters` of tiles that share a load port.

    A tile holds `rows` rows of `row_bits` bits; a row-cycle is the dot product of one row with
    the activations before the tile. Tiles in a chain add their partial sums.
    """

    name: str
    title: str
    technology_nm: int
    clusters: int
    tiles_per_cluster: int
    rows: int
    row_bits: int
    subtensors: int
    """Parts of a row that can be summed apart, each for another kernel."""
    accumulator_bits: int
    """Signed width of the partial sums that tiles of a chain hand on."""
    load_port_bits: int
    """Kernel bits a cluster takes in each cycle."""
    weight_bits: tuple[int, ...]
    activation_bits: tuple[int, ...]
    chain_lengths: tuple[int, ...]
    chain_hop_cycles: int
    """Cycles that a partial sum takes from a tile of a chain to the next."""
    pack_mux_tiles: tuple[int, ...]
    out_mux_lengths: tuple[int, ...]
    min_stripe: int
    """Fewest output rows that a stripe, or columns that a cluster's share, may have."""
    tie_break: TieBreak
    operating_points: tuple[OperatingPoint, ...]
    figures: Mapping[str, Figure]
    """Every number of the description by its path, with its source."""
    input_slice_bits: int | None = None
    """Bits of an activation fed at a time; None where any precision offered is fed at once."""
    skip_zero_rows: bool = False
    """Whether rows whose weights are all zero are neither loaded nor computed."""
    weight_memory_bytes: int | None = None
    """On-chip memory that holds a network's weights; None where no limit is known."""
    feature_memory_bytes: int | None = None
    """On-chip memory for feature maps; None where none is known."""
    weight_coding: Coding = "none"
    """How kernels are stored in memory and loaded; tiles hold them decoded."""
    feature_coding: Coding = "none"
    """How feature maps that only tiles read are stored."""
    area_mm2: float | None = None
    energy: MeasuredEnergy | None = None
    memory: MemoryEnergy | None = None
    """None where no source parts it from the measured energy, or none is known."""
    background: Background | None = None
    host: Host | None = None
    aliases: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", MappingProxyType(dict(self.figures)))

    @property
    def tiles(self) -> int:
        """Tiles of all clusters."""
        return self.clusters * self.tiles_per_cluster

    @property
    def capacity_bits(self) -> int:
        """Bits that all the tiles hold."""
        return self.tiles * self.rows * self.row_bits

    def lanes(self, weight_bits: int) -> int:
        """Weights of `weight_bits` bits that a row holds."""
        return self.row_bits // weight_bits

    def weight_slices(self, bits: int) -> tuple[int, ...]:
        """Bits of the slices that a weight of `bits` bits is stored in, low bits first."""
        return _slices(bits, self.weight_bits, f"{self.name}: weights")

    def activation_slices(self, bits: int) -> tuple[int, ...]:
        """Bits of the slices that an activation of `bits` bits is fed in, low bits first."""
        words = _slices(bits, self.activation_bits, f"{self.name}: activations")
        if self.input_slice_bits is None:
            return words
        return tuple(part for word in words for part in _serial(word, self.input_slice_bits))

    def chain_length(self, needed: int) -> int | None:
        """The shortest chain of at least `needed` tiles; None where there is none."""
        longer = [length for length in self.chain_lengths if length >= needed]
        return min(longer, default=None)

    def operating_point(self, name: str | None = None) -> OperatingPoint:
        """The point of that name; the first where `name` is None."""
        if name is None:
            return self.operating_points[0]
        for point in self.operating_points:
            if point.name == name:
                return point
        known = ", ".join(point.name for point in self.operating_points)
        raise TargetError(f"{self.name} has no operating point '{name}'; there are: {known}")

    def measured_energy(self) -> MeasuredEnergy:
        """The energy measured on silicon; UnknownFigureError where there is none."""
        if self.energy is None:
            raise UnknownFigureError(
                f"{self.name} has no [energy]: nothing was measured; "
                "the analytical model (dimc.array_model) estimates it"
            )
        return self.energy

    def peak_tops(self, weight_bits: int, point: OperatingPoint) -> float:
        """Peak tera-operations a second, 2 operations a MAC."""
        return 2e-12 * self.tiles * self.lanes(weight_bits) * point.clock_hz


def _serial(bits: int, width: int) -> tuple[int, ...]:
    """`bits` bits in slices of `width`, low bits first, the last as narrow as is left."""
    return tuple(min(width, bits - start) for start in range(0, bits, width))


def _slices(bits: int, offered: tuple[int, ...], what: str) -> tuple[int, ...]:
    """One slice where the precision is offered, else equal slices of the widest that divides."""
    if bits in offered:
        return (bits,)
    whole = [width for width in offered if width > 1 and bits % width == 0]
    if bits > max(offered) and whole:
        return (max(whole),) * ceil_div(bits, max(whole))
    raise UnsupportedError(
        f"{what} of {bits} bits are not offered; offered: "
        f"{', '.join(map(str, offered))} bits, and multiples of them by slicing"
    )
