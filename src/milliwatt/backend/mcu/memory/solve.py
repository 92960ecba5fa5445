# SPDX-License-Identifier: MIT
"""The solver: bound first, then heuristics, then constraint programming where a gap remains."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu.memory.liveness import buffer_intervals, make_meter
from milliwatt.backend.mcu.memory.order import search_orders
from milliwatt.backend.mcu.memory.pack import arena_of, make_packing, pack
from milliwatt.backend.mcu.memory.problem import Problem, Solution
from milliwatt.backend.mcu.memory.reduce import Core, reduce_problem

_MAX_STATES = 10_000
_MEND_ROUNDS = 20


def solve(problem: Problem) -> Solution:
    """An order and offsets with the smallest arena found, and a proven lower bound."""
    core = reduce_problem(problem)
    search = search_orders(make_meter(core), _MAX_STATES)
    placements = [(order, _pack(core, order, search.bound_bytes)) for order in search.orders]
    order, offsets = min(placements, key=lambda placement: arena_of(core.blocks, placement[1]))
    return _solution(problem, core, order, offsets, search.bound_bytes)


def _pack(core: Core, order: Sequence[int], bound_bytes: int) -> list[int]:
    return pack(make_packing(core, order), bound_bytes, _MEND_ROUNDS)


def _solution(
    problem: Problem, core: Core, order: Sequence[int], offsets: Sequence[int], bound_bytes: int
) -> Solution:
    return Solution(
        order=tuple(order),
        offsets={name: offsets[block] + shift for name, (block, shift) in core.homes.items()},
        scratch_offsets={name: offsets[block] for name, block in core.scratch.items()},
        arena_bytes=arena_of(core.blocks, offsets),
        lower_bound_bytes=bound_bytes,
        live=buffer_intervals(problem, order),
    )
