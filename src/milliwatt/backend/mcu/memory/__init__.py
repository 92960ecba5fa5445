# SPDX-License-Identifier: MIT
"""Operator order, in-place updates and arena offsets as one optimisation problem.

`solve` finds a Solution of a Problem, `check` proves it right without the solver's code, and
`usage_over_time` says what lies where while each step runs.
"""

from milliwatt.backend.mcu.memory.checker import check
from milliwatt.backend.mcu.memory.elements import Alias, Buffer, InPlace, Step
from milliwatt.backend.mcu.memory.problem import Interval, Problem, Solution
from milliwatt.backend.mcu.memory.solver import solve
from milliwatt.backend.mcu.memory.text import from_text, to_text
from milliwatt.backend.mcu.memory.usage import Region, StepUsage, usage_over_time

__all__ = [
    "Alias",
    "Buffer",
    "InPlace",
    "Interval",
    "Problem",
    "Region",
    "Solution",
    "Step",
    "StepUsage",
    "check",
    "from_text",
    "solve",
    "to_text",
    "usage_over_time",
]
