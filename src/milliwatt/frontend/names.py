# SPDX-License-Identifier: MIT
"""Names of values: unique, and made of letters, digits and underscores."""

from __future__ import annotations

import re

_MAX_LENGTH = 48
_MAX_SHOWN = 80


class Names:
    """Hands out names, each once."""

    __slots__ = ("_next", "_taken")

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def unique(self, wanted: str) -> str:
        """`wanted` where it is free, else with a number behind it."""
        name = wanted
        while name in self._taken:
            number = self._next.get(wanted, 1)
            self._next[wanted] = number + 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


def shown(original: str) -> str:
    """A TensorFlow name for messages: the first of a fused operator's, its end where it is long."""
    first = original.split(";", 1)[0]
    return first if len(first) <= _MAX_SHOWN else f"...{first[-_MAX_SHOWN:]}"


def sanitise(original: str, otherwise: str) -> str:
    """A TensorFlow name as a name of ours; `otherwise` where nothing is left of it.

    Converters join the names of fused operators with semicolons; the first one is kept.
    """
    first = original.split(";", 1)[0].removesuffix(":0")
    name = re.sub(r"[^A-Za-z0-9]+", "_", first).strip("_")[-_MAX_LENGTH:].strip("_")
    if not name:
        return otherwise
    return f"t_{name}" if name[0].isdigit() else name
