# SPDX-License-Identifier: MIT
"""Array cost from first principles in 28 nm, for analogue and digital macros alike.

Formulas and constants: Houshmand, Sun, Verhelst, "Benchmarking and modeling of analog and digital
SRAM in-memory computing architectures" (arXiv 2305.18335) and Sun, Houshmand, Verhelst (ICCAD
2023, arXiv 2405.14978), as implemented in ZigZag's `imc_array.py` and `imc_unit.py`. One operation
is half a multiply-accumulate. Input and output registers and the cells' area are left out, as
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from types import MappingProxyType

VDD_V = 0.9
ND2_FF, XOR2_FF, DFF_FF, BITLINE_FF = 0.7, 1.05, 2.1, 0.35
ND2_UM2 = 0.614
XOR2_UM2, DFF_UM2 = 2.4 * ND2_UM2, 6 * ND2_UM2
ND2_NS = 0.0478
XOR2_NS = 2.4 * ND2_NS

_V2 = VDD_V**2
ADDER_FJ = (3 * ND2_FF + 2 * XOR2_FF) * _V2
MULTIPLIER_FJ = 0.5 * ND2_FF * _V2
REGISTER_FJ = DFF_FF * _V2
_ADDER_UM2 = 3 * ND2_UM2 + 2 * XOR2_UM2
_IN_TO_SUM_NS, _IN_TO_CARRY_NS, _CARRY_NS = 2 * XOR2_NS, XOR2_NS + 2 * ND2_NS, 2 * ND2_NS


@dataclass(frozen=True, slots=True)
class Macro:
    """An array's shape: `columns` weights of `weight_bits` a row, inputs in pulses of some bits."""

    rows: int
    columns: int
    activation_bits: int
    weight_bits: int
    bits_per_pulse: int

    @property
    def pulses(self) -> float:
        """Steps in which a whole input is applied."""
        return self.activation_bits / self.bits_per_pulse

    @property
    def macs_per_cycle(self) -> float:
        """Full products finished in one step, on average."""
        return self.rows * self.columns / self.pulses


@dataclass(frozen=True, slots=True)
class MacroCost:
    """Energy and area of one step of a full array by component, and the length of the step."""

    macs_per_cycle: float
    clock_ns: float
    energy_fj: Mapping[str, float]
    area_um2: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "energy_fj", MappingProxyType(dict(self.energy_fj)))
        object.__setattr__(self, "area_um2", MappingProxyType(dict(self.area_um2)))

    @property
    def tops(self) -> float:
        """Peak throughput in tera-operations a second, two operations a multiply-accumulate."""
        return 2 * self.macs_per_cycle / self.clock_ns / 1000

    @property
    def tops_per_watt(self) -> float:
        """Peak efficiency, two operations a multiply-accumulate."""
        return 2 * self.macs_per_cycle / (sum(self.energy_fj.values()) / 1000)

    @property
    def tops_per_mm2(self) -> float:
        """Peak density without the cells' area."""
        return self.tops / (sum(self.area_um2.values()) / 1e6)

    def energy_share(self, *components: str) -> float:
        """Part of the energy that the named components take."""
        return sum(self.energy_fj[c] for c in components) / sum(self.energy_fj.values())

    def area_share(self, *components: str) -> float:
        """Part of the area that the named components take."""
        return sum(self.area_um2[c] for c in components) / sum(self.area_um2.values())


def adc_energy_fj(bits: int) -> float:
    """One conversion: (100·b + 0.001·4**b) fF · V²."""
    return (100 * bits + 0.001 * 4**bits) * _V2


def adc_area_um2(bits: int) -> float:
    """One converter: 10**(-0.0369·b + 1.206) · 2**b; a single bit is a comparator, not counted."""
    return 0.0 if bits <= 1 else 10 ** (-0.0369 * bits + 1.206) * 2**bits


def adc_delay_ns(bits: int, rows: int) -> float:
    """One conversion of a bit line over `rows` cells: b·(0.00653·rows + 0.640)."""
    return bits * (0.00653 * rows + 0.640)


def dac_energy_fj(bits: int) -> float:
    """One row driven once: 50 fF · b · V²; a one-bit input needs no converter."""
    return 0.0 if bits == 1 else 50 * bits * _V2


def bitline_fj(cells: int) -> float:
    """Charging the bit lines of `cells` one-bit cells once."""
    return BITLINE_FF * _V2 * cells


