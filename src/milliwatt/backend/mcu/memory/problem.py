# SPDX-License-Identifier: MIT
"""The memory problem: which buffers exist, which steps touch them, and what may share bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.validate import validate_problem


@dataclass(frozen=True, slots=True)
class Buffer:
    """A block of bytes in the arena, written by one step (or by the caller) and then only read.

    `alignment` is a power of two that divides the buffer's offset.
    """

    name: str
    size_bytes: int
    alignment: int = 4


@dataclass(frozen=True, slots=True)
class InPlace:
    """Permission for a step to write `write` over bytes of `read`, where `read` dies in that step.

    It holds when `offset(write) - offset(read)` lies between the two shifts, `None` being
    unbounded. The step promises that, at every such shift, it reads each byte of `read` before
    it overwrites it.
    """

    read: str
    write: str
    min_shift_bytes: int | None = 0
    max_shift_bytes: int | None = 0

    @staticmethod
    def same_start(read: str, write: str) -> InPlace:
        """Both begin at the same byte: any element-wise step of equal element size."""
        return InPlace(read, write, 0, 0)

    @staticmethod
    def trailing(read: str, write: str, gap_bytes: int = 0) -> InPlace:
        """The output begins at least `gap_bytes` below the input: a step that goes upwards."""
        return InPlace(read, write, None, -gap_bytes)

    @staticmethod
    def leading(read: str, write: str, gap_bytes: int = 0) -> InPlace:
        """The output begins at least `gap_bytes` above the input: a step that goes downwards."""
        return InPlace(read, write, gap_bytes, None)


@dataclass(frozen=True, slots=True)
class Alias:
    """An obligation: `write` holds the bytes of `read`, `shift_bytes` above its start.

    Reshape: shift 0. A part of a split: its position in the input. Concatenation: minus the
    position of the input in the output. Where bytes of both exist, they hold the same values.
    """

    read: str
    write: str
    shift_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One operator call: it reads, writes, and needs `scratch_bytes` of its own meanwhile."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    scratch_bytes: int = 0
    scratch_alignment: int = 4
    in_place: tuple[InPlace, ...] = ()
    aliases: tuple[Alias, ...] = ()


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
        validate_problem(self)


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
