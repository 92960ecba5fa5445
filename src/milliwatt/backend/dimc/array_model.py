# SPDX-License-Identifier: MIT
"""A digital array from its gates: energy, area and clock for machines without silicon.

The model of Houshmand, Sun and Verhelst (arXiv 2305.18335, 2405.14978; parameters as in ZigZag's
`imc_unit.py`): multipliers are NAND gates, adder trees ripple-carry, accumulators and registers
close each column. Valid for 6T cells, ripple-carry trees and integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Protocol


class Switching(Protocol):
    """Shares of zeros in the kernels and of bits that change."""

    @property
    def sparsity(self) -> float:
        """Share of zeros, 0 to 1."""
        ...

    @property
    def transitions(self) -> float:
        """Share of bits that change, 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Technology:
    """Gates of a process; XOR2 and flip-flop are given by their ratio to the NAND2."""

    nand2_ff: float
    nand2_um2: float
    nand2_ns: float
    xor2_capacitance_ratio: float = 1.5
    xor2_area_ratio: float = 2.4
    xor2_delay_ratio: float = 2.4
    register_capacitance_ratio: float = 3.0
    register_area_ratio: float = 6.0

    @property
    def adder_ff(self) -> float:
        """Capacitance of a one-bit full adder: three NAND2 and two XOR2."""
        return self.nand2_ff * (3 + 2 * self.xor2_capacitance_ratio)

    @property
    def adder_um2(self) -> float:
        """Area of a one-bit full adder."""
        return self.nand2_um2 * (3 + 2 * self.xor2_area_ratio)


TECHNOLOGY_28NM = Technology(nand2_ff=0.7, nand2_um2=0.614, nand2_ns=0.0478)
"""28 nm, as fitted by the model's authors (facts: ZigZag `imc_unit.py`)."""


def tree_adders(inputs: int, bits: int) -> int:
    """One-bit adders of a tree over `inputs` numbers of `bits` bits, rounded up to a power of 2."""
    depth = _depth(inputs)
    return (1 << depth) * (bits + 1) - (bits + depth + 1)


def macro_row_energy_fj(
    technology: Technology,
    *,
    inputs: int,
    weight_bits: int,
    activation_bits: int,
    accumulator_bits: int,
    supply_v: float,
    activity: Switching,
    tree_bits: int | None = None,
    multiplier_bits: int | None = None,
) -> dict[str, float]:
    """Femtojoules of one row-cycle by component: `inputs` products summed into an accumulator.

    `activation_bits` are those of one pass. A product is `activation_bits` one-bit-by-many
    multipliers of `weight_bits` bits unless `multiplier_bits` gives their total; the tree adds
    numbers of `tree_bits`, by default the product's width (that of the weight where the activation
    has one bit). The accumulator shifts and adds once a pass.
    """
    square = supply_v**2
    active = activity.transitions * (1 - activity.sparsity)
    product_bits = weight_bits + (activation_bits if activation_bits > 1 else 0)
    gates = inputs * (multiplier_bits or weight_bits * activation_bits)
    tree = tree_adders(inputs, tree_bits or product_bits)
    register = technology.nand2_ff * technology.register_capacitance_ratio
    return {
        "multipliers": active * gates * 0.5 * technology.nand2_ff * square,
        "adder trees": active * tree * technology.adder_ff * square,
        "accumulators": accumulator_bits * (technology.adder_ff + register) * square,
    }


def column_area_um2(
    technology: Technology,
    *,
    inputs: int,
    tree_bits: int,
    multiplier_bits: int,
    accumulator_bits: int,
) -> float:
    """Square micrometres of the logic of one output: multipliers, tree, accumulator; no cells."""
    register = technology.nand2_um2 * technology.register_area_ratio
    return (
        inputs * multiplier_bits * technology.nand2_um2
        + tree_adders(inputs, tree_bits) * technology.adder_um2
        + accumulator_bits * (technology.adder_um2 + register)
    )


def clock_period_ns(
    technology: Technology,
    *,
    inputs: int,
    tree_bits: int,
    accumulator_bits: int,
    accumulator_input_bits: int,
) -> float:
    """Nanoseconds through multiplier, tree and accumulator, ripple-carry, without a pipeline."""
    xor, nand = technology.nand2_ns * technology.xor2_delay_ratio, technology.nand2_ns
    depth = _depth(inputs)
    carry = xor + 2 * nand + 2 * nand * (tree_bits + depth - 2)
    tree = 2 * xor * (depth - 1) + carry
    accumulator = 2 * xor + 2 * nand * (accumulator_bits - accumulator_input_bits)
    return nand + tree + accumulator


def _depth(inputs: int) -> int:
    return max(1, ceil(log2(max(2, inputs))))
