# SPDX-License-Identifier: MIT
"""The CPU cores that firmware can be built for, and the emulators that run them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from milliwatt.errors import TargetError

Isa = Literal["thumb", "riscv"]


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """Where the emulated machine has memory.

    The first `HARNESS_BYTES` from `boot_base` hold the vector table and the test harness; the
    model's own code and constants start at `code_base`, so that on Unicorn a null pointer reads
    unmapped memory. The stack lies at the bottom of RAM, so that an overflow faults.
    """

    boot_base: int
    code_base: int
    code_bytes: int
    ram_base: int
    ram_bytes: int


@dataclass(frozen=True, slots=True)
class Core:
    """One CPU core: its instruction set, how to compile for it, and who emulates it.

    `aligned_only` cores fault on a data access that is not aligned to its size.
    `unicorn_model` names a constant of the Unicorn package without its `UC_CPU_` prefix and
    `qemu_machine` a machine of qemu-system-arm; None means that emulator has no such core.
    `gcc_flags` is None where no packaged gcc builds for the core.
    """

    name: str
    isa: Isa
    dsp: bool
    mve: bool
    fpu: bool
    aligned_only: bool
    gcc_flags: tuple[str, ...] | None
    zig_flags: tuple[str, ...]
    unicorn_model: str | None
    qemu_machine: str | None
    memory: MemoryMap


HARNESS_BYTES = 0x10000
STACK_BYTES = 0x10000
_MIB = 1 << 20

# MPS2 images: 4 MB of SRAM at 0 and 4 MB at 0x20000000 (QEMU documentation, "mps2").
_MPS2 = MemoryMap(0, HARNESS_BYTES, 4 * _MIB - HARNESS_BYTES, 0x2000_0000, 4 * _MIB)
# AN505, the secure aliases of SSRAM1 (4 MB) and SSRAM2 (2 MB): the core boots in secure state.
_AN505 = MemoryMap(0x1000_0000, 0x1001_0000, 4 * _MIB - HARNESS_BYTES, 0x3800_0000, 2 * _MIB)
# AN547: the vector table must be in ITCM (512 KB); code in the 2 MB SRAM, data in the 4 MB one.
_AN547 = MemoryMap(0x1000_0000, 0x1100_0000, 2 * _MIB, 0x3100_0000, 4 * _MIB)


def _thumb_zig(cpu: str, abi: str) -> tuple[str, ...]:
    return ("-target", f"thumb-freestanding-{abi}", f"-mcpu={cpu}")


def _thumb_gcc(cpu: str, fpu: str | None) -> tuple[str, ...]:
    floats = (f"-mfpu={fpu}", "-mfloat-abi=hard") if fpu else ("-mfloat-abi=soft",)
    return (f"-mcpu={cpu}", "-mthumb", *floats)


# Code for the Cortex-M0+ also runs on the M3 of mps2-an385, a superset of its instruction set;
# the micro:bit, QEMU's only M0, has 16 KB of RAM.
_CORES = (
    Core(
        name="cortex-m0plus",
        isa="thumb",
        dsp=False,
        mve=False,
        fpu=False,
        aligned_only=True,
        gcc_flags=_thumb_gcc("cortex-m0plus", None),
        zig_flags=_thumb_zig("cortex_m0plus", "eabi"),
        unicorn_model="ARM_CORTEX_M0",
        qemu_machine="mps2-an385",
        memory=_MPS2,
    ),
    Core(
        name="cortex-m3",
        isa="thumb",
        dsp=False,
        mve=False,
        fpu=False,
        aligned_only=False,
        gcc_flags=_thumb_gcc("cortex-m3", None),
        zig_flags=_thumb_zig("cortex_m3", "eabi"),
        unicorn_model="ARM_CORTEX_M3",
        qemu_machine="mps2-an385",
        memory=_MPS2,
    ),
    Core(
        name="cortex-m4",
        isa="thumb",
        dsp=True,
        mve=False,
        fpu=True,
        aligned_only=False,
        gcc_flags=_thumb_gcc("cortex-m4", "fpv4-sp-d16"),
        zig_flags=_thumb_zig("cortex_m4+vfp4d16sp", "eabihf"),
        unicorn_model="ARM_CORTEX_M4",
        qemu_machine="mps2-an386",
        memory=_MPS2,
    ),
    Core(
        name="cortex-m7",
        isa="thumb",
        dsp=True,
        mve=False,
        fpu=True,
        aligned_only=False,
        gcc_flags=_thumb_gcc("cortex-m7", "fpv5-sp-d16"),
        zig_flags=_thumb_zig("cortex_m7+fp_armv8d16sp", "eabihf"),
        unicorn_model="ARM_CORTEX_M7",
        qemu_machine="mps2-an500",
        memory=_MPS2,
    ),
    Core(
        name="cortex-m33",
        isa="thumb",
        dsp=True,
        mve=False,
        fpu=True,
        aligned_only=False,
        gcc_flags=_thumb_gcc("cortex-m33", "fpv5-sp-d16"),
        zig_flags=_thumb_zig("cortex_m33+dsp+fp_armv8d16sp", "eabihf"),
        unicorn_model="ARM_CORTEX_M33",
        qemu_machine="mps2-an505",
        memory=_AN505,
    ),
    Core(
        name="cortex-m55",
        isa="thumb",
        dsp=True,
        mve=True,
        fpu=True,
        aligned_only=False,
        gcc_flags=_thumb_gcc("cortex-m55", "auto"),
        zig_flags=_thumb_zig("cortex_m55+mve+mve_fp", "eabihf"),
        unicorn_model=None,
        qemu_machine="mps3-an547",
        memory=_AN547,
    ),
    Core(
        name="rv32imc",
        isa="riscv",
        dsp=False,
        mve=False,
        fpu=False,
        aligned_only=True,
        gcc_flags=None,
        zig_flags=("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        unicorn_model="RISCV32_ANY",
        qemu_machine=None,
        memory=_MPS2,
    ),
)

CORES: dict[str, Core] = {core.name: core for core in _CORES}


def find_core(name: str) -> Core:
    """The core called `name`.

    Raises TargetError, naming the nearest cores, when there is none.
    """
    if name in CORES:
        return CORES[name]
    near = difflib.get_close_matches(name, CORES, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise TargetError(f"unknown core '{name}'{hint} Known cores: {', '.join(CORES)}")
