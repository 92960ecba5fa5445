# SPDX-License-Identifier: MIT
"""What the parts of the solver hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.liveness import buffer_intervals
from milliwatt.backend.mcu.memory.problem import Problem, Solution
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


def make_solution(problem: Problem, core: Core, placement: Placement) -> Solution:
    """The placement in the problem's own terms; its bound must hold for every order."""
    offsets = placement.offsets
    return Solution(
        order=placement.order,
        offsets={name: offsets[block] + shift for name, (block, shift) in core.homes.items()},
        scratch_offsets={name: offsets[block] for name, block in core.scratch.items()},
        arena_bytes=placement.arena_bytes,
        lower_bound_bytes=placement.bound_bytes,
        live=buffer_intervals(problem, placement.order),
    )
