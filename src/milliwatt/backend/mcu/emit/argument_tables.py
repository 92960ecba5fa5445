# SPDX-License-Identifier: MIT
"""Calls whose arguments lie in a constant table: less flash than code that puts each in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.emit.literals import int_literal
from milliwatt.errors import VerifyError

FEWEST_CALLS = 3
"""Fewer calls do not pay for the code that reads the table."""

_INTEGERS = (("int8_t", 8), ("uint8_t", 8), ("int16_t", 16), ("uint16_t", 16), ("int32_t", 32))


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call in C: its type, ready to be followed by a name, and its expression.

    `offset_bytes` is where in the arena it points, for those that do; `number` its value, for
    integers.
    """

    kind: str
    expression: str
    offset_bytes: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ArgumentTables:
    """The struct type that holds what differs between some calls of one function.

    `words` are the function's arguments, read through the pointer `a` to such a struct, or
    constants where all calls agree; `tables` holds each call's initialiser.
    """

    definition: str
    words: tuple[str, ...]
    tables: tuple[str, ...]


_Field = tuple[str, tuple[str, ...]]
"""C type of a member, and its value for each call."""


def argument_tables(name: str, calls: Sequence[Sequence[Argument]]) -> ArgumentTables:
    """Tables in a struct `name` for calls with lists of equal types, and not all of one value."""
    fields: dict[_Field, str] = {}
    words: list[str] = []
    for column in zip(*calls, strict=True):
        if all(argument.expression == column[0].expression for argument in column):
            words.append(column[0].expression)
            continue
        place = fields.setdefault(_field(column), f"f{len(fields)}")
        words.append(_read(column, place))
    ordered = sorted(fields.items(), key=lambda item: -_size(item[0][0]))
    members = " ".join(f"{kind}{place};" for (kind, _), place in ordered)
    rows = zip(*(values for (_, values), _ in ordered), strict=True)
    return ArgumentTables(
        f"typedef struct {{\n    {members}\n}} {name};\n",
        tuple(words),
        tuple(f"{{{', '.join(row)}}}" for row in rows),
    )


def _field(column: Sequence[Argument]) -> _Field:
    """How the values of one argument are stored."""
    offsets = [argument.offset_bytes for argument in column]
    numbers = [argument.number for argument in column]
    for some in (offsets, numbers):
        known = [value for value in some if value is not None]
        if len(known) == len(column):
            return f"{_smallest(known)} ", tuple(int_literal(value) for value in known)
    return column[0].kind, tuple(argument.expression for argument in column)


def _smallest(values: Sequence[int]) -> str:
    for kind, bits in _INTEGERS:
        low = 0 if kind.startswith("u") else -(1 << bits - 1)
        if min(values) >= low and max(values) < low + (1 << bits):
            return kind
    raise VerifyError(f"{max(values)} and {min(values)} are no arguments of 32 bits")


def _size(kind: str) -> int:
    return next((bits for name, bits in _INTEGERS if kind == f"{name} "), 32)


def _read(column: Sequence[Argument], place: str) -> str:
    if all(argument.offset_bytes is not None for argument in column):
        return f"({column[0].kind.rstrip()})(void *)(arena + a->{place})"
    return f"a->{place}"
