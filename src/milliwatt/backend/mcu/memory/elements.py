# SPDX-License-Identifier: MIT
"""What a memory problem is made of: buffers, the steps that touch them, what may share bytes."""

from __future__ import annotations

from dataclasses import dataclass


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
class Roles:
    """Names of buffers that the caller fills or reads, and of those that keep their bytes."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    persistent: tuple[str, ...]
