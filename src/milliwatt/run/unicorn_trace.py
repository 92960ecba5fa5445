# SPDX-License-Identifier: MIT
"""Tracing a model on Unicorn: the events that a cycle model of a Cortex-M4 charges for."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milliwatt.errors import EmulationError
from milliwatt.run.abi import ModelAbi, TensorData, pack_samples
from milliwatt.run.image import Firmware
from milliwatt.run.native_library import native_library
from milliwatt.run.rows import RowPlan, plan_rows
from milliwatt.run.unicorn_counter import NO_LIMIT, NativeHook, RangeStruct, range_array
from milliwatt.run.unicorn_machine import UnicornMachine
from milliwatt.run.unicorn_runner import LIMIT_INSTRUCTIONS, RunSchedule, run_samples

LINE_BYTES = 32
MAX_CACHE_LINES = 64


@dataclass(frozen=True, slots=True)
class FlashCaches:
    """Lines of 32 bytes in the two caches between core and flash; LRU, fully associative.

    The default is what the cycle model fitted to the STM32L4R5 assumes.
    """

    instruction_lines: int = 32
    data_lines: int = 8


@dataclass(frozen=True, slots=True)
class TraceCounts:
    """Events of one row in one run.

    `store_multiple_registers` are words stored by STM, PUSH, VSTM and VPUSH,
    `load_multiple_registers` words loaded by LDM, POP, VLDM and VPOP; `dual_accesses` are LDRD and
    STRD, `divides` SDIV and UDIV, `float_divides` VDIV.F32 and VSQRT.F32. Instructions that a
    condition skips count as executed. Line misses are of caches that start each run empty; data
    reads count only where they go to flash.
    """

    instructions: int
    taken_branches: int
    store_multiple_registers: int
    load_multiple_registers: int
    dual_accesses: int
    divides: int
    float_divides: int
    instruction_line_misses: int
    data_line_misses: int


def trace_unicorn(
    firmware: Firmware,
    abi: ModelAbi,
    samples: Sequence[Sequence[TensorData]],
    *,
    caches: FlashCaches | None = None,
    reset_each: bool = True,
    limit_instructions: int = LIMIT_INSTRUCTIONS,
) -> tuple[Mapping[str, TraceCounts], ...]:
    """Run every sample on Unicorn; the events of each row (`OVERHEAD`, then nodes), per sample.

    Several times slower than `run_unicorn`, and for Thumb cores only. Raises EmulationError as
    `run_unicorn` does.
    """
    if firmware.core.isa != "thumb":
        raise EmulationError(f"only Thumb cores can be traced, not {firmware.core.name}")
    packed = pack_samples(abi, samples)
    machine = UnicornMachine(firmware)
    plan = plan_rows(firmware, abi)
    tracer = _Tracer(plan, firmware, caches or FlashCaches(), machine)
    schedule = RunSchedule(reset_each, limit_instructions, check_alignment=False)
    runs = run_samples(machine, abi, packed, tracer, schedule)
    return tuple(dict(zip(plan.names, run.counts, strict=True)) for run in runs)


class _CountsStruct(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in TraceCounts.__dataclass_fields__]


class _BlockStruct(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("row", ctypes.c_int32), ("counts", ctypes.c_uint16 * 6)]


class _CacheStruct(ctypes.Structure):
    _fields_ = [
        ("slots", ctypes.POINTER(ctypes.c_uint8)),
        ("clock", ctypes.c_uint64),
        ("lines", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
        ("used_at", ctypes.c_uint64 * MAX_CACHE_LINES),
        ("held", ctypes.c_uint64 * MAX_CACHE_LINES),
    ]


class _TracerStruct(ctypes.Structure):
    _fields_ = [
        ("rows", ctypes.POINTER(_CountsStruct)),
        ("ranges", ctypes.POINTER(RangeStruct)),
        ("range_count", ctypes.c_uint64),
        ("flash", ctypes.c_char_p),
        ("flash_base", ctypes.c_uint64),
        ("flash_bytes", ctypes.c_uint64),
        ("code_bytes", ctypes.c_uint64),
        ("blocks", ctypes.POINTER(_BlockStruct)),
        ("stop", ctypes.c_void_p),
        ("read_register", ctypes.c_void_p),
        ("write_register", ctypes.c_void_p),
        ("xpsr_id", ctypes.c_int64),
        ("budget", ctypes.c_int64),
        ("previous_end", ctypes.c_uint64),
        ("row", ctypes.c_uint64),
        ("instruction_cache", _CacheStruct),
        ("data_cache", _CacheStruct),
    ]


class _Tracer:
    """The hooks of unicorn_trace.c and their state."""

    def __init__(
        self, plan: RowPlan, firmware: Firmware, caches: FlashCaches, machine: UnicornMachine
    ) -> None:
        base = firmware.core.memory.code_base
        flash = _flash_image(firmware)
        self._caches = caches
        self._rows = (_CountsStruct * len(plan.names))()
        self._slots = [(ctypes.c_uint8 * (len(flash) // LINE_BYTES + 1))() for _ in range(2)]
        blocks = (_BlockStruct * (len(flash) // 2))()
        ranges = range_array(plan)
        self._state = _TracerStruct(
            rows=self._rows,
            ranges=ranges,
            range_count=len(plan.ranges),
            flash=flash,
            flash_base=base,
            flash_bytes=len(flash),
            code_bytes=firmware.memory.code_bytes,
            blocks=blocks,
            stop=machine.stop_function,
            read_register=machine.register_functions[0],
            write_register=machine.register_functions[1],
            xpsr_id=machine.xpsr_id,
        )
        library = ctypes.CDLL(str(native_library("unicorn_trace")))
        kept = (self._rows, self._slots, flash, blocks, ranges)
        last = base + len(flash) - 1
        self.hooks = (
            NativeHook("block", library, "mw_trace_block", self._state, kept),
            NativeHook("read", library, "mw_trace_read", self._state, kept, base, last),
        )
        self.restart(NO_LIMIT)

    def restart(self, limit_instructions: int) -> None:
        """Set every count to zero and empty the caches."""
        ctypes.memset(self._rows, 0, ctypes.sizeof(self._rows))
        state = self._state
        state.row = 0
        state.previous_end = 0
        state.budget = limit_instructions
        sizes = (self._caches.instruction_lines, self._caches.data_lines)
        caches = (state.instruction_cache, state.data_cache)
        for cache, slots, lines in zip(caches, self._slots, sizes, strict=True):
            ctypes.memset(ctypes.byref(cache), 0, ctypes.sizeof(cache))
            ctypes.memset(slots, 0, ctypes.sizeof(slots))
            cache.slots = slots
            cache.lines = lines

    def finish(self) -> tuple[TraceCounts, ...] | None:
        """The events of each row since the restart; None when the limit was reached."""
        ran_out = self._state.budget < 0
        self._state.budget = NO_LIMIT
        if ran_out:
            return None
        names = TraceCounts.__dataclass_fields__
        return tuple(TraceCounts(*(getattr(row, name) for name in names)) for row in self._rows)


def _flash_image(firmware: Firmware) -> bytes:
    base = firmware.core.memory.code_base
    parts = [s for s in firmware.segments if s.address >= base and not s.writable]
    image = bytearray(max(s.address + len(s.data) for s in parts) - base)
    for part in parts:
        start = part.address - base
        image[start : start + len(part.data)] = part.data
    return bytes(image) + bytes(4)
