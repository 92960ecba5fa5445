# SPDX-License-Identifier: MIT
"""The native counting hook of Unicorn and its state, shared by ctypes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from milliwatt.run.native_library import native_library
from milliwatt.run.rows import RowPlan

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
