# SPDX-License-Identifier: MIT
"""The constant arrays of a plan, each stored once however many layers read it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from milliwatt.backend.mcu.kernel import Lowered, Table


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table and the C symbol it is stored under."""

    symbol: str
    table: Table


@dataclass(frozen=True, slots=True)
class TablePool:
    """Every table of a plan once, and the symbol for each (step index, table name)."""

    stored: tuple[StoredTable, ...]
    symbols: Mapping[tuple[int, str], str]

    def size_bytes(self, role: str) -> int:
        """Bytes of a role in all tables."""
        tables = [stored.table for stored in self.stored]
        moved = sum(table.weight_bytes for table in tables)
        whole = sum(int(table.data.nbytes) for table in tables if table.role == role)
        return whole + (moved if role == "weights" else -moved)


def pool_tables(name: str, steps: Iterable[tuple[int, Lowered]]) -> TablePool:
    """Give tables of equal content one symbol: `NAME_<first step that reads it>_<table>`."""
    stored: dict[tuple[str, str, int, bytes], StoredTable] = {}
    symbols: dict[tuple[int, str], str] = {}
    for index, lowered in steps:
        for table in lowered.tables:
            digest = hashlib.sha256(table.data.tobytes()).digest()
            key = (table.role, table.data.dtype.name, table.alignment, digest)
            if key not in stored:
                stored[key] = StoredTable(f"{name}_{index}_{table.name}", table)
            symbols[index, table.name] = stored[key].symbol
    return TablePool(tuple(stored.values()), symbols)
