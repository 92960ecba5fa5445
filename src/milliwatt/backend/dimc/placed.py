# SPDX-License-Identifier: MIT
"""What a placement holds: the mapping of every layer, and what stays on the host core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from milliwatt.backend.dimc.cycles import Cycles, Mode, kernel_rows
from milliwatt.backend.dimc.cycles import Mapping as TileMapping
from milliwatt.backend.dimc.host import HostWork, host_cycles
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.mapper import Objective
from milliwatt.ir.graph import Graph
from milliwatt.units import ceil_div

Weights = Literal["reloaded", "resident"]


@dataclass(frozen=True, slots=True)
class PlacedLayer:
    """A layer, its mapping, and its cycles in the placement's mode."""

    layer: Layer
    mapping: TileMapping
    cycles: Cycles
    utilisation: float
    """Share of the tiles' row bits that hold weights, as ST's tables count: rows left empty
    are not counted as idle."""
    row_fill: float
    """Share of the rows of the tiles in use that hold a kernel, over all rounds."""
    source: str | None = None
    """The value of the graph that the layer reads."""
    pieces: int = 1
    """Parts in which the input map comes on the chip, with the kernels loaded for each."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Every layer of a network mapped to a machine."""

    machine: Machine
    network: str
    mode: Mode
    clusters: int
    objective: Objective
    weights: Weights
    layers: tuple[PlacedLayer, ...]
    host: tuple[HostWork, ...] = ()
    """What the host core computes."""
    graph: Graph | None = None
    """The graph that was placed; None for a list of layers, which cannot be simulated."""
    feature_shares: Mapping[str, float] = field(default_factory=dict[str, float])
    """What coding leaves of each map, by value, where the machine codes maps."""

    @property
    def cycles(self) -> Fraction:
        """Cycles of one inference: layers and the host's nodes one after another.

        Without the host's where the machine does not describe its host.
        """
        tiles = sum((item.cycles.total for item in self.layers), Fraction(0))
        return tiles + sum(host_cycles(self.machine, work) for work in self.host)

    @property
    def host_nodes(self) -> tuple[str, ...]:
        """Names of the nodes that the host core computes, or computes a part of."""
        return tuple(work.node for work in self.host)

    @property
    def macs(self) -> int:
        """Multiply-accumulates that tiles compute in one inference."""
        return sum(item.layer.macs for item in self.layers)

    def inferences_per_second(self, clock_hz: float) -> float:
        """Inferences a second, one after another."""
        return clock_hz / float(self.cycles)


def held_rows(machine: Machine, item: PlacedLayer) -> int:
    """Rows that the layer's kernels take in all tiles, with a copy for each stripe and share."""
    rows = ceil_div(kernel_rows(machine, item.layer), item.mapping.pack)
    return rows * item.mapping.chain_length * item.mapping.stripes * item.mapping.shares
