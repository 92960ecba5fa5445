# SPDX-License-Identifier: MIT
"""What the parts of the solver hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.reduce import Core


@dataclass(frozen=True, slots=True)
class Placement:
    """An order, offsets by block, where the highest block ends, and a bound on any such arena.

    Which orders the bound covers is said by whoever passes it on.
    """

    order: tuple[int, ...]
    offsets: tuple[int, ...]
    arena_bytes: int
    bound_bytes: int


def make_placement(
    core: Core, order: Sequence[int], offsets: Sequence[int], bound_bytes: int
) -> Placement:
    """The placement with these offsets of the blocks of `core`."""
    ends = (offset + block.size_bytes for offset, block in zip(offsets, core.blocks, strict=True))
    return Placement(tuple(order), tuple(offsets), max(ends, default=0), bound_bytes)
