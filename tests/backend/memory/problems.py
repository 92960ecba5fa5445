# SPDX-License-Identifier: MIT
"""Memory problems for the tests: random ones, hand-made ones, and the optimum by brute force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations

from hypothesis import strategies as st

from milliwatt.backend.mcu.memory import Alias, Buffer, InPlace, Problem, Step


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
            for read, write in zip(names[:-1], names[1:], strict=True)
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


def smallest_arena(problem: Problem, below: int) -> int | None:
    """The smallest arena of fewer than `below` bytes, by trying every order and offset.

    None if there is none. Aliased buffers must start at the same byte.
    """
    best: int | None = None
    for order in _valid_orders(problem):
        things = _things(problem, order)
        overlaps = _overlaps(problem, order, {thing.name: thing for thing in things})
        while (found := _place(problem, things, overlaps, {}, best or below)) is not None:
            best = found
    return best


def _valid_orders(problem: Problem) -> Iterator[tuple[int, ...]]:
    def must_precede(early: Step, late: Step) -> bool:
        return bool(
            {*early.writes} & {*late.reads, *late.writes} or {*early.reads} & {*late.writes}
        )

    for order in permutations(range(len(problem.steps))):
        if all(
            one < other or not must_precede(problem.steps[other], problem.steps[one])
            for one, other in combinations(order, 2)
        ):
            yield order


def _things(problem: Problem, order: Sequence[int]) -> list[_Thing]:
    steps = [problem.steps[index] for index in order]
    things: list[_Thing] = []
    for buffer in problem.buffers:
        uses = [i for i, s in enumerate(steps) if buffer.name in (*s.reads, *s.writes)]
        if buffer.name in (*problem.inputs, *problem.persistent):
            uses.append(-1)
        kept = () if problem.inputs_may_be_overwritten else problem.inputs
        if buffer.name in (*problem.outputs, *problem.persistent, *kept):
            uses.append(len(steps))
        things.append(
            _Thing(buffer.name, buffer.size_bytes, buffer.alignment, min(uses), max(uses))
        )
    for at, step in enumerate(steps):
        if step.scratch_bytes:
            name = f"scratch {step.name}"
            things.append(_Thing(name, step.scratch_bytes, step.scratch_alignment, at, at))
    return things


def _overlaps(
    problem: Problem, order: Sequence[int], things: Mapping[str, _Thing]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Shifts of write above read at which both may live, by (read, write)."""
    everywhere = (float("-inf"), float("inf"))
    overlaps: dict[tuple[str, str], tuple[float, float]] = {}
    for at, index in enumerate(order):
        step = problem.steps[index]
        for pair in step.in_place:
            if things[pair.read].last == at == things[pair.write].first:
                low, high = pair.min_shift_bytes, pair.max_shift_bytes
                overlaps[pair.read, pair.write] = (
                    everywhere[0] if low is None else low,
                    everywhere[1] if high is None else high,
                )
    for one, other in combinations(_alias_roots(problem).items(), 2):
        if one[1] == other[1]:
            overlaps[one[0], other[0]] = (0, 0)
    return overlaps


def _alias_roots(problem: Problem) -> dict[str, str]:
    roots = {buffer.name: buffer.name for buffer in problem.buffers}
    for step in problem.steps:
        for alias in step.aliases:
            roots[alias.write] = roots[alias.read]
    return roots


def _place(
    problem: Problem,
    things: Sequence[_Thing],
    overlaps: Mapping[tuple[str, str], tuple[float, float]],
    offsets: dict[str, int],
    below: int,
) -> int | None:
    """Any complete placement of fewer than `below` bytes; its arena."""
    if len(offsets) == len(things):
        return max((offsets[thing.name] + thing.size_bytes for thing in things), default=0)
    thing = things[len(offsets)]
    roots = _alias_roots(problem)
    root = roots.get(thing.name, thing.name)
    fixed = offsets.get(root) if root != thing.name else None
    choices = range(0, below - thing.size_bytes, thing.alignment) if fixed is None else [fixed]
    for offset in choices:
        if all(
            _compatible(thing, offset, other, offsets[other.name], overlaps)
            for other in things[: len(offsets)]
        ):
            found = _place(problem, things, overlaps, {**offsets, thing.name: offset}, below)
            if found is not None:
                return found
    return None


def _compatible(
    one: _Thing,
    one_offset: int,
    other: _Thing,
    other_offset: int,
    overlaps: Mapping[tuple[str, str], tuple[float, float]],
) -> bool:
    if one.first > other.last or other.first > one.last:
        return True
    if one_offset + one.size_bytes <= other_offset or other_offset + other.size_bytes <= one_offset:
        return True
    for read, write, shift in (
        (one, other, other_offset - one_offset),
        (other, one, one_offset - other_offset),
    ):
        low, high = overlaps.get((read.name, write.name), (1, 0))
        if low <= shift <= high:
            return True
    return False
