# SPDX-License-Identifier: MIT
"""How much of the arena a layer, or a stream, needs at least, whatever runs before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.memory.lifetimes import precedence_closures
from milliwatt.backend.mcu.memory.liveness import make_meter, order_bound_bytes
from milliwatt.backend.mcu.memory.reduce import Block, reduce_problem


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is in memory around each node of a network in every order of its nodes.

    Values that are views of one another are one block. `homes` maps a value to its block, `exact`
    holds those that are all of it. `before` and `after` are masks by node.
    """

    blocks: tuple[Block, ...]
    homes: Mapping[str, int]
    exact: frozenset[str]
    before: tuple[int, ...]
    after: tuple[int, ...]

    def need_bytes(self, nodes: range, step: memory.Step) -> int:
        """The smallest arena with which `nodes` run as `step`.

        It holds for every order, placement, and way to compute the other nodes.
        """
        step = self._known(step)
        own = sum(1 << i for i in nodes)
        earlier, later = own, own
        for i in nodes:
            earlier |= self.before[i]
            later |= self.after[i]
        touched = {self.homes[v] for v in (*step.reads, *step.writes)}
        alive = {
            index
            for index, block in enumerate(self.blocks)
            if index in touched or _passes(block, own, earlier, later)
        }
        lasting = {i for i in alive if self.blocks[i].to_end or self.blocks[i].users & later & ~own}
        return self._bound(step, alive, lasting)

    def _known(self, step: memory.Step) -> memory.Step:
        """The step without the values that may be elsewhere."""
        return replace(
            step,
            reads=tuple(v for v in step.reads if v in self.homes),
            writes=tuple(v for v in step.writes if v in self.homes),
            in_place=tuple(p for p in step.in_place if {p.read, p.write} <= self.homes.keys()),
        )

    def _bound(self, step: memory.Step, alive: set[int], lasting: set[int]) -> int:
        """The bound of a problem of this one step, beside blocks that it leaves alone."""
        reads = {self.homes[v] for v in step.reads}
        writes = {self.homes[v] for v in step.writes} - reads
        kept = alive - writes - (reads - lasting)
        problem = memory.Problem(
            buffers=tuple(
                memory.Buffer(_name(i), self.blocks[i].size_bytes, self.blocks[i].alignment)
                for i in sorted(alive)
            ),
            steps=(
                replace(
                    step,
                    reads=tuple(map(_name, sorted(reads))),
                    writes=tuple(map(_name, sorted(writes))),
                    in_place=self._pairs(step, writes, lasting),
                    aliases=(),
                ),
            ),
            inputs=tuple(map(_name, sorted(reads - kept))),
            outputs=tuple(map(_name, sorted(writes))),
            persistent=tuple(map(_name, sorted(kept))),
        )
        return order_bound_bytes(make_meter(reduce_problem(problem)), (0,))

    def _pairs(
        self, step: memory.Step, writes: set[int], lasting: set[int]
    ) -> tuple[memory.InPlace, ...]:
        """What may share memory, block by block; at any distance where values are parts."""
        found: dict[tuple[int, int], memory.InPlace] = {}
        for pair in step.in_place:
            read, write = self.homes[pair.read], self.homes[pair.write]
            if read in lasting or write not in writes or read == write:
                continue
            whole = {pair.read, pair.write} <= self.exact and (read, write) not in found
            low, high = (pair.min_shift_bytes, pair.max_shift_bytes) if whole else (None, None)
            found[read, write] = memory.InPlace(_name(read), _name(write), low, high)
        return tuple(found.values())


def find_surroundings(problem: memory.Problem, uncertain: frozenset[str]) -> Surroundings:
    """The surroundings in a problem whose steps are the nodes of a network, in their order.

    Blocks with a value of `uncertain`, which other kernels may keep elsewhere, count for nothing.
    """
    core = reduce_problem(problem)
    before, after = precedence_closures(core.predecessors, range(len(problem.steps)))
    sizes = {buffer.name: buffer.size_bytes for buffer in problem.buffers}
    nothing = {core.homes[v][0] for v in uncertain if v in core.homes}
    homes = {v: home for v, home in core.homes.items() if home[0] not in nothing}
    nothing |= set(core.scratch.values())
    blocks = tuple(
        replace(block, from_start=False, to_end=False, writers=0, users=0)
        if index in nothing
        else block
        for index, block in enumerate(core.blocks)
    )
    return Surroundings(
        blocks=blocks,
        homes={v: block for v, (block, _) in homes.items()},
        exact=frozenset(
            v for v, (b, shift) in homes.items() if (shift, sizes[v]) == (0, blocks[b].size_bytes)
        ),
        before=before,
        after=after,
    )


def _passes(block: Block, own: int, earlier: int, later: int) -> bool:
    """Whether a block that nodes do not touch is there while they run, in every order."""
    written = block.from_start or bool(block.writers & earlier & ~own)
    needed = block.to_end or bool(block.users & later & ~own)
    return written and needed


def _name(block: int) -> str:
    return f"{block}"
