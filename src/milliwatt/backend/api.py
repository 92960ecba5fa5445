# SPDX-License-Identifier: MIT
"""What every backend answers with: the cost of a placement, row by row, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Basis = Literal["measured", "published", "estimated"]


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one node of the graph costs on a machine."""

    node: str
    macs: int
    cycles: float
    energy_by_component_pj: Mapping[str, float]
    """Energy by what draws it ("array", "data movement", "leakage", …), in picojoules."""
    bytes_moved: int
    """Bytes that cross between the compute arrays and the memory around them."""
    utilisation: float
    """Share of the machine's multiply-accumulate capacity in use while the node runs, 0 to 1."""

    def __post_init__(self) -> None:
        frozen = MappingProxyType(dict(self.energy_by_component_pj))
        object.__setattr__(self, "energy_by_component_pj", frozen)

    @property
    def energy_pj(self) -> float:
        """Energy of all components."""
        return sum(self.energy_by_component_pj.values())


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one inference: rows, their sums, and what the figures rest on."""

    machine: str
    clock_hz: float
    rows: tuple[CostRow, ...]
    basis: Basis
    source: str
    """Where the figures come from, as text to print."""
    error: float | None
    """Known relative error of the sums; None where nothing is known to compare with."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all rows."""
        return sum(row.macs for row in self.rows)

    @property
    def cycles(self) -> float:
        """Cycles of all rows, one after another."""
        return sum(row.cycles for row in self.rows)

    @property
    def seconds(self) -> float:
        """Time of one inference."""
        return self.cycles / self.clock_hz

    @property
    def energy_by_component_pj(self) -> dict[str, float]:
        """Energy of all rows by component."""
        total: dict[str, float] = {}
        for row in self.rows:
            for component, energy_pj in row.energy_by_component_pj.items():
                total[component] = total.get(component, 0.0) + energy_pj
        return total

    @property
    def energy_pj(self) -> float:
        """Energy of one inference."""
        return sum(self.energy_by_component_pj.values())
