# SPDX-License-Identifier: MIT
"""Which code counts in which row: the ranges that both emulators' counters use."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from milliwatt.errors import EmulationError
from milliwatt.run.abi import ModelAbi
from milliwatt.run.image import Firmware
from milliwatt.run.measurement import OVERHEAD


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Code at [start, end) that counts in row number `row`."""

    start: int
    end: int
    row: int


@dataclass(frozen=True, slots=True)
class RowPlan:
    """Names of the rows, and sorted ranges that do not overlap.

    Code in no range (helpers, library functions) counts in the row that called it. Row 0 is the
    run function's own.
    """

    names: tuple[str, ...]
    ranges: tuple[CodeRange, ...]


def plan_rows(firmware: Firmware, abi: ModelAbi) -> RowPlan:
    """Ranges of the run function and every node in `firmware`.

    Raises EmulationError when one is not in the firmware or two are the same code.
    """
    names = (OVERHEAD, *abi.node_symbols)
    ranges: list[CodeRange] = []
    for symbol in (abi.run_symbol, *abi.node_symbols):
        firmware.find_symbol(symbol)
    # Compilers drop calls of functions that do nothing, as all behind the last row may.
    own = [(0, symbol) for symbol in (abi.run_symbol, *abi.overhead_symbols)]
    for row, symbol in [*own, *enumerate(abi.node_symbols, start=1)]:
        ranges.extend(
            CodeRange(piece.address, piece.address + piece.size_bytes, row)
            for piece in firmware.symbols
            if piece.name == symbol and piece.is_function
        )
    ranges.sort(key=lambda r: r.start)
    for low, high in pairwise(ranges):
        if high.start < low.end:
            raise EmulationError(
                f"{names[low.row]} and {names[high.row]} share code at {high.start:#010x}:"
                " their instructions cannot be told apart"
            )
    return RowPlan(names, tuple(ranges))
