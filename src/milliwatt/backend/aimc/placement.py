# SPDX-License-Identifier: MIT
"""Who computes what, and where on which array the weights lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from milliwatt.backend.aimc.layers import Layer
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.packing import Spot
from milliwatt.backend.aimc.tiling import Tile
from milliwatt.ir.graph import Graph
from milliwatt.units import ceil_div

Unit = Literal["arrays", "cores", "depthwise engine"]
Weights = Literal["sliced", "rounded", "continuous"]


@dataclass(frozen=True, slots=True)
class PlacedTile:
    """A tile and where it lies."""

    tile: Tile
    spot: Spot


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one layer runs on; `tiles` is one copy of its matrix, empty off the arrays."""

    layer: Layer
    unit: Unit
    tiles: tuple[PlacedTile, ...]
    replicas: int
    """Copies of the matrix that share the vectors."""
    round: int
    """Which filling of the arrays holds it, where weights are rewritten during inference."""

    @property
    def cells(self) -> int:
        """Unit cells of one copy, zeros between groups included."""
        return sum(placed.tile.area for placed in self.tiles)

    @property
    def fill(self) -> float:
        """Share of the occupied cells that hold weights: 1/groups where depthwise is forced in."""
        useful = sum(placed.tile.useful_cells for placed in self.tiles)
        return useful / self.cells if self.cells else 0.0

    def products_in_turn(self, concurrent: int) -> int:
        """Products that follow one another for all vectors, others running beside them."""
        if not self.tiles:
            return 0
        same_array = max(Counter(placed.spot.array for placed in self.tiles).values())
        beside = ceil_div(len(self.tiles) * self.replicas, concurrent)
        return ceil_div(self.layer.vectors, self.replicas) * max(beside, same_array)


@dataclass(frozen=True, slots=True)
class Placement:
    """A network on a crossbar machine."""

    machine: Machine
    graph: Graph | None
    """None where only layer sizes are known; such a placement cannot be simulated."""
    assignments: tuple[Assignment, ...]
    weights: Weights
    """How a weight wider than a cell is held (see `place.Options`)."""
    rounds: int
    """Fillings of the arrays in one inference; 1: everything stays resident."""
    rewritten_arrays: int
    """Arrays reprogrammed in one inference, wholly or in part."""
    notes: tuple[str, ...]

    @property
    def rewritten_rows(self) -> int:
        """Rows of arrays reprogrammed in one inference; 0 where everything stays resident."""
        if self.rounds == 1:
            return 0
        rows = {
            (assignment.round, placed.spot.array, row)
            for assignment in self.assignments
            for placed in assignment.tiles
            for row in range(placed.spot.row, placed.spot.row + placed.tile.height)
        }
        return len(rows)

    @property
    def arrays_used(self) -> int:
        """Arrays that hold at least one tile, replicas included, in the fullest round."""
        used: dict[int, set[int]] = {}
        extra: Counter[int] = Counter()
        for assignment in self.assignments:
            spots = {placed.spot.array for placed in assignment.tiles}
            used.setdefault(assignment.round, set()).update(spots)
            extra[assignment.round] += (assignment.replicas - 1) * len(spots)
        return max((len(found) + extra[index] for index, found in used.items()), default=0)

    @property
    def utilisation(self) -> float:
        """Share of the used arrays' cells that hold weights (one copy, all rounds)."""
        arrays = {(a.round, p.spot.array) for a in self.assignments for p in a.tiles}
        useful = sum(p.tile.useful_cells for a in self.assignments for p in a.tiles)
        return useful / (len(arrays) * self.machine.cells) if arrays else 0.0

    def assignment(self, layer: str) -> Assignment:
        """The assignment of the layer of that name; KeyError where there is none."""
        for assignment in self.assignments:
            if assignment.layer.name == layer:
                return assignment
        raise KeyError(layer)
