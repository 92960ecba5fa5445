# SPDX-License-Identifier: MIT
"""Constraint programming on rectangles: do all blocks fit a capacity that leaves little room?"""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.memory.skyline import Strip

_SEED = 1


def fit_exactly(strip: Strip, capacity_bytes: int, granule: int, effort: float) -> list[int] | None:
    """Offsets with which all blocks end below the capacity; None where none is found.

    A capacity at the bound leaves the solver little to choose, so that it is often faster there
    than at a looser one. `effort` is in its deterministic seconds.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    top = capacity_bytes // granule
    spans, places, starts = [], [], []
    for live, size_bytes in zip(strip.live, strip.sizes, strict=True):
        moments = np.flatnonzero(live)
        size = int(size_bytes) // granule
        if size > top:
            return None
        start = model.new_int_var(0, top - size, "")
        starts.append(start)
        spans.append(model.new_fixed_size_interval_var(int(moments[0]), len(moments), ""))
        places.append(model.new_fixed_size_interval_var(start, size, ""))
    model.add_no_overlap_2d(spans, places)
    sizes = [int(size) // granule for size in strip.sizes]
    model.add_cumulative(spans, sizes, top)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.interleave_search = True
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = effort
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return [solver.value(start) * granule for start in starts]
