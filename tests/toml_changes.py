# SPDX-License-Identifier: MIT
"""Changes of what a TOML file holds, for tests of what readers refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Change = Callable[[dict[str, Any]], None]


def put(*path: str | int, value: object) -> Change:
    """A change that sets the value at a path."""

    def change(content: dict[str, Any]) -> None:
        place_of(content, path)[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    """A change that removes what is at a path."""

    def change(content: dict[str, Any]) -> None:
        del place_of(content, path)[path[-1]]

    return change


def place_of(content: dict[str, Any], path: tuple[str | int, ...]) -> Any:
    """The table or list that holds what is at a path."""
    place: Any = content
    for key in path[:-1]:
        place = place[key]
    return place