def tree_adders(inputs: int, bits: int) -> float:
    """One-bit adders in a tree that sums `inputs` numbers of `bits` bits."""
    return inputs * (bits + 1) - (bits + log2(inputs) + 1)


def place_value_adders(columns: int, bits: int) -> float:
    """One-bit adders that sum `columns` numbers of `bits` bits, each a place above the last."""
    return 0.0 if columns == 1 else bits * (columns - 1) + columns * (log2(columns) - 0.5)


def analogue_macro(macro: Macro, adc_bits: int) -> MacroCost:
    """An analogue array with one converter for each weight bit's column."""
    bit_columns = macro.weight_bits * macro.columns
    cells = bit_columns * macro.rows
    place_value = place_value_adders(macro.weight_bits, adc_bits) * macro.columns
    width = adc_bits + macro.activation_bits + macro.weight_bits
    accumulators = _accumulator_bits(macro, width)
    energy = {
        "dac": dac_energy_fj(macro.bits_per_pulse) * macro.rows,
        "adc": adc_energy_fj(adc_bits) * bit_columns,
        "multipliers": MULTIPLIER_FJ * cells,
        "bit lines": bitline_fj(cells),
        "place-value adders": ADDER_FJ * place_value,
        "accumulators": (ADDER_FJ + REGISTER_FJ) * accumulators,
    }
    area = {
        "adc": adc_area_um2(adc_bits) * bit_columns,
        "multipliers": ND2_UM2 * cells,
        "place-value adders": _ADDER_UM2 * place_value,
        "accumulators": (_ADDER_UM2 + DFF_UM2) * accumulators,
    }
    clock = ND2_NS + adc_delay_ns(adc_bits, macro.rows)
    clock += _place_value_ns(macro.weight_bits)
    clock += _accumulator_ns(macro, _place_value_width(macro.weight_bits, adc_bits), width)
    return MacroCost(macro.macs_per_cycle, clock, energy, area)


def digital_macro(macro: Macro) -> MacroCost:
    """A digital array: one adder tree for each column and input bit of the pulse."""
    cells = macro.bits_per_pulse * macro.weight_bits * macro.rows * macro.columns
    depth = log2(macro.rows)
    sum_bits = macro.weight_bits + depth
    trees = tree_adders(macro.rows, macro.weight_bits) * macro.bits_per_pulse * macro.columns
    place_value = place_value_adders(macro.bits_per_pulse, int(sum_bits)) * macro.columns
    width = macro.activation_bits + depth + macro.weight_bits
    accumulators = _accumulator_bits(macro, width)
    energy = {
        "multipliers": MULTIPLIER_FJ * cells,
        "adder trees": ADDER_FJ * trees,
        "place-value adders": ADDER_FJ * place_value,
        "accumulators": (ADDER_FJ + REGISTER_FJ) * accumulators,
    }
    area = {
        "multipliers": ND2_UM2 * cells,
        "adder trees": _ADDER_UM2 * trees,
        "place-value adders": _ADDER_UM2 * place_value,
        "accumulators": (_ADDER_UM2 + DFF_UM2) * accumulators,
    }
    clock = ND2_NS + (depth - 1) * _IN_TO_SUM_NS + _IN_TO_CARRY_NS + (sum_bits - 2) * _CARRY_NS
    clock += _place_value_ns(macro.bits_per_pulse)
    clock += _accumulator_ns(macro, _place_value_width(macro.bits_per_pulse, int(sum_bits)), width)
    return MacroCost(macro.macs_per_cycle, clock, energy, area)


def _accumulator_bits(macro: Macro, width: float) -> float:
    """Adder and register bits that gather the pulses; none where the input is one pulse."""
    return 0.0 if macro.bits_per_pulse == macro.activation_bits else width * macro.columns


def _place_value_width(columns: int, bits: int) -> int:
    return bits if columns == 1 else bits + columns


def _place_value_ns(columns: int) -> float:
    if columns == 1:
        return 0.0
    return (log2(columns) - 1) * _IN_TO_SUM_NS + _IN_TO_CARRY_NS + (columns - 1) * _CARRY_NS


def _accumulator_ns(macro: Macro, bits_in: float, bits_out: float) -> float:
    if macro.bits_per_pulse == macro.activation_bits:
        return 0.0
    return _IN_TO_CARRY_NS + (bits_out - bits_in - 1) * _CARRY_NS
