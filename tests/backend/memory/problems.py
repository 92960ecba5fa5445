# SPDX-License-Identifier: MIT
"""Memory problems for the tests: random ones, hand-made ones, and the optimum by brute force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, permutations
from pathlib import Path

from hypothesis import strategies as st

from milliwatt.backend.mcu.memory import Alias, Buffer, InPlace, Problem, Solution, Step

FRAGMENTING = Path(__file__).with_name("fragmenting.csv")
"""A problem of which every first fit leaves a hole: 64 bytes, where 60 suffice."""


def chain(*sizes_bytes: int, in_place: bool = False) -> Problem:
    """Steps that each turn one buffer into the next."""
    names = [f"b{index}" for index in range(len(sizes_bytes))]
    return Problem(
        buffers=tuple(map(Buffer, names, sizes_bytes)),
        steps=tuple(
            Step(
                name=f"{read}_to_{write}",
                reads=(read,),
                writes=(write,),
                in_place=(InPlace.same_start(read, write),) if in_place else (),
            )
            for read, write in pairwise(names)
        ),
        inputs=(names[0],),
        outputs=(names[-1],),
    )


@dataclass
class _Draft:
    """A problem being drawn: `taken` buffers are in an alias already."""

    sizes: dict[str, int] = field(default_factory=dict)
    alignments: dict[str, int] = field(default_factory=dict)
    state: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)

    def add(self, name: str, size_bytes: int, alignment: int) -> str:
        self.sizes[name] = size_bytes
        self.alignments[name] = alignment
        return name

    def values(self) -> list[str]:
        return [name for name in self.sizes if name not in self.state]


@st.composite
def problems(
    draw: st.DrawFn, max_steps: int = 8, max_size: int = 12, parts: bool = True
) -> Problem:
    """Random graphs with scratch, state, in-place pairs and aliases.

    Without `parts`, aliased buffers are of equal size and start at the same byte.
    """
    draft = _Draft()
    sizes, alignments = st.integers(1, max_size), st.sampled_from([1, 2, 4])
    inputs = [f"in{index}" for index in range(draw(st.integers(0, 2)))]
    draft.state = ["state"] if draw(st.integers(0, 3)) == 0 else []
    for name in (*inputs, *draft.state):
        draft.add(name, draw(sizes), draw(alignments))
    for index in range(draw(st.integers(1, max_steps))):
        kind = draw(st.sampled_from(["compute"] * 4 + ["reshape", "part", "concatenate"]))
        if kind == "reshape" and draft.values():
            _add_reshape(draw, draft, index)
        elif kind == "part" and parts and draft.values():
            _add_part(draw, draft, index)
        elif kind == "concatenate" and parts and len(draft.values()) > 2:
            _add_concatenation(draw, draft, index)
        else:
            _add_compute(draw, draft, index, max_size)
    return Problem(
        buffers=tuple(
            Buffer(name, size, draft.alignments[name]) for name, size in draft.sizes.items()
        ),
        steps=tuple(draft.steps),
        inputs=tuple(inputs),
        outputs=tuple(draw(st.lists(st.sampled_from(draft.values()), unique=True, max_size=2))),
        persistent=tuple(draft.state),
        inputs_may_be_overwritten=draw(st.booleans()),
    )


def _add_compute(draw: st.DrawFn, draft: _Draft, index: int, max_size: int) -> None:
    known = list(draft.sizes)
    reads = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
    fresh = [
        draft.add(
            f"t{index}_{part}", draw(st.integers(1, max_size)), draw(st.sampled_from([1, 2, 4]))
        )
        for part in range(draw(st.sampled_from([1, 1, 1, 2])))
    ]
    stored = draft.state if draw(st.booleans()) else []
    pairs = [(read, write) for read in reads for write in fresh if read not in draft.state]
    in_place = [
        draw(_in_place(read, write)) for read, write in pairs if draw(st.integers(0, 2)) > 0
    ]
    draft.steps.append(
        Step(
            name=f"compute{index}",
            reads=tuple(reads),
            writes=(*fresh, *stored),
            scratch_bytes=draw(st.sampled_from([0, 0, 0, 1, max_size // 2])),
            scratch_alignment=draw(st.sampled_from([1, 4])),
            in_place=tuple(in_place),
        )
    )


@st.composite
def _in_place(draw: st.DrawFn, read: str, write: str) -> InPlace:
    kind = draw(st.sampled_from(["same_start", "trailing", "leading", "between"]))
    if kind == "trailing":
        return InPlace.trailing(read, write, draw(st.integers(-4, 6)))
    if kind == "leading":
        return InPlace.leading(read, write, draw(st.integers(-4, 6)))
    if kind == "between":
        low = draw(st.integers(-6, 6))
        return InPlace(read, write, low, low + draw(st.integers(0, 6)))
    return InPlace.same_start(read, write)


def _add_reshape(draw: st.DrawFn, draft: _Draft, index: int) -> None:
    read = draw(st.sampled_from(draft.values()))
    write = draft.add(f"t{index}", draft.sizes[read], draft.alignments[read])
    draft.taken.update((read, write))
    draft.steps.append(Step(f"reshape{index}", (read,), (write,), aliases=(Alias(read, write),)))


def _add_part(draw: st.DrawFn, draft: _Draft, index: int) -> None:
    """Part of a buffer; its position is a multiple of 4, and so of every alignment."""
    read = draw(st.sampled_from(draft.values()))
    position = draw(st.integers(0, (draft.sizes[read] - 1) // 4)) * 4
    size_bytes = draw(st.integers(1, draft.sizes[read] - position))
    write = draft.add(f"t{index}", size_bytes, draw(st.sampled_from([1, 2, 4])))
    draft.taken.update((read, write))
    alias = Alias(read, write, position)
    draft.steps.append(Step(f"part{index}", (read,), (write,), aliases=(alias,)))


def _add_concatenation(draw: st.DrawFn, draft: _Draft, index: int) -> None:
    """Several buffers in a row, each at a multiple of 4."""
    free = [name for name in draft.values() if name not in draft.taken]
    reads = draw(st.lists(st.sampled_from(free), unique=True, max_size=3)) if free else []
    aliases: list[Alias] = []
    end = 0
    write = f"t{index}"
    for read in reads:
        aliases.append(Alias(read, write, -end))
        end += (draft.sizes[read] + 3) // 4 * 4
    draft.add(write, max(end, 1), 4)
    draft.taken.update((*reads, write))
    draft.steps.append(Step(f"concatenate{index}", tuple(reads), (write,), aliases=tuple(aliases)))


@dataclass(frozen=True)
class _Thing:
    """A buffer or scratch with its lifetime, for the brute force."""

    name: str
    size_bytes: int
    alignment: int
    first: int
    last: int


Shifts = frozenset[int]
"""Offsets of one thing minus that of another at which both may stay."""


def smaller_arena_exists(
    problem: Problem, arena_bytes: int, only: tuple[int, ...] | None = None
) -> bool:
    """Whether offsets under order `only`, or any, need less than `arena_bytes`: tries them all.

    Aliased buffers must start at the same byte.
    """
    tried: set[frozenset[tuple[tuple[int, int], Shifts]]] = set()
    reach = range(-arena_bytes, arena_bytes + 1)
    for order in valid_orders(problem) if only is None else [only]:
        things = _things(problem, order)
        if any(thing.size_bytes >= arena_bytes for thing in things):
            continue
        shifts = _allowed_shifts(problem, order, things, reach)
        packing = frozenset(shifts.items())
        if packing not in tried:
            tried.add(packing)
            if _can_place(things, shifts, [], arena_bytes - 1):
                return True
    return False


def is_right(problem: Problem, solution: Solution) -> bool:
    """Whether order and offsets keep all rules, by the brute force's reading of them."""
    if not _keeps_dependences(problem, solution.order):
        return False
    things = _things(problem, solution.order)
    offsets = [
        solution.offsets[thing.name]
        if thing.name in solution.offsets
        else solution.scratch_offsets[thing.name.removeprefix("scratch of ")]
        for thing in things
    ]
    reach = range(-max(offsets, default=0), max(offsets, default=0) + 1)
    shifts = _allowed_shifts(problem, solution.order, things, reach)
    return all(
        offset % thing.alignment == 0 for offset, thing in zip(offsets, things, strict=True)
    ) and all(offsets[j] - offsets[i] in allowed for (i, j), allowed in shifts.items())


