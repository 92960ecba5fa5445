# SPDX-License-Identifier: MIT
"""Feature maps in on-chip memory, and layers fused so that they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placement import PlacedLayer, Placement, held_rows
from milliwatt.errors import UnknownFigureError
from milliwatt.units import ceil_div


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Layers computed together: only the first's input and the last's output exist as wholes."""

    layers: tuple[str, ...]
    need_bytes: int
    """Input, output, and the rows of every map between that the next kernel needs."""
    external_bytes: int
    """Bytes of input and output that move off the chip: 0 where the group fits."""


def plan_features(placement: Placement) -> tuple[FeatureGroup, ...]:
    """The layers in groups with the fewest bytes off the chip, then the fewest layers fused.

    Optimal over all ways to cut the list, by dynamic programming. Layers are taken to follow one
    another, as in a list of layers; a graph's branches are not seen. A fused group's kernels must
    fit the tiles together. UnknownFigureError where the machine says no feature memory.
    """
    memory = placement.machine.feature_memory_bytes
    if memory is None:
        raise UnknownFigureError(
            f"{placement.machine.name} does not say array.feature_memory_bytes, so whether "
            "feature maps fit cannot be told"
        )
    layers = placement.layers
    best: list[tuple[int, int, tuple[FeatureGroup, ...]]] = [(0, 0, ())]
    for end in range(1, len(layers) + 1):
        options: list[tuple[int, int, tuple[FeatureGroup, ...]]] = []
        for start in range(end):
            if end - start == 1 or _kernels_fit(placement, layers[start:end]):
                group = _group(layers[start:end], memory)
                spilled, fused, before = best[start]
                options.append(
                    (spilled + group.external_bytes, fused + end - start - 1, (*before, group))
                )
        best.append(min(options, key=lambda option: option[:2]))
    return best[-1][2]


def _group(items: Sequence[PlacedLayer], memory_bytes: int) -> FeatureGroup:
    layers = [item.layer for item in items]
    ends = input_bytes(layers[0]) + output_bytes(layers[-1])
    need = ends + sum(window_bytes(layer) for layer in layers[1:])
    names = tuple(layer.name for layer in layers)
    return FeatureGroup(names, need, 0 if need <= memory_bytes else ends)


def _kernels_fit(placement: Placement, items: Sequence[PlacedLayer]) -> bool:
    machine: Machine = placement.machine
    have = placement.clusters * machine.tiles_per_cluster * machine.rows
    return sum(held_rows(machine, item) for item in items) <= have


def input_bytes(layer: Layer) -> int:
    """Bytes of the layer's input map."""
    return ceil_div(layer.input_bits, 8)


def output_bytes(layer: Layer) -> int:
    """Bytes of the layer's output map, in the bits of its input."""
    return ceil_div(layer.kernels * layer.pixels * layer.activation_bits, 8)


def window_bytes(layer: Layer) -> int:
    """Bytes of the input rows that one row of outputs needs."""
    rows, columns = min(layer.kernel_hw[0], layer.in_hw[0]), layer.in_hw[1]
    return ceil_div(rows * columns * layer.in_channels * layer.activation_bits, 8)
