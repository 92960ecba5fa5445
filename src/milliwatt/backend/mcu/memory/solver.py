# SPDX-License-Identifier: MIT
"""The solver: bound first, then heuristics, then constraint programming where a gap remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from milliwatt.backend.mcu.memory.exact import improve
from milliwatt.backend.mcu.memory.liveness import make_meter
from milliwatt.backend.mcu.memory.order import OrderSearch, search_orders
from milliwatt.backend.mcu.memory.pack import pack
from milliwatt.backend.mcu.memory.placement import Placement, make_solution
from milliwatt.backend.mcu.memory.problem import Problem, Solution
from milliwatt.backend.mcu.memory.reduce import Core, reduce_problem
from milliwatt.backend.mcu.memory.repack import repack

# Bounds on the size of what is searched, such that each part takes about a second.
_MAX_MOVES = 150_000
_MAX_BLOCKS_FIXED = 100
_MAX_BLOCKS_JOINT = 200
_MIN_BLOCKS_REPACKED = 60
"""Fewer are constraint programming's."""


def solve(problem: Problem, effort: float = 1.0) -> Solution:
    """An order and offsets with the smallest arena found, and a proven lower bound.

    `effort` limits what runs only where the heuristics miss the bound: the search that packs many
    blocks again, in steps, and constraint programming, in that solver's deterministic seconds
    (some two to thirty of the clock's); one half of these goes to candidate orders, one to all
    orders. Equal problems and efforts give equal solutions.
    """
    core = reduce_problem(problem)
    search = search_orders(make_meter(core), _MAX_MOVES)
    placements = _pack_candidates(core, search)
    best = min(placements, key=_arena_bytes)
    if best.arena_bytes > search.bound_bytes and len(core.blocks) >= _MIN_BLOCKS_REPACKED:
        share = effort / len(placements)
        placements = [repack(core, placement, share) for placement in placements]
        best = min(placements, key=_arena_bytes)
    if best.arena_bytes > search.bound_bytes and len(core.blocks) <= _MAX_BLOCKS_FIXED:
        best = _improve_candidates(core, placements, effort / 2)
    if not core.has_one_order():
        best = replace(best, bound_bytes=search.bound_bytes)
        if len(core.blocks) <= _MAX_BLOCKS_JOINT:
            best = improve(core, core.predecessors, best, effort / 2)
    return make_solution(problem, core, best)


def _arena_bytes(placement: Placement) -> int:
    return placement.arena_bytes


def _pack_candidates(core: Core, search: OrderSearch) -> list[Placement]:
    """Candidates packed by heuristics, by ascending bound, each bound for its order only.

    Left out are those whose peak alone is no better than an arena before them.
    """
    placements: list[Placement] = []
    for candidate in search.candidates:
        if all(candidate.peak_bytes < placement.arena_bytes for placement in placements):
            placements.append(pack(core, candidate.order, candidate.peak_bytes))
    return placements


def _improve_candidates(core: Core, placements: Sequence[Placement], effort: float) -> Placement:
    """The best placement under any of these orders; its bound is that of its order."""
    best = min(placements, key=_arena_bytes)
    for placement in placements:
        if placement.bound_bytes < best.arena_bytes:
            share = effort / len(placements)
            found = improve(core, _chain(placement.order), placement, share)
            best = min(found, best, key=_arena_bytes)
    return best


def _chain(order: Sequence[int]) -> list[int]:
    """Predecessors that leave only `order`."""
    predecessors = [0] * len(order)
    for before, step in pairwise(order):
        predecessors[step] = 1 << before
    return predecessors
