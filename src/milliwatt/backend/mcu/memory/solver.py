# SPDX-License-Identifier: MIT
"""The solver: bound first, then heuristics, then constraint programming where a gap remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from milliwatt.backend.mcu.memory.exact import Placement, improve
from milliwatt.backend.mcu.memory.liveness import (
    Meter,
    buffer_intervals,
    make_meter,
    order_bound_bytes,
)
from milliwatt.backend.mcu.memory.order import search_orders
from milliwatt.backend.mcu.memory.pack import arena_of, make_packing, pack
from milliwatt.backend.mcu.memory.problem import Problem, Solution
from milliwatt.backend.mcu.memory.reduce import Core, reduce_problem

_MAX_STATES = 10_000
_MEND_ROUNDS = 20
_MAX_BLOCKS_FIXED = 400
_MAX_BLOCKS_JOINT = 80


def solve(problem: Problem, effort: float = 1.0) -> Solution:
    """An order and offsets with the smallest arena found, and a proven lower bound.

    `effort` limits each of the two searches by constraint programming, in that solver's
    deterministic seconds (about a second of one core); they run only where the heuristics miss
    the bound. Equal problems and efforts give equal solutions.
    """
    core = reduce_problem(problem)
    meter = make_meter(core)
    search = search_orders(meter, _MAX_STATES)
    placements = [_pack(core, order, search.bound_bytes) for order in search.orders]
    best = min(placements, key=lambda placement: arena_of(core.blocks, placement.offsets))
    if len(core.blocks) <= _MAX_BLOCKS_FIXED:
        best = _improve_offsets(meter, best, effort)
    if len(core.blocks) <= _MAX_BLOCKS_JOINT:
        best = improve(core, core.predecessors, best, effort)
    return _solution(problem, core, best)


def _pack(core: Core, order: Sequence[int], bound_bytes: int) -> Placement:
    offsets = pack(make_packing(core, order), bound_bytes, _MEND_ROUNDS)
    return Placement(tuple(order), tuple(offsets), bound_bytes)


def _improve_offsets(meter: Meter, start: Placement, effort: float) -> Placement:
    """Better offsets under the order of `start`; the bound stays the one for every order."""
    if arena_of(meter.core.blocks, start.offsets) == start.bound_bytes:
        return start
    chain = [0] * len(start.order)
    for before, step in pairwise(start.order):
        chain[step] = 1 << before
    bound = order_bound_bytes(meter, start.order)
    better = improve(meter.core, chain, replace(start, bound_bytes=bound), effort)
    only_order = meter.core.has_one_order()
    return better if only_order else replace(better, bound_bytes=start.bound_bytes)


def _solution(problem: Problem, core: Core, placement: Placement) -> Solution:
    offsets = placement.offsets
    return Solution(
        order=placement.order,
        offsets={name: offsets[block] + shift for name, (block, shift) in core.homes.items()},
        scratch_offsets={name: offsets[block] for name, block in core.scratch.items()},
        arena_bytes=arena_of(core.blocks, offsets),
        lower_bound_bytes=placement.bound_bytes,
        live=buffer_intervals(problem, placement.order),
    )