def _keeps_dependences(problem: Problem, order: Sequence[int]) -> bool:
    steps = problem.steps
    for early, late in combinations(range(len(steps)), 2):
        one, other = steps[early], steps[late]
        dependent = {*one.writes} & {*other.reads, *other.writes} or {*one.reads} & {*other.writes}
        if dependent and order.index(early) > order.index(late):
            return False
    return True


def valid_orders(problem: Problem) -> Iterator[tuple[int, ...]]:
    """Every order of the steps that keeps their dependences."""
    for order in permutations(range(len(problem.steps))):
        if _keeps_dependences(problem, order):
            yield order


def _things(problem: Problem, order: Sequence[int]) -> list[_Thing]:
    steps = [problem.steps[index] for index in order]
    things: list[_Thing] = []
    for buffer in problem.buffers:
        uses = [at for at, step in enumerate(steps) if buffer.name in (*step.reads, *step.writes)]
        if buffer.name in (*problem.inputs, *problem.persistent):
            uses.append(-1)
        kept = () if problem.inputs_may_be_overwritten else problem.inputs
        if buffer.name in (*problem.outputs, *problem.persistent, *kept):
            uses.append(len(steps))
        span = min(uses), max(uses)
        things.append(_Thing(buffer.name, buffer.size_bytes, buffer.alignment, *span))
    for at, step in enumerate(steps):
        if step.scratch_bytes:
            name = f"scratch of {step.name}"
            things.append(_Thing(name, step.scratch_bytes, step.scratch_alignment, at, at))
    return things


