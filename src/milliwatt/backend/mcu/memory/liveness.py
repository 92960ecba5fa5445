# SPDX-License-Identifier: MIT
"""When things live under an order, and how many bytes any placement then needs at least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from milliwatt.backend.mcu.memory.problem import Interval, Problem
from milliwatt.backend.mcu.memory.reduce import Core, Overlap, steps_of
from milliwatt.units import ceil_div


class Progress(NamedTuple):
    """What is done and what lives after it: masks of steps and of blocks, and live cells."""

    done: int
    live: int
    cells: int


class Move(NamedTuple):
    """A step run next: fewest bytes that it needs, the blocks it ends, and what follows."""

    step: int
    need_bytes: int
    dying: int
    after: Progress


class _Effect(NamedTuple):
    """Masks of the blocks that a step begins and ends, their cells, and those that they share."""

    born: int
    dying: int
    born_cells: int
    ended_cells: int
    saved_cells: int


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts live memory in cells: the smallest alignment, at whose multiples all blocks start.

    Blocks on disjoint bytes touch disjoint cells, and only the highest one may leave bytes of
    its last cell unused; hence `cells * cell_bytes - padding` bounds the arena from below.

    `padded` holds masks of blocks by unused bytes above zero, descending; `born` and `used` the
    blocks a step writes and touches; `around` the steps that touch one of these; `savings` triples
    of a read, a write, and the cells they can share. `effects` keeps what a step does by those
    around it that are done: a search runs the same step after many others.
    """

    core: Core
    cell_bytes: int
    cells: tuple[int, ...]
    padded: tuple[tuple[int, int], ...]
    born: tuple[tuple[int, ...], ...]
    used: tuple[tuple[int, ...], ...]
    around: tuple[int, ...]
    savings: tuple[tuple[tuple[int, int, int], ...], ...]
    effects: dict[tuple[int, int], _Effect] = field(
        default_factory=dict[tuple[int, int], _Effect], compare=False, repr=False
    )

    def bound_bytes(self, live: int, cells: int) -> int:
        """Fewest bytes that hold the blocks of mask `live`, which touch `cells` cells."""
        return cells * self.cell_bytes - self.padding_bytes(live)

    def padding_bytes(self, live: int) -> int:
        """Most bytes that a block of mask `live` leaves unused in its last cell."""
        return next((size for size, mask in self.padded if mask & live), 0)

    def count(self, live: int) -> int:
        """Cells of the blocks of mask `live`, all disjoint."""
        return sum(self.cells[index] for index in steps_of(live))

    def start(self) -> Progress:
        """Before the first step: the blocks that live from the start and have any use."""
        live = 0
        for index, block in enumerate(self.core.blocks):
            if block.from_start and (block.users or block.to_end):
                live |= 1 << index
        return Progress(0, live, self.count(live))

    def ends_bytes(self) -> int:
        """Bytes needed while the caller fills the inputs, or reads the outputs."""
        inputs = outputs = 0
        for index, block in enumerate(self.core.blocks):
            inputs |= block.from_start << index
            outputs |= block.to_end << index
        return max(self.bound_bytes(live, self.count(live)) for live in (inputs, outputs))

    def execute(self, before: Progress, step: int) -> Move:
        """Run `step` next."""
        near = step, before.done & self.around[step]
        effect = self.effects.get(near)
        if effect is None:
            effect = self.effects[near] = self._effect(*near)
        live, cells = before.live | effect.born, before.cells + effect.born_cells
        need_bytes = self.bound_bytes(live, cells - effect.saved_cells)
        done, left = before.done | 1 << step, cells - effect.ended_cells
        return Move(step, need_bytes, effect.dying, Progress(done, live & ~effect.dying, left))

    def _effect(self, step: int, done: int) -> _Effect:
        """What `step` does where those of the mask `done` are done, of the steps around it."""
        blocks = self.core.blocks
        born = [index for index in self.born[step] if not blocks[index].writers & done]
        after = done | 1 << step
        dying = [index for index in self.used[step] if not self._lives_on(index, after)]
        return _Effect(
            born=sum(1 << index for index in born),
            dying=sum(1 << index for index in dying),
            born_cells=sum(self.cells[index] for index in born),
            ended_cells=sum(self.cells[index] for index in dying),
            saved_cells=self._saved(step, born, dying),
        )

    def best_saving(self, step: int, dying: Sequence[int]) -> int:
        """Most cells that `step` can save if all its writes are born and `dying` die in it."""
        return self._saved(step, self.born[step], dying)

    def _lives_on(self, index: int, done: int) -> bool:
        block = self.core.blocks[index]
        return block.to_end or bool(block.users & ~done)

    def _saved(self, step: int, born: Sequence[int], dying: Sequence[int]) -> int:
        """Cells that reads and writes can share: no more than fit on either side of a pair."""
        by_write: dict[int, int] = {}
        by_read: dict[int, int] = {}
        for read, write, shared in self.savings[step]:
            if read in dying and write in born:
                by_write[write] = by_write.get(write, 0) + shared
                by_read[read] = by_read.get(read, 0) + shared
        return min(
            sum(min(shared, self.cells[index]) for index, shared in by_write.items()),
            sum(min(shared, self.cells[index]) for index, shared in by_read.items()),
        )


