# SPDX-License-Identifier: MIT
"""Constraint programming on rectangles: do all blocks fit a capacity that leaves little room?"""

from __future__ import annotations

from milliwatt.backend.mcu.memory.strip import Strip

_SEED = 1


def fit_exactly(strip: Strip, capacity: int, effort: float) -> list[int] | None:
    """Offsets with which all blocks end at or below the capacity; None where none is found.

    A capacity at the bound leaves the solver little to choose, so that it is often faster there
    than at a looser one. `effort` is in its deterministic seconds.
    """
    from ortools.sat.python import cp_model

    sizes = strip.sizes.tolist()
    if max(sizes) > capacity:
        return None
    model = cp_model.CpModel()
    starts = [model.new_int_var(0, capacity - size, "") for size in sizes]
    places = [
        model.new_fixed_size_interval_var(start, size, "")
        for start, size in zip(starts, sizes, strict=True)
    ]
    spans = [
        model.new_fixed_size_interval_var(first, end - first, "")
        for first, end in zip(strip.firsts.tolist(), strip.ends.tolist(), strict=True)
    ]
    model.add_no_overlap_2d(spans, places)
    model.add_cumulative(spans, sizes, capacity)
    for target, source, low, high in strip.arcs.rows():
        model.add_linear_constraint(starts[target] - starts[source], low, high)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.interleave_search = True
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = effort
    # Its own handler would take Ctrl-C for a limit, and leave none behind but the system's.
    solver.parameters.catch_sigint_signal = False
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    offsets = [0] * len(sizes)
    for block, start in zip(strip.blocks, starts, strict=True):
        offsets[block] = solver.value(start)
    return offsets
