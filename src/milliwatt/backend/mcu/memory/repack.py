# SPDX-License-Identifier: MIT
"""Many blocks under one order: searches that place them all again."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu.memory.eject import shrink
from milliwatt.backend.mcu.memory.liveness import block_intervals
from milliwatt.backend.mcu.memory.placement import Placement, make_placement
from milliwatt.backend.mcu.memory.reduce import Core
from milliwatt.backend.mcu.memory.skyline import Strip, fill, make_strip
from milliwatt.backend.mcu.memory.tight import fit_exactly
from milliwatt.units import align_up

_NODES = 8_000
_LOOSE_NODES = 1_500
_MOVES = 15_000
_SECONDS = 0.08
"""Of the constraint solver's deterministic time, which takes some twenty of the clock's."""
_LOOSER = (1.15, 1.12, 1.1, 1.09, 1.08, 1.07, 1.06, 1.05, 1.04)
"""Capacities over the bound that are tried where nothing is found at the bound itself."""


def repack(core: Core, start: Placement, effort: float) -> Placement:
    """A smaller arena than that of `start` under its order, where one is found.

    First the bound itself is tried, by two searches; then looser capacities, and from what they
    give the arena is shrunk step by step. No block shares bytes with another that lives at the
    same moment, whatever the steps permit. `effort` 1 is about three seconds; equal efforts give
    equal placements.
    """
    strip = make_strip(core, block_intervals(core, start.order))
    granule = max((block.alignment for block in core.blocks), default=1)
    capacity = align_up(start.bound_bytes, granule)
    offsets = fill(strip, capacity, int(_NODES * effort))
    if offsets is None:
        offsets = fit_exactly(strip, capacity, granule, _SECONDS * effort)
    if offsets is None:
        loose = _fill_loosely(strip, start, granule, int(_LOOSE_NODES * effort))
        moves = int(_MOVES * effort)
        offsets = shrink(strip, loose, start.bound_bytes, granule, moves)
    found = make_placement(core, start.order, offsets, start.bound_bytes)
    return min(start, found, key=lambda placement: placement.arena_bytes)


def _fill_loosely(strip: Strip, start: Placement, granule: int, max_nodes: int) -> Sequence[int]:
    """Offsets at the tightest of the looser capacities that is reached; those of `start` else."""
    found: Sequence[int] = _apart(strip, start)
    for looser in _LOOSER:
        capacity = align_up(int(start.bound_bytes * looser), granule)
        if capacity < start.arena_bytes:
            found = fill(strip, capacity, max_nodes) or found
    return found


def _apart(strip: Strip, start: Placement) -> tuple[int, ...]:
    """Offsets of `start`, blocks that share bytes moved upwards."""
    offsets = list(start.offsets)
    together = strip.live.astype(int) @ strip.live.T.astype(int) > 0
    for block in range(len(offsets)):
        taken = sorted(
            (offsets[other], offsets[other] + int(strip.sizes[other]))
            for other in range(block)
            if together[block, other]
        )
        for low, high in taken:
            if low < offsets[block] + int(strip.sizes[block]) and offsets[block] < high:
                offsets[block] = high
    return tuple(offsets)
