# SPDX-License-Identifier: MIT
"""What is around the tiles of a machine: memories, clocks and leakage, the host core."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.hardware.model import Figure


@dataclass(frozen=True, slots=True)
class MemoryEnergy:
    """Femtojoules a bit that moves, at the supply of the machine's description.

    Feature maps lie in on-chip memory, or off the chip where they do not fit. Kernels lie in the
    on-chip weight memory where `kernel_read` is known, else off the chip.
    """

    feature_read: Figure
    feature_write: Figure
    external_read: Figure
    external_write: Figure
    tile_write: Figure
    """Into the cells of one tile."""
    partial_sum: Figure
    """From a tile to the next of its chain."""
    kernel_read: Figure | None


@dataclass(frozen=True, slots=True)
class Background:
    """What a machine draws whatever its tiles do."""

    clock_fj_per_cycle: Figure
    """Clock tree and registers' clock pins, of all clusters, each cycle that tiles run."""
    leakage_w: Figure


@dataclass(frozen=True, slots=True)
class Host:
    """The core that computes what tiles do not, one node after another, at the tiles' clock."""

    core: str
    cycles_per_mac: Figure
    cycles_per_element: Figure
    pj_per_cycle: Figure | None