def make_meter(core: Core) -> Meter:
    """The meter of a reduced problem."""
    cell_bytes = min((block.alignment for block in core.blocks), default=1)
    cells = tuple(ceil_div(block.size_bytes, cell_bytes) for block in core.blocks)
    padded: dict[int, int] = {}
    born: list[list[int]] = [[] for _ in core.predecessors]
    used: list[list[int]] = [[] for _ in core.predecessors]
    around = [0 for _ in core.predecessors]
    for index, block in enumerate(core.blocks):
        padding = cells[index] * cell_bytes - block.size_bytes
        if padding:
            padded[padding] = padded.get(padding, 0) | 1 << index
        for step in steps_of(block.users):
            used[step].append(index)
            around[step] |= block.users
        for step in steps_of(0 if block.from_start else block.writers):
            born[step].append(index)
    return Meter(
        core=core,
        cell_bytes=cell_bytes,
        cells=cells,
        padded=tuple(sorted(padded.items(), reverse=True)),
        born=tuple(map(tuple, born)),
        used=tuple(map(tuple, used)),
        around=tuple(around),
        savings=tuple(
            tuple((item.read, item.write, _shared(item, cells, cell_bytes)) for item in overlaps)
            for overlaps in core.overlaps
        ),
    )


def _shared(overlap: Overlap, cells: Sequence[int], cell_bytes: int) -> int:
    """Most cells that both blocks can touch, over the allowed shifts in whole cells."""
    read, write = cells[overlap.read], cells[overlap.write]
    low = None if overlap.low is None else ceil_div(overlap.low, cell_bytes)
    high = None if overlap.high is None else overlap.high // cell_bytes
    if low is not None and high is not None and low > high:
        return 0
    shift = min(0, read - write)
    if low is not None:
        shift = max(shift, low)
    if high is not None:
        shift = min(shift, high)
    return max(0, min(read, shift + write) - max(0, shift))


def order_bound_bytes(meter: Meter, order: Sequence[int]) -> int:
    """Fewest bytes that any placement needs under `order`."""
    bound = meter.ends_bytes()
    progress = meter.start()
    for step in order:
        move = meter.execute(progress, step)
        progress = move.after
        bound = max(bound, move.need_bytes)
    return bound


def block_intervals(core: Core, order: Sequence[int]) -> tuple[Interval, ...]:
    """Positions between which each block lives."""
    position = {step: index for index, step in enumerate(order)}
    return tuple(
        Interval(
            -1 if block.from_start else min(position[step] for step in steps_of(block.writers)),
            len(order)
            if block.to_end
            else max((position[step] for step in steps_of(block.users)), default=-1),
        )
        for block in core.blocks
    )


def buffer_intervals(problem: Problem, order: Sequence[int]) -> Mapping[str, Interval]:
    """Positions between which each buffer lives."""
    first = dict.fromkeys((*problem.inputs, *problem.persistent), -1)
    last: dict[str, int] = dict(first)
    for position, index in enumerate(order):
        for name in problem.steps[index].writes:
            first.setdefault(name, position)
            last[name] = position
        for name in problem.steps[index].reads:
            last[name] = position
    kept = () if problem.inputs_may_be_overwritten else problem.inputs
    for name in (*problem.outputs, *problem.persistent, *kept):
        last[name] = len(order)
    return {
        buffer.name: Interval(first[buffer.name], last[buffer.name]) for buffer in problem.buffers
    }
