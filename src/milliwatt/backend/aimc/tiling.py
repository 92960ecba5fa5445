# SPDX-License-Identifier: MIT
"""Cutting a layer's matrix into rectangles that fit an array."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.backend.aimc.layers import Layer


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of one layer's matrix: whole groups on a diagonal, or a block of one group.

    Rows and columns count within a group; with `groups` above 1 each group brings all its rows
    and columns and the rest of the rectangle is zero. A weight is `slices` unit cells wide.
    """

    layer: str
    group: int
    groups: int
    row: int
    rows: int
    column: int
    columns: int
    slices: int

    @property
    def height(self) -> int:
        """Rows of the array that the tile occupies."""
        return self.rows * self.groups

    @property
    def width(self) -> int:
        """Columns of the array that the tile occupies."""
        return self.columns * self.groups * self.slices

    @property
    def area(self) -> int:
        """Unit cells that the tile occupies."""
        return self.height * self.width

    @property
    def useful_cells(self) -> int:
        """Unit cells that hold weights; the others hold the zeros between groups."""
        return self.rows * self.columns * self.groups * self.slices


def cut(layer: Layer, slices: int, array_rows: int, array_columns: int) -> tuple[Tile, ...]:
    """The layer's tiles: full blocks first, the remainder last; groups together where they fit."""
    wide = array_columns // slices
    together = min(array_rows // layer.rows, wide // layer.columns)
    if layer.groups > 1 and together > 0:
        return tuple(
            Tile(
                layer.name,
                first,
                min(together, layer.groups - first),
                0,
                layer.rows,
                0,
                layer.columns,
                slices,
            )
            for first in range(0, layer.groups, together)
        )
    return tuple(
        Tile(
            layer.name,
            group,
            1,
            row,
            min(array_rows, layer.rows - row),
            column,
            min(wide, layer.columns - column),
            slices,
        )
        for group in range(layer.groups)
        for row in range(0, layer.rows, array_rows)
        for column in range(0, layer.columns, wide)
    )
