# SPDX-License-Identifier: MIT
"""Operator order, in-place updates and arena offsets as one optimisation problem.

`solve` finds a Solution of a Problem, `check` proves it right without the solver's code.
"""

from milliwatt.backend.mcu.memory.checker import check
from milliwatt.backend.mcu.memory.problem import (
    Alias,
    Buffer,
    InPlace,
    Interval,
    Problem,
    Solution,
    Step,
)
from milliwatt.backend.mcu.memory.solver import solve

__all__ = [
    "Alias",
    "Buffer",
    "InPlace",
    "Interval",
    "Problem",
    "Solution",
    "Step",
    "check",
    "solve",
]