def _allowed_shifts(
    problem: Problem, order: Sequence[int], things: Sequence[_Thing], reach: range
) -> dict[tuple[int, int], Shifts]:
    """By pair of things that constrain each other: shifts of the second above the first."""
    roots = {buffer.name: buffer.name for buffer in problem.buffers}
    for step in problem.steps:
        for alias in step.aliases:
            roots[alias.write] = roots[alias.read]
    pairs = {
        (pair.read, pair.write): (at, pair)
        for at, index in enumerate(order)
        for pair in problem.steps[index].in_place
    }
    allowed: dict[tuple[int, int], Shifts] = {}
    for (i, one), (j, other) in combinations(enumerate(things), 2):
        if roots.get(one.name, 1) == roots.get(other.name, 2):
            allowed[i, j] = frozenset([0])
        elif one.first <= other.last and other.first <= one.last:
            apart = {s for s in reach if s >= one.size_bytes or -s >= other.size_bytes}
            for read, write, sign in ((one, other, 1), (other, one, -1)):
                at, pair = pairs.get((read.name, write.name), (None, None))
                if pair is not None and read.last == at == write.first:
                    apart |= {sign * s for s in reach if _permits(pair, s)}
            allowed[i, j] = frozenset(apart)
    return allowed


def _permits(pair: InPlace, shift: int) -> bool:
    low, high = pair.min_shift_bytes, pair.max_shift_bytes
    return (low is None or shift >= low) and (high is None or shift <= high)


def _can_place(
    things: Sequence[_Thing],
    shifts: Mapping[tuple[int, int], Shifts],
    offsets: Sequence[int],
    arena_bytes: int,
) -> bool:
    index = len(offsets)
    if index == len(things):
        return True
    thing = things[index]
    near = [(offsets[one], shifts[one, index]) for one in range(index) if (one, index) in shifts]
    return any(
        all(offset - start in allowed for start, allowed in near)
        and _can_place(things, shifts, [*offsets, offset], arena_bytes)
        for offset in range(0, arena_bytes - thing.size_bytes + 1, thing.alignment)
    )
