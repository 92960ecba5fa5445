# SPDX-License-Identifier: MIT
"""Constraint programming on order and offsets, with one worker and a deterministic limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING

from milliwatt.backend.mcu.memory.lifetimes import Lifetimes, find_lifetimes
from milliwatt.backend.mcu.memory.placement import Placement, make_placement
from milliwatt.backend.mcu.memory.reduce import Core, Overlap, steps_of
from milliwatt.errors import VerifyError

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_SEED = 1


@dataclass(frozen=True, slots=True)
class _Model:
    """The model under construction: a position by step, an offset in alignments by block."""

    cp: cp_model.CpModel
    lifetimes: Lifetimes
    positions: tuple[cp_model.IntVar, ...]
    multiples: tuple[cp_model.IntVar, ...]

    def offset(self, block: int) -> cp_model.LinearExpr:
        """Where `block` starts, in bytes."""
        return self.multiples[block] * self.lifetimes.core.blocks[block].alignment

    def end(self, block: int) -> cp_model.LinearExpr:
        """Where `block` ends, in bytes."""
        return self.offset(block) + self.lifetimes.core.blocks[block].size_bytes

    def literal(self, *consequences: cp_model.BoundedLinearExpression | bool) -> cp_model.IntVar:
        """A new literal that implies `consequences`."""
        literal = self.cp.new_bool_var("")
        for consequence in consequences:
            self.cp.add(consequence).only_enforce_if(literal)
        return literal


def improve(core: Core, predecessors: Sequence[int], start: Placement, effort: float) -> Placement:
    """A smaller arena than that of `start`, or a higher bound, over the orders allowed.

    `predecessors`, masks by step, are the dependences, or a chain that fixes the order; the
    bound of `start` must hold for the same orders. `effort` limits the search in the solver's
    deterministic seconds, so that equal problems have equal solutions on every machine.
    """
    if start.bound_bytes >= start.arena_bytes:
        return start
    from ortools.sat.python import cp_model

    lifetimes = find_lifetimes(core, predecessors, start.order)
    model = _make_model(cp_model.CpModel(), lifetimes, start.arena_bytes - 1)
    _add_order(model, predecessors)
    _add_pairs(model)
    _add_arena(model, start.bound_bytes, start.arena_bytes - 1)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = effort
    # Its own handler would take Ctrl-C for a limit, and leave none behind but the system's.
    solver.parameters.catch_sigint_signal = False
    status = solver.solve(model.cp)
    if status == cp_model.MODEL_INVALID:
        raise VerifyError(f"memory: the solver refuses its model: {model.cp.validate()}")
    if status == cp_model.INFEASIBLE:
        return replace(start, bound_bytes=start.arena_bytes)
    bound_bytes = max(start.bound_bytes, math.ceil(solver.best_objective_bound - 1e-6))
    if status == cp_model.UNKNOWN:
        return replace(start, bound_bytes=bound_bytes)
    positions = [solver.value(position) for position in model.positions]
    order = sorted(range(len(positions)), key=lambda step: positions[step])
    offsets = [solver.value(model.offset(block)) for block in range(len(core.blocks))]
    return make_placement(core, order, offsets, bound_bytes)


def _make_model(cp: cp_model.CpModel, lifetimes: Lifetimes, arena_bytes: int) -> _Model:
    last = len(lifetimes.before) - 1
    positions = tuple(
        cp.new_int_var(before.bit_count(), last - after.bit_count(), "")
        for before, after in zip(lifetimes.before, lifetimes.after, strict=True)
    )
    multiples = tuple(
        cp.new_int_var(0, arena_bytes // block.alignment, "") for block in lifetimes.core.blocks
    )
    return _Model(cp, lifetimes, positions, multiples)


def _add_order(model: _Model, predecessors: Sequence[int]) -> None:
    model.cp.add_all_different(model.positions)
    for step, before in enumerate(predecessors):
        for earlier in steps_of(before):
            model.cp.add(model.positions[earlier] < model.positions[step])


def _add_arena(model: _Model, low: int, high: int) -> None:
    arena = model.cp.new_int_var(min(low, high), high, "")
    for block in range(len(model.multiples)):
        model.cp.add(model.end(block) <= arena)
    model.cp.minimize(arena)


def _add_pairs(model: _Model) -> None:
    """Of two blocks, one lies below the other or dies before it, or a step lets them overlap."""
    overlaps: dict[tuple[int, int], list[tuple[int, Overlap]]] = {}
    for step, allowed in enumerate(model.lifetimes.core.overlaps):
        for overlap in allowed:
            pair = min(overlap.read, overlap.write), max(overlap.read, overlap.write)
            overlaps.setdefault(pair, []).append((step, overlap))
    blocks = model.lifetimes.core.blocks
    for one, other in combinations(range(len(blocks)), 2):
        apart = [(one, other), (other, one)]
        if any(model.lifetimes.surely_apart(*pair) for pair in apart):
            continue
        literals = [model.literal(model.end(low) <= model.offset(high)) for low, high in apart]
        for early, late in apart:
            if model.lifetimes.maybe_apart(early, late):
                literals.append(_apart_in_time(model, early, late))
        for step, overlap in overlaps.get((one, other), ()):
            read, write = blocks[overlap.read], blocks[overlap.write]
            if not read.to_end and not write.from_start:
                literals.append(_overlapping(model, step, overlap))
        model.cp.add_bool_or(literals)


def _apart_in_time(model: _Model, early: int, late: int) -> cp_model.IntVar:
    uses = model.lifetimes.last_users(early)
    births = model.lifetimes.first_writers(late)
    return model.literal(
        *(model.positions[use] < model.positions[birth] for use, birth in product(uses, births))
    )


def _overlapping(model: _Model, step: int, overlap: Overlap) -> cp_model.IntVar:
    """The read dies in `step`, the write is born in it, and their shift is as allowed."""
    here = model.positions[step]
    uses = model.lifetimes.last_users(overlap.read)
    births = model.lifetimes.first_writers(overlap.write)
    shift = model.offset(overlap.write) - model.offset(overlap.read)
    return model.literal(
        *(model.positions[use] < here for use in uses if use != step),
        *(here < model.positions[birth] for birth in births if birth != step),
        *(() if overlap.low is None else (shift >= overlap.low,)),
        *(() if overlap.high is None else (shift <= overlap.high,)),
    )
