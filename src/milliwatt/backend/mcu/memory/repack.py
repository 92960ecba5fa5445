# SPDX-License-Identifier: MIT
"""Many blocks under one order: they are all placed again, at the bound or as near as is found."""

from __future__ import annotations

from milliwatt.backend.mcu.memory.contract import contract
from milliwatt.backend.mcu.memory.fill import Fill, fill
from milliwatt.backend.mcu.memory.liveness import block_intervals
from milliwatt.backend.mcu.memory.placement import Placement, make_placement
from milliwatt.backend.mcu.memory.reduce import Core
from milliwatt.backend.mcu.memory.strip import Strip, make_strip
from milliwatt.backend.mcu.memory.tight import fit_exactly
from milliwatt.units import ceil_div

_NODES_AT_BOUND = (4_000, 11_000)
"""At effort 1, before and after constraint programming."""
_SECONDS = 0.05
"""Of the constraint solver's deterministic time, of which one takes some ten of the clock's."""
_NODES_A_ROUND = 800
_ROUNDS = 12
_COVERED = 10_000
"""Blocks of all moments, added up, above which nodes take longer: at the bound fewer are tried."""
_CLOSE = 0.001
"""A gap, over the bound, in which it is not worth while to try a capacity between."""


def repack(core: Core, start: Placement, effort: float) -> Placement:
    """A smaller arena than that of `start` under its order, where one is found.

    No block shares bytes with another that lives at the same moment, whatever the steps permit.
    `effort` 1 is up to ten seconds of one core; equal efforts give equal placements.
    """
    if effort <= 0:
        return start
    granule = max((block.alignment for block in core.blocks), default=1)
    sizes = [ceil_div(block.size_bytes, granule) for block in core.blocks]
    strip = make_strip(block_intervals(core, start.order), sizes)
    most = ceil_div(start.arena_bytes, granule)
    if most <= strip.load.max():
        return start
    offsets = _at_the_bound(strip, effort) or _above_the_bound(strip, most, effort)
    if offsets is None:
        return start
    spread = [offset * granule for offset in offsets]
    found = make_placement(core, start.order, spread, start.bound_bytes)
    return min(start, found, key=lambda placement: placement.arena_bytes)


def _at_the_bound(strip: Strip, effort: float) -> list[int] | None:
    """Blocks that leave no room leave little choice: often that is the easiest capacity.

    Where one of both searches is at a loss, the other often is not.
    """
    bound = int(strip.load.max())
    few, many = (_nodes(strip, nodes, effort) for nodes in _NODES_AT_BOUND)
    left = contract(strip, bound)
    offsets = (
        fill(left.strip, bound, few, 0).offsets
        or fit_exactly(left.strip, bound, _SECONDS * effort)
        or fill(left.strip, bound, many, 1).offsets
    )
    return offsets and left.spread(offsets)


def _above_the_bound(strip: Strip, most: int, effort: float) -> list[int] | None:
    """Offsets that end below `most`, tried half way between what is reached and what is not.

    Where both meet, what was not reached is tried again, with other draws.
    """
    bound = int(strip.load.max())
    low, high = bound, most
    best: list[int] | None = None
    nodes = int(_NODES_A_ROUND * effort)
    left = _ROUNDS * nodes
    seed = 2
    while left > 0:
        if high - low <= max(1, _CLOSE * bound):
            if low == bound:
                break
            low = bound
        capacity = (low + high) // 2
        found = _fill(strip, capacity, min(nodes, left), seed)
        seed += 1
        left -= found.nodes
        if found.offsets is None:
            low = capacity
        else:
            best, high = found.offsets, _height(strip, found.offsets)
    return best


def _nodes(strip: Strip, nodes: int, effort: float) -> int:
    return int(nodes * effort * min(1.0, _COVERED / len(strip.cover)))


def _fill(strip: Strip, capacity: int, max_nodes: int, seed: int) -> Fill:
    """As `fill`, after what the capacity leaves no choice about is joined."""
    contracted = contract(strip, capacity)
    found = fill(contracted.strip, capacity, max_nodes, seed)
    offsets = None if found.offsets is None else contracted.spread(found.offsets)
    return Fill(offsets, found.nodes)


def _height(strip: Strip, offsets: list[int]) -> int:
    """Where the highest block ends."""
    sizes = zip(strip.blocks, strip.sizes.tolist(), strict=True)
    return max(offsets[block] + size for block, size in sizes)
