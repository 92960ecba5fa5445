# SPDX-License-Identifier: MIT
"""What lies where in the arena while each step runs: the data of the memory picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.problem import Problem, Solution


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes of the arena held by a buffer, or by the scratch of the step of that name."""

    name: str
    offset_bytes: int
    size_bytes: int
    is_scratch: bool = False


@dataclass(frozen=True, slots=True)
class StepUsage:
    """Regions live while `step` runs, by offset.

    `live_bytes` counts each byte of the arena once, so that buffers that share bytes do not
    count twice; `end_bytes` is where the highest region ends.
    """

    step: str
    regions: tuple[Region, ...]
    live_bytes: int
    end_bytes: int


def usage_over_time(problem: Problem, solution: Solution) -> tuple[StepUsage, ...]:
    """The arena at each step, in the order of `solution`."""
    return tuple(
        _step_usage(problem, solution, position) for position in range(len(solution.order))
    )


def _step_usage(problem: Problem, solution: Solution, position: int) -> StepUsage:
    step = problem.steps[solution.order[position]]
    regions = [
        Region(buffer.name, solution.offsets[buffer.name], buffer.size_bytes)
        for buffer in problem.buffers
        if solution.live[buffer.name].first <= position <= solution.live[buffer.name].last
    ]
    if step.scratch_bytes:
        offset = solution.scratch_offsets[step.name]
        regions.append(Region(step.name, offset, step.scratch_bytes, is_scratch=True))
    regions.sort(key=lambda region: (region.offset_bytes, region.name))
    ends = (region.offset_bytes + region.size_bytes for region in regions)
    return StepUsage(step.name, tuple(regions), _covered_bytes(regions), max(ends, default=0))


def _covered_bytes(regions: Sequence[Region]) -> int:
    """Bytes in at least one of `regions`, which are sorted by offset."""
    covered = end = 0
    for region in regions:
        region_end = region.offset_bytes + region.size_bytes
        covered += max(0, region_end - max(end, region.offset_bytes))
        end = max(end, region_end)
    return covered
