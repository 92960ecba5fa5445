# SPDX-License-Identifier: MIT
"""What precedence alone says about the lifetimes of blocks, as masks over steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.reduce import Core, steps_of


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """By step, all steps `before` and `after` it, as masks.

    By block, the steps surely before its birth (`unborn`), surely not before it (`born`), and
    surely not after its death (`needed`).
    """

    core: Core
    before: tuple[int, ...]
    after: tuple[int, ...]
    unborn: tuple[int, ...]
    born: tuple[int, ...]
    needed: tuple[int, ...]

    def surely_apart(self, early: int, late: int) -> bool:
        """Whether block `early` is dead before `late` is born, in every order."""
        first, second = self.core.blocks[early], self.core.blocks[late]
        if first.to_end or second.from_start:
            return False
        return not first.users & ~self.unborn[late]

    def maybe_apart(self, early: int, late: int) -> bool:
        """Whether block `early` is dead before `late` is born, in some order."""
        first, second = self.core.blocks[early], self.core.blocks[late]
        if first.to_end or second.from_start:
            return False
        return not first.users & self.born[late]

    def last_users(self, block: int) -> list[int]:
        """Users of a block that are not surely followed by another one."""
        users = self.core.blocks[block].users
        return [step for step in steps_of(users) if not self.after[step] & users]

    def first_writers(self, block: int) -> list[int]:
        """Writers of a block that are not surely preceded by another one."""
        writers = self.core.blocks[block].writers
        return [step for step in steps_of(writers) if not self.before[step] & writers]


def find_lifetimes(core: Core, predecessors: Sequence[int], order: Sequence[int]) -> Lifetimes:
    """The lifetimes of the blocks of `core`; see `precedence_closures`."""
    before, after = precedence_closures(predecessors, order)
    everything = (1 << len(before)) - 1
    unborn: list[int] = []
    born: list[int] = []
    needed: list[int] = []
    for block in core.blocks:
        common, union, until = everything, 0, 0
        for step in steps_of(block.writers):
            common &= before[step]
            union |= after[step] | 1 << step
        unborn.append(0 if block.from_start else common)
        born.append(everything if block.from_start else union)
        for step in steps_of(block.users):
            until |= before[step] | 1 << step
        needed.append(everything if block.to_end else until)
    return Lifetimes(core, before, after, tuple(unborn), tuple(born), tuple(needed))


def precedence_closures(
    predecessors: Sequence[int], order: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """By step, the masks of all steps before it and of all steps after it.

    `predecessors` are masks by step; `order` is any order that keeps them.
    """
    before = [0] * len(order)
    after = [0] * len(order)
    for step in order:
        before[step] = predecessors[step]
        for earlier in steps_of(predecessors[step]):
            before[step] |= before[earlier]
    for step in reversed(order):
        for earlier in steps_of(predecessors[step]):
            after[earlier] |= after[step] | 1 << step
    return tuple(before), tuple(after)
