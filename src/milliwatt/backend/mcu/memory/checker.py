# SPDX-License-Identifier: MIT
"""Proof that a solution is right, from the problem alone; shares no code with the solver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.elements import InPlace
from milliwatt.backend.mcu.memory.problem import Interval, Problem, Solution
from milliwatt.errors import VerifyError


@dataclass(frozen=True, slots=True)
class _Place:
    """Bytes `start..end` (end excluded) taken at the positions `first..last`.

    `buffer` is None for scratch.
    """

    what: str
    buffer: str | None
    first: int
    last: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Sharing:
    """Permissions by step index, neighbours by alias, and the place of each buffer."""

    in_place: Mapping[int, tuple[InPlace, ...]]
    aliases: Mapping[str, Sequence[str]]
    places: Mapping[str, _Place]


def check(problem: Problem, solution: Solution) -> None:
    """Raise VerifyError, naming buffers and step, unless `solution` is right for `problem`.

    Right means: a permutation that keeps every dependence; aligned offsets; no two things share
    bytes while both live, save aliases and permitted in-place pairs whose input dies in that
    step; the arena ends where the highest thing does, and is not below the stated bound.
    """
    touches = _check_order(problem, solution.order)
    live = _live(problem, touches)
    if dict(solution.live) != live:
        wrong = sorted(name for name in live if solution.live.get(name) != live[name])
        raise VerifyError(f"memory: wrong live intervals of buffers {wrong or 'unknown'}")
    places = _places(problem, solution, live)
    _check_aliases(problem, solution)
    _check_disjoint(problem, solution.order, places)
    arena_bytes = max((place.end for place in places), default=0)
    if solution.arena_bytes != arena_bytes:
        raise VerifyError(
            f"memory: the arena has {solution.arena_bytes} bytes, its contents end at {arena_bytes}"
        )
    if solution.lower_bound_bytes > arena_bytes:
        raise VerifyError(
            f"memory: the arena of {arena_bytes} bytes beats its lower bound of "
            f"{solution.lower_bound_bytes}"
        )


def _check_order(problem: Problem, order: Sequence[int]) -> dict[str, list[tuple[int, bool]]]:
    """Positions at which each buffer is touched, in listed order, and whether as a write."""
    if sorted(order) != list(range(len(problem.steps))):
        raise VerifyError(
            f"memory: the order is no permutation of the {len(problem.steps)} steps: {order}"
        )
    position = {index: at for at, index in enumerate(order)}
    touches: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for index, step in enumerate(problem.steps):
        for name in dict.fromkeys((*step.reads, *step.writes)):
            writes = name in step.writes
            for before, wrote in touches[name]:
                if before > position[index] and (writes or wrote):
                    earlier = problem.steps[order[before]].name
                    raise VerifyError(
                        f"memory: step '{step.name}' runs before '{earlier}', "
                        f"although '{name}' passes from this to that"
                    )
            touches[name].append((position[index], writes))
    return touches


def _live(problem: Problem, touches: Mapping[str, list[tuple[int, bool]]]) -> dict[str, Interval]:
    live: dict[str, Interval] = {}
    for buffer in problem.buffers:
        name = buffer.name
        given = name in problem.inputs or name in problem.persistent
        kept = name in problem.outputs or name in problem.persistent
        if name in problem.inputs and not problem.inputs_may_be_overwritten:
            kept = True
        positions = [at for at, _ in touches.get(name, ())]
        first = -1 if given else min(positions)
        last = len(problem.steps) if kept else max([first, *positions])
        live[name] = Interval(first, last)
    return live


def _places(problem: Problem, solution: Solution, live: Mapping[str, Interval]) -> list[_Place]:
    places: list[_Place] = []
    for buffer in problem.buffers:
        what = f"buffer '{buffer.name}'"
        start = _aligned(what, solution.offsets.get(buffer.name), buffer.alignment)
        first, last = live[buffer.name].first, live[buffer.name].last
        places.append(_Place(what, buffer.name, first, last, start, start + buffer.size_bytes))
    for at, index in enumerate(solution.order):
        step = problem.steps[index]
        if step.scratch_bytes:
            what = f"scratch of '{step.name}'"
            start = _aligned(what, solution.scratch_offsets.get(step.name), step.scratch_alignment)
            places.append(_Place(what, None, at, at, start, start + step.scratch_bytes))
    return places


def _aligned(what: str, offset: int | None, alignment: int) -> int:
    if offset is None:
        raise VerifyError(f"memory: {what} has no offset")
    if offset < 0 or offset % alignment:
        raise VerifyError(f"memory: {what} at {offset} is not aligned to {alignment}")
    return offset


def _check_aliases(problem: Problem, solution: Solution) -> None:
    for step in problem.steps:
        for alias in step.aliases:
            shift = solution.offsets[alias.write] - solution.offsets[alias.read]
            if shift != alias.shift_bytes:
                raise VerifyError(
                    f"memory: step '{step.name}' needs buffer '{alias.write}' to start "
                    f"{alias.shift_bytes} bytes above '{alias.read}', not {shift}"
                )


def _check_disjoint(problem: Problem, order: Sequence[int], places: Sequence[_Place]) -> None:
    aliases: dict[str, list[str]] = defaultdict(list)
    for step in problem.steps:
        for alias in step.aliases:
            aliases[alias.read].append(alias.write)
            aliases[alias.write].append(alias.read)
    sharing = _Sharing(
        in_place={at: problem.steps[index].in_place for at, index in enumerate(order)},
        aliases=aliases,
        places={place.buffer: place for place in places if place.buffer is not None},
    )
    by_first = sorted(places, key=lambda place: place.first)
    for rank, early in enumerate(by_first):
        for late in by_first[rank + 1 :]:
            if late.first > early.last:
                break
            if early.start >= late.end or late.start >= early.end:
                continue
            if _in_place(sharing, early, late) or _same_contents(sharing, early, late):
                continue
            at = late.first
            when = "before the first step" if at < 0 else "after the last step"
            if 0 <= at < len(order):
                when = f"at step '{problem.steps[order[at]].name}'"
            raise VerifyError(
                f"memory: {early.what} at {early.start}..{early.end} and {late.what} at "
                f"{late.start}..{late.end} share bytes while both live, {when}"
            )


def _in_place(sharing: _Sharing, one: _Place, other: _Place) -> bool:
    """Whether the step in which one of both dies writes the other, and lets it share bytes."""
    for read, write in ((one, other), (other, one)):
        shift = write.start - read.start
        for pair in sharing.in_place.get(read.last, ()):
            if (pair.read, pair.write) == (read.buffer, write.buffer):
                above = pair.min_shift_bytes is None or shift >= pair.min_shift_bytes
                below = pair.max_shift_bytes is None or shift <= pair.max_shift_bytes
                return above and below
    return False


def _same_contents(sharing: _Sharing, one: _Place, other: _Place) -> bool:
    """Whether aliases, each covering all the bytes shared by both, join the two."""
    if one.buffer is None or other.buffer is None:
        return False
    start, end = max(one.start, other.start), min(one.end, other.end)
    joined = [one.buffer]
    for name in joined:
        for near in sharing.aliases.get(name, ()):
            place = sharing.places[near]
            if near not in joined and place.start <= start and end <= place.end:
                joined.append(near)
    return other.buffer in joined
