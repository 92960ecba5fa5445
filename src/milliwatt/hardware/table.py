# SPDX-License-Identifier: MIT
"""Strict reading of a TOML table: whatever is missing, mistyped or unknown is a TargetError."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from milliwatt.errors import TargetError

_TYPE_NAMES = {
    "bool": "a boolean",
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "list": "an array",
    "dict": "a table",
}


def _type_name(value: object) -> str:
    name = type(value).__name__
    return _TYPE_NAMES.get(name, f"a {name}")


class TableReader:
    """One table of a TOML file; every key must be read once, then `finish` be called.

    `file` and `path` say where the table is, for messages such as
    `my.toml: memory[1].bytes must be an integer, not a string`.
    """

    def __init__(self, content: dict[str, Any], file: str, path: str = "") -> None:
        self._content = content
        self._file = file
        self._path = path
        self._known: set[str] = set()

    def where(self, key: str) -> str:
        """The dotted path of a key, as messages print it."""
        return f"{self._path}.{key}" if self._path else key

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise a TargetError naming the file and the dotted path of `key`.

        Where the table lacks `key` but has one so near that it may be misspelt, it names that too.
        """
        unread = [other for other in self._content if other not in self._known]
        slips = difflib.get_close_matches(key, unread, n=1, cutoff=0.75)
        hint = f"; is '{slips[0]}' meant to be it?" if slips and key not in self._content else ""
        raise TargetError(f"{self._file}: {self.where(key)} {problem}{hint}")

    def has(self, key: str) -> bool:
        """Whether the key is there; also marks it as one that is allowed."""
        self._known.add(key)
        return key in self._content

    def _require(self, key: str) -> Any:
        if not self.has(key):
            self.fail(key, "is missing")
        return self._content[key]

    def text(self, key: str) -> str:
        """A string that is not blank."""
        value = self._require(key)
        if not isinstance(value, str):
            self.fail(key, f"must be a string, not {_type_name(value)}")
        if not value.strip():
            self.fail(key, "must not be empty")
        return value

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """One of the allowed strings."""
        value = self.text(key)
        if value not in allowed:
            self.fail(key, f"is '{value}'; allowed: {', '.join(allowed)}")
        return value

    def texts(self, key: str, allowed: Sequence[str] | None = None) -> tuple[str, ...]:
        """An array of different strings, empty where the key is absent."""
        if not self.has(key):
            return ()
        value = self._content[key]
        if not isinstance(value, list):
            self.fail(key, f"must be an array of strings, not {_type_name(value)}")
        items = cast("list[object]", value)
        found: list[str] = []
        for index, item in enumerate(items):
            place = f"{key}[{index}]"
            if not isinstance(item, str) or not item.strip():
                self.fail(place, f"must be a string that is not empty, not {_type_name(item)}")
            if allowed is not None and item not in allowed:
                self.fail(place, f"is '{item}'; allowed: {', '.join(allowed)}")
            if item in found:
                self.fail(place, f"repeats '{item}'")
            found.append(item)
        return tuple(found)

    def integer(self, key: str, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        value = self._require(key)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(key, f"must be an integer, not {_type_name(value)}")
        if not low <= value <= high:
            self.fail(key, f"must be from {low:,} to {high:,}")
        return value

    def integers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        """An array of integers from `low` to `high`, both included."""
        value = self._require(key)
        if not isinstance(value, list):
            self.fail(key, f"must be an array of integers, not {_type_name(value)}")
        found: list[int] = []
        for index, item in enumerate(cast("list[object]", value)):
            place = f"{key}[{index}]"
            if isinstance(item, bool) or not isinstance(item, int):
                self.fail(place, f"must be an integer, not {_type_name(item)}")
            if not low <= item <= high:
                self.fail(place, f"must be from {low:,} to {high:,}")
            found.append(item)
        return tuple(found)

    def number(self, key: str, low: float, high: float) -> float:
        """A finite number from `low` to `high`, both included."""
        value = self._require(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(key, f"must be a number, not {_type_name(value)}")
        if not low <= value <= high or math.isnan(value):
            self.fail(key, f"must be from {low:g} to {high:g}")
        return float(value)

    def table(self, key: str) -> TableReader:
        """A table inside this one."""
        value = self._require(key)
        if not isinstance(value, dict):
            self.fail(key, f"must be a table, not {_type_name(value)}")
        return TableReader(cast("dict[str, Any]", value), self._file, self.where(key))

    def tables(self, key: str) -> tuple[TableReader, ...]:
        """An array of tables, empty where the key is absent."""
        if not self.has(key):
            return ()
        value = self._content[key]
        if not isinstance(value, list):
            self.fail(key, f"must be an array of tables, not {_type_name(value)}")
        readers: list[TableReader] = []
        for index, item in enumerate(cast("list[object]", value)):
            place = f"{key}[{index}]"
            if not isinstance(item, dict):
                self.fail(place, f"must be a table, not {_type_name(item)}")
            readers.append(TableReader(cast("dict[str, Any]", item), self._file, self.where(place)))
        return tuple(readers)

    def finish(self) -> None:
        """Refuse keys that nobody asked for; call it after the last read."""
        for key in self._content:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                hint = f"did you mean '{near[0]}'? " if near else ""
                allowed = ", ".join(sorted(self._known))
                self.fail(key, f"is not a known key; {hint}allowed here: {allowed}")
