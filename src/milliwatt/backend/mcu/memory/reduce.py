# SPDX-License-Identifier: MIT
"""The problem as the solver sees it: blocks and steps by number, sets of steps as bit masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from milliwatt.backend.mcu.memory.elements import Step
from milliwatt.backend.mcu.memory.groups import alias_edges, alias_groups
from milliwatt.backend.mcu.memory.problem import Problem


@dataclass(frozen=True, slots=True)
class Block:
    """A group of aliased buffers, a lone buffer, or the scratch of a step.

    `writers` and `users` (readers and writers) are masks over steps. It lives from the first
    writer, or from the start, to the last user, or to the end.
    """

    size_bytes: int
    alignment: int
    writers: int
    users: int
    from_start: bool = False
    to_end: bool = False


@dataclass(frozen=True, slots=True)
class Overlap:
    """Block `write` may meet `read` if the one is born and the other dies in the same step.

    `low <= offset(write) - offset(read) <= high` is needed, `None` being unbounded.
    """

    read: int
    write: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Core:
    """Blocks, and by step: the mask of steps that come before it, and the overlaps it allows.

    `homes` maps a buffer to its block and its shift in it; `scratch` a step's name to its block.
    """

    blocks: tuple[Block, ...]
    predecessors: tuple[int, ...]
    overlaps: tuple[tuple[Overlap, ...], ...]
    homes: Mapping[str, tuple[int, int]]
    scratch: Mapping[str, int]

    def has_one_order(self) -> bool:
        """Whether every step directly needs the one listed before it."""
        return all(before >> step & 1 for step, before in enumerate(self.predecessors[1:]))


def reduce_problem(problem: Problem) -> Core:
    """Merge aliased buffers, make scratch a block, and number everything."""
    edges = alias_edges(alias for step in problem.steps for alias in step.aliases)
    groups = alias_groups(problem.buffers, edges)
    homes = {
        name: (index, shift) for index, group in enumerate(groups) for name, shift in group.items()
    }
    blocks = _group_blocks(problem, groups)
    scratch: dict[str, int] = {}
    for index, step in enumerate(problem.steps):
        if step.scratch_bytes:
            scratch[step.name] = len(blocks)
            blocks.append(Block(step.scratch_bytes, step.scratch_alignment, 1 << index, 1 << index))
    return Core(
        blocks=tuple(blocks),
        predecessors=_predecessors(problem),
        overlaps=tuple(_step_overlaps(step, homes) for step in problem.steps),
        homes=homes,
        scratch=scratch,
    )


def steps_of(mask: int) -> list[int]:
    """Indices of the bits set in `mask`, ascending."""
    indices: list[int] = []
    while mask:
        lowest = mask & -mask
        indices.append(lowest.bit_length() - 1)
        mask ^= lowest
    return indices


def _group_blocks(problem: Problem, groups: Sequence[Mapping[str, int]]) -> list[Block]:
    buffers = {buffer.name: buffer for buffer in problem.buffers}
    writers: defaultdict[str, int] = defaultdict(int)
    users: defaultdict[str, int] = defaultdict(int)
    for index, step in enumerate(problem.steps):
        for name in step.writes:
            writers[name] |= 1 << index
        for name in (*step.reads, *step.writes):
            users[name] |= 1 << index
    start = {*problem.inputs, *problem.persistent}
    end = {*problem.outputs, *problem.persistent}
    if not problem.inputs_may_be_overwritten:
        end.update(problem.inputs)
    return [
        Block(
            size_bytes=max(shift + buffers[name].size_bytes for name, shift in group.items()),
            alignment=max(buffers[name].alignment for name in group),
            writers=_union(writers[name] for name in group),
            users=_union(users[name] for name in group),
            from_start=not start.isdisjoint(group),
            to_end=not end.isdisjoint(group),
        )
        for group in groups
    ]


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _predecessors(problem: Problem) -> tuple[int, ...]:
    """Direct predecessors: the writer of what a step reads, and the listed order on state."""
    writers: dict[str, int] = {}
    readers: dict[str, int] = {}
    predecessors: list[int] = []
    for index, step in enumerate(problem.steps):
        before = _union(writers.get(name, 0) for name in step.reads)
        for name in step.writes:
            before |= writers.get(name, 0) | readers.get(name, 0)
        for name in step.reads:
            readers[name] = readers.get(name, 0) | 1 << index
        for name in step.writes:
            writers[name] = 1 << index
            readers[name] = 0
        predecessors.append(before)
    return tuple(predecessors)


def _step_overlaps(step: Step, homes: Mapping[str, tuple[int, int]]) -> tuple[Overlap, ...]:
    if not step.in_place:
        return ()
    reads = _by_block(step.reads, homes)
    writes = _by_block(step.writes, homes)
    overlaps = (
        _block_overlap(step, read, write, homes)
        for read, write in product(reads, writes)
        if read not in writes and write not in reads
    )
    return tuple(overlap for overlap in overlaps if overlap is not None)


def _by_block(names: Iterable[str], homes: Mapping[str, tuple[int, int]]) -> list[int]:
    return list(dict.fromkeys(homes[name][0] for name in names))


def _block_overlap(
    step: Step, read: int, write: int, homes: Mapping[str, tuple[int, int]]
) -> Overlap | None:
    """The shifts of whole blocks that suit every pair of members this step touches."""
    allowed = {(pair.read, pair.write): pair for pair in step.in_place}
    lows: list[int] = []
    highs: list[int] = []
    for names in product(step.reads, step.writes):
        (read_block, read_shift), (write_block, write_shift) = (homes[name] for name in names)
        if (read_block, write_block) != (read, write):
            continue
        if names not in allowed:
            return None
        pair = allowed[names]
        if pair.min_shift_bytes is not None:
            lows.append(pair.min_shift_bytes + read_shift - write_shift)
        if pair.max_shift_bytes is not None:
            highs.append(pair.max_shift_bytes + read_shift - write_shift)
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        return None
    return Overlap(read, write, low, high)
