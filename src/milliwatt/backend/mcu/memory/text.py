# SPDX-License-Identifier: MIT
"""Problems as comma-separated lines, to be read, kept and solved again.

    buffer,NAME,size,alignment
    input,NAME
    keep_inputs                 inputs may not be overwritten
    output,NAME
    persistent,NAME
    step,NAME,scratch size,scratch alignment
      read,NAME
      write,NAME
      in_place,READ,WRITE,least shift,largest shift     an empty field is unbounded
      alias,READ,WRITE,shift

Sizes and shifts are in bytes. Names with commas or quotes are quoted as in CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import StringIO

from milliwatt.backend.mcu.memory.elements import Alias, Buffer, InPlace, Step
from milliwatt.backend.mcu.memory.problem import Problem
from milliwatt.errors import ModelError

_FIELDS = {
    "buffer": 3,
    "input": 1,
    "keep_inputs": 0,
    "output": 1,
    "persistent": 1,
    "step": 3,
    "read": 1,
    "write": 1,
    "in_place": 4,
    "alias": 3,
}


def to_text(problem: Problem) -> str:
    """The lines of `problem`; `from_text` reads them back to an equal one."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for indent, row in _rows(problem):
        text.write(indent)
        writer.writerow(row)
    return text.getvalue()


def _rows(problem: Problem) -> Iterator[tuple[str, tuple[str | int | None, ...]]]:
    for buffer in problem.buffers:
        yield "", ("buffer", buffer.name, buffer.size_bytes, buffer.alignment)
    for name in problem.inputs:
        yield "", ("input", name)
    if not problem.inputs_may_be_overwritten:
        yield "", ("keep_inputs",)
    for name in problem.outputs:
        yield "", ("output", name)
    for name in problem.persistent:
        yield "", ("persistent", name)
    for step in problem.steps:
        yield "", ("step", step.name, step.scratch_bytes, step.scratch_alignment)
        for name in step.reads:
            yield "  ", ("read", name)
        for name in step.writes:
            yield "  ", ("write", name)
        for pair in step.in_place:
            shifts = pair.min_shift_bytes, pair.max_shift_bytes
            yield "  ", ("in_place", pair.read, pair.write, *shifts)
        for alias in step.aliases:
            yield "  ", ("alias", alias.read, alias.write, alias.shift_bytes)


@dataclass
class _Draft:
    """What the lines so far have said."""

    buffers: list[Buffer] = field(default_factory=list[Buffer])
    steps: list[Step] = field(default_factory=list[Step])
    roles: dict[str, list[str]] = field(
        default_factory=lambda: {"input": [], "output": [], "persistent": []}
    )
    inputs_may_be_overwritten: bool = True


def from_text(text: str) -> Problem:
    """The problem written in `text`.

    Raises ModelError, naming the line, where it cannot be read, and VerifyError where the
    problem breaks its own rules.
    """
    draft = _Draft()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        kind, *fields = next(csv.reader([line.strip()]))
        if kind not in _FIELDS:
            raise ModelError(f"memory problem, line {number}: '{kind}' is not in {list(_FIELDS)}")
        if len(fields) != _FIELDS[kind]:
            raise ModelError(
                f"memory problem, line {number}: '{kind}' takes {_FIELDS[kind]} fields, "
                f"not {len(fields)}"
            )
        try:
            _add(draft, kind, fields)
        except ValueError as error:
            raise ModelError(f"memory problem, line {number}: {line.strip()!r}: {error}") from error
    return Problem(
        buffers=tuple(draft.buffers),
        steps=tuple(draft.steps),
        inputs=tuple(draft.roles["input"]),
        outputs=tuple(draft.roles["output"]),
        persistent=tuple(draft.roles["persistent"]),
        inputs_may_be_overwritten=draft.inputs_may_be_overwritten,
    )


def _add(draft: _Draft, kind: str, fields: list[str]) -> None:
    """Take in one line; ValueError for a bad number, or a part without its step."""
    match kind:
        case "buffer":
            draft.buffers.append(Buffer(fields[0], int(fields[1]), int(fields[2])))
        case "step":
            draft.steps.append(Step(fields[0], (), (), int(fields[1]), int(fields[2])))
        case "keep_inputs":
            draft.inputs_may_be_overwritten = False
        case "input" | "output" | "persistent":
            draft.roles[kind].append(fields[0])
        case _ if not draft.steps:
            raise ValueError("comes before any step")
        case _:
            draft.steps[-1] = _extended(draft.steps[-1], kind, fields)


def _extended(step: Step, kind: str, fields: list[str]) -> Step:
    if kind == "read":
        return replace(step, reads=(*step.reads, fields[0]))
    if kind == "write":
        return replace(step, writes=(*step.writes, fields[0]))
    if kind == "alias":
        alias = Alias(fields[0], fields[1], int(fields[2]))
        return replace(step, aliases=(*step.aliases, alias))
    low, high = (int(shift) if shift else None for shift in fields[2:])
    pair = InPlace(fields[0], fields[1], low, high)
    return replace(step, in_place=(*step.in_place, pair))
