# SPDX-License-Identifier: MIT
"""The memory problem, and what solves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.elements import Buffer, Roles, Step
from milliwatt.backend.mcu.memory.validate import validate


@dataclass(frozen=True, slots=True)
class Problem:
    """Choose an order of `steps` and an offset for each buffer, such that the arena is smallest.

    `steps` are listed in one valid order. A buffer that is neither an input nor persistent is
    written by exactly one step, before it is read. `inputs` are filled by the caller before the
    first step; they may be overwritten after their last read unless `inputs_may_be_overwritten`
    is false. `outputs` are read by the caller after the last step. `persistent` buffers (state)
    hold their bytes at all times; steps touching one of them, at least one of both writing, keep
    their listed order. Buffers joined by aliases occupy one block from the first write to the
    last read of any of them.

    Raises VerifyError where these rules are broken.
    """

    buffers: tuple[Buffer, ...]
    steps: tuple[Step, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    persistent: tuple[str, ...] = ()
    inputs_may_be_overwritten: bool = True

    def __post_init__(self) -> None:
        validate(self.buffers, self.steps, Roles(self.inputs, self.outputs, self.persistent))


@dataclass(frozen=True, slots=True)
class Interval:
    """Positions in the order, both included, between which a buffer holds its bytes.

    -1 is the moment at which the caller fills the inputs, `len(steps)` the one at which it
    reads the outputs.
    """

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Solution:
    """An order and a place for everything.

    `order[position]` is an index into `problem.steps`; `offsets` go by buffer name and
    `scratch_offsets` by step name (steps with scratch only). `lower_bound_bytes` is proven to
    hold for every order and placement.
    """

    order: tuple[int, ...]
    offsets: Mapping[str, int]
    scratch_offsets: Mapping[str, int]
    arena_bytes: int
    lower_bound_bytes: int
    live: Mapping[str, Interval]

    @property
    def proven_optimal(self) -> bool:
        """Whether no order and no placement needs fewer bytes."""
        return self.arena_bytes == self.lower_bound_bytes
