# SPDX-License-Identifier: MIT
"""Attribute values of the text form, made into operators of the closed set."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from milliwatt.errors import ModelError
from milliwatt.ops.base import Op
from milliwatt.ops.registry import OPERATORS


@dataclass(frozen=True, slots=True)
class Record:
    """A nested dataclass as written: its class's name and its fields."""

    kind: str
    fields: dict[str, Value]


Value = int | float | bool | str | tuple["Value", ...] | Record
"""What the text can say; a bare word (an enum's value) is a string."""


def operator(kind: str, attributes: dict[str, Value]) -> Op:
    """The operator `kind` with these attributes; a ModelError where there is no such thing."""
    found = OPERATORS.get(kind)
    if found is None:
        raise ModelError(f"no operator '{kind}'; there are {', '.join(OPERATORS)}")
    return _made(found, attributes)


def _made(made: type[Any], attributes: dict[str, Value]) -> Any:
    hints = get_type_hints(made)
    wanted = [f.name for f in fields(made)]
    if sorted(attributes) != sorted(wanted):
        raise ModelError(f"{made.__name__} has the attributes {wanted}, not {list(attributes)}")
    return made(
        **{
            name: _converted(f"{made.__name__}.{name}", attributes[name], hints[name])
            for name in wanted
        }
    )


def _converted(what: str, value: Value, hint: Any) -> Any:
    if get_origin(hint) is tuple:
        return _converted_tuple(what, value, get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        matching = [t for t in get_args(hint) if type(value) is t]
        if matching:
            return value
    elif issubclass(hint, enum.Enum):
        return _converted_enum(what, value, hint)
    elif is_dataclass(hint):
        kind = cast("type[Any]", hint)
        if isinstance(value, Record) and value.kind == kind.__name__:
            return _made(kind, value.fields)
    elif hint is float and type(value) is int:
        return float(value)
    elif type(value) is hint:
        return value
    raise ModelError(f"{what} is {value!r}; it must be {getattr(hint, '__name__', hint)}")


def _converted_tuple(what: str, value: Value, hints: tuple[Any, ...]) -> tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise ModelError(f"{what} is {value!r}; it must be a tuple")
    expected = (hints[0],) * len(value) if hints[1:] == (Ellipsis,) else hints
    if len(expected) != len(value):
        raise ModelError(f"{what} has {len(value)} elements; it must have {len(expected)}")
    return tuple(_converted(what, v, h) for v, h in zip(value, expected, strict=True))


def _converted_enum(what: str, value: Value, hint: type[enum.Enum]) -> enum.Enum:
    try:
        return hint(value)
    except ValueError:
        names = ", ".join(str(m.value) for m in hint)
        raise ModelError(f"{what} is {value!r}; it must be one of {names}") from None
