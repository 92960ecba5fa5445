# SPDX-License-Identifier: MIT
"""The native counting hook of Unicorn and its state, shared by ctypes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Literal

from milliwatt.run.native_library import native_library
from milliwatt.run.rows import RowPlan

NO_LIMIT = 1 << 62
ISA_NUMBERS = {"thumb": 0, "riscv": 1}


class RangeStruct(ctypes.Structure):
    """`mw_range` of counter.h."""

    _fields_ = [
        ("start", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("row", ctypes.c_int64),
    ]


class BlockStruct(ctypes.Structure):
    """`block` of unicorn_count.c."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("instructions", ctypes.c_uint16),
        ("row", ctypes.c_int16),
    ]


class CounterStruct(ctypes.Structure):
    """`counter` of unicorn_count.c."""

    _fields_ = [
        ("instructions", ctypes.POINTER(ctypes.c_uint64)),
        ("ranges", ctypes.POINTER(RangeStruct)),
        ("range_count", ctypes.c_uint64),
        ("code", ctypes.c_char_p),
        ("code_base", ctypes.c_uint64),
        ("code_bytes", ctypes.c_uint64),
        ("blocks", ctypes.POINTER(BlockStruct)),
        ("stop", ctypes.c_void_p),
        ("budget", ctypes.c_int64),
        ("isa", ctypes.c_uint32),
        ("row", ctypes.c_uint32),
    ]


@dataclass(frozen=True, slots=True)
class NativeHook:
    """A C function that Unicorn calls at each `event`, and the structure it gets.

    Memory accesses are those in `[first, last]`, or all when `last < first`. `kept` must stay
    alive.
    """

    event: Literal["block", "read", "access"]
    library: ctypes.CDLL
    function: str
    state: Any
    kept: tuple[Any, ...]
    first: int = 1
    last: int = 0

    @property
    def function_pointer(self) -> ctypes.c_void_p:
        """The address of the C function."""
        return ctypes.cast(getattr(self.library, self.function), ctypes.c_void_p)


def range_array(plan: RowPlan) -> ctypes.Array[RangeStruct]:
    """The plan's ranges as C sees them."""
    return (RangeStruct * len(plan.ranges))(*((r.start, r.end, r.row) for r in plan.ranges))


class AlignmentStruct(ctypes.Structure):
    """`alignment` of unicorn_count.c."""

    _fields_ = [
        ("address", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("stop", ctypes.c_void_p),
    ]


class AlignmentCheck:
    """Stops Unicorn at the first data access that is not aligned to its size."""

    def __init__(self, stop: ctypes.c_void_p) -> None:
        self._state = AlignmentStruct(stop=stop)
        library = ctypes.CDLL(str(native_library("unicorn_count")))
        self.hook = NativeHook("access", library, "mw_unicorn_access", self._state, ())

    def take(self) -> tuple[int, int] | None:
        """Address and size of the access that stopped the engine, which is then forgotten."""
        found = (self._state.address, self._state.size) if self._state.size else None
        self._state.size = 0
        return found


class RowCounter:
    """Counts instructions by row while Unicorn runs code in `[code_base, +len(code))`."""

    def __init__(
        self, plan: RowPlan, isa: str, code_base: int, code: bytes, stop: ctypes.c_void_p
    ) -> None:
        self.plan = plan
        self._counts = (ctypes.c_uint64 * len(plan.names))()
        ranges = range_array(plan)
        padded = code + bytes(4)
        blocks = (BlockStruct * (len(padded) // 2))()
        self._state = CounterStruct(
            instructions=self._counts,
            ranges=ranges,
            range_count=len(plan.ranges),
            code=padded,
            code_base=code_base,
            code_bytes=len(code),
            blocks=blocks,
            stop=stop,
            isa=ISA_NUMBERS[isa],
        )
        library = ctypes.CDLL(str(native_library("unicorn_count")))
        kept = (self._counts, padded, blocks, ranges)
        self.hooks = (NativeHook("block", library, "mw_unicorn_block", self._state, kept),)
        self.restart(NO_LIMIT)

    def restart(self, limit_instructions: int) -> None:
        """Set every count to zero; stop the engine after about `limit_instructions`."""
        ctypes.memset(self._counts, 0, ctypes.sizeof(self._counts))
        self._state.row = 0
        self._state.budget = limit_instructions

    def finish(self) -> tuple[int, ...] | None:
        """Instructions of each row since the last restart; None when its limit was reached.

        Lifts the limit.
        """
        counts = tuple(self._counts) if self._state.budget >= 0 else None
        self._state.budget = NO_LIMIT
        return counts
