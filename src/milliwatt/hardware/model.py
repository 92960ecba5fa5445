# SPDX-License-Identifier: MIT
"""What a target is: memories, core, clock, time and power, every figure with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from milliwatt.errors import TargetError, UnknownFigureError

Basis = Literal["measured", "published", "estimated"]
MemoryKind = Literal["sram", "flash"]
Holds = Literal["code", "constants", "data"]
Feature = Literal["dsp", "fpu", "mve"]

# What each core always has and may have (Arm's technical reference manuals).
CORE_FEATURES: dict[str, tuple[frozenset[Feature], frozenset[Feature]]] = {
    "cortex-m0plus": (frozenset(), frozenset()),
    "cortex-m3": (frozenset(), frozenset()),
    "cortex-m4": (frozenset({"dsp"}), frozenset({"dsp", "fpu"})),
    "cortex-m7": (frozenset({"dsp"}), frozenset({"dsp", "fpu"})),
    "cortex-m33": (frozenset(), frozenset({"dsp", "fpu"})),
    "cortex-m55": (frozenset({"dsp"}), frozenset({"dsp", "fpu", "mve"})),
    "rv32imc": (frozenset(), frozenset()),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number about hardware; its unit is in the name of the field that holds it."""

    value: float
    source: str
    """Where the number comes from: a paper, a datasheet, a benchmark's result."""
    basis: Basis
    low: float | None = None
    """Smallest value seen or thought possible; None where the source gives one number only."""
    high: float | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value; both equal `value` where the source gives no spread."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low, high

    @property
    def error(self) -> float | None:
        """Largest relative distance of a bound from the value; None where no spread is known."""
        if self.low is None and self.high is None:
            return None
        low, high = self.bounds
        return max(high - self.value, self.value - low) / self.value


@dataclass(frozen=True, slots=True)
class MemoryRegion:
    """A stretch of the address map that a program may use."""

    name: str
    kind: MemoryKind
    bytes: int
    origin: int
    """Address of the first byte, as the core sees it."""
    holds: tuple[Holds, ...]
    """What may be placed here: code, constants (weights too), data (arena, state, stack)."""
    source: str


@dataclass(frozen=True, slots=True)
class CacheGeometry:
    """A fully associative cache with least-recently-used replacement."""

    lines: int
    line_bytes: int


@dataclass(frozen=True, slots=True)
class FittedTiming:
    """Coefficients of cycles = instructions + registers + divides + branches + flash misses.

    Each register of a load- or store-multiple, and the second of a dual access, costs one cycle
    more, and divides cost their counted extra cycles; taken branches and flash-line misses cost
    what was fitted.
    """

    taken_branch_cycles: Figure
    flash_line_miss_cycles: Figure
    mean_error: Figure
    """Mean relative error of whole networks, each left out of the fit in turn."""
    max_error: Figure
    instruction_cache: CacheGeometry
    data_cache: CacheGeometry


@dataclass(frozen=True, slots=True)
class Timing:
    """How many cycles the core needs for what the emulator counts."""

    cycles_per_instruction: Figure
    fitted: FittedTiming | None = None


@dataclass(frozen=True, slots=True)
class PowerMode:
    """Power drawn under one supply and regulator setting; absent figures are unknown."""

    name: str
    title: str
    supply_v: Figure | None = None
    active_power_mw: Figure | None = None
    """Stated by the source, or its current times the supply voltage."""
    active_current_ma: Figure | None = None
    sleep_power_uw: Figure | None = None
    """Stated by the source, or its current times the supply voltage."""
    sleep_current_ua: Figure | None = None
    sleep_state: str | None = None
    """What stays powered and what runs while the core sleeps at that figure."""


@dataclass(frozen=True, slots=True)
class Target:
    """A board, or a chip on it, that a network can be compiled for."""

    name: str
    title: str
    vendor: str
    chip: str
    core: str
    """A key of `CORE_FEATURES`, such as `cortex-m4`."""
    features: frozenset[Feature]
    clock_hz: Figure
    memories: tuple[MemoryRegion, ...]
    timing: Timing | None = None
    """None where no cycles-per-instruction figure is known for this core and memory."""
    power: tuple[PowerMode, ...] = ()
    """The first is the default; empty where no figure is known."""
    aliases: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def capacity_bytes(self, what: Holds) -> int:
        """Bytes of all the regions that may hold `what`."""
        return sum(region.bytes for region in self.memories if what in region.holds)

    @property
    def sram_bytes(self) -> int:
        """Bytes that may hold data: arena, state, statics and stack."""
        return self.capacity_bytes("data")

    @property
    def flash_bytes(self) -> int:
        """Bytes that may hold constants: the weights, and on most boards the code too."""
        return self.capacity_bytes("constants")

    def power_mode(self, name: str | None = None) -> PowerMode:
        """The mode of that name, or the default one; TargetError if there is none."""
        if not self.power:
            raise UnknownFigureError(f"no power figure is known for target '{self.name}'")
        if name is None:
            return self.power[0]
        for mode in self.power:
            if mode.name == name:
                return mode
        allowed = ", ".join(mode.name for mode in self.power)
        raise TargetError(f"target '{self.name}' has no power mode '{name}'; it has: {allowed}")
