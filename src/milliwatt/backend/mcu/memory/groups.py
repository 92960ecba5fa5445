# SPDX-License-Identifier: MIT
"""Buffers joined by aliases, as blocks with one offset each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from milliwatt.backend.mcu.memory.elements import Alias, Buffer
from milliwatt.errors import VerifyError

Edges = dict[str, list[tuple[str, int]]]


def alias_edges(aliases: Iterable[Alias]) -> Edges:
    """For each aliased buffer, its neighbours and how far above it each of them starts."""
    edges: Edges = defaultdict(list)
    for alias in aliases:
        edges[alias.read].append((alias.write, alias.shift_bytes))
        edges[alias.write].append((alias.read, -alias.shift_bytes))
    return edges


def alias_groups(buffers: Iterable[Buffer], edges: Edges) -> list[dict[str, int]]:
    """Every buffer in exactly one group: name to shift above the group's lowest start.

    Groups and their members come in the order of `buffers`. Raises VerifyError where two paths
    of aliases disagree about a shift.
    """
    groups: list[dict[str, int]] = []
    grouped: set[str] = set()
    for buffer in buffers:
        if buffer.name in grouped:
            continue
        shifts = _shifts_from(buffer.name, edges)
        lowest = min(shifts.values())
        groups.append({name: shift - lowest for name, shift in shifts.items()})
        grouped.update(shifts)
    return groups


def _shifts_from(root: str, edges: Edges) -> dict[str, int]:
    shifts = {root: 0}
    pending = [root]
    for name in pending:
        for other, shift in edges.get(name, ()):
            expected = shifts[name] + shift
            if other not in shifts:
                shifts[other] = expected
                pending.append(other)
            elif shifts[other] != expected:
                raise VerifyError(
                    f"memory: aliases place buffer '{other}' both {shifts[other]} and "
                    f"{expected} bytes above '{root}'"
                )
    return shifts
