# SPDX-License-Identifier: MIT
"""A bare machine on Unicorn: memory, functions that can be called, faults as typed errors.

The only module that imports Unicorn, whose engine is GPL-2.
"""

from __future__ import annotations

import ctypes
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from milliwatt.errors import EmulationError, ToolchainError
from milliwatt.run.cores import STACK_BYTES, Core
from milliwatt.run.image import Firmware
from milliwatt.run.unicorn_counter import AlignmentCheck, NativeHook
from milliwatt.units import align_up

_PAGE_BYTES = 0x1000


def _import_unicorn() -> ModuleType:
    try:
        import unicorn
    except ImportError as error:
        raise ToolchainError(
            "the Python package unicorn is missing; to install: pip install 'milliwatt[emulate]'"
        ) from error
    return unicorn


def _open_engine(unicorn: Any, core: Core) -> Any:
    if core.unicorn_model is None:
        raise EmulationError(f"Unicorn has no {core.name}; run it on QEMU")
    if core.isa == "riscv":
        engine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        constants = unicorn.riscv_const
    else:
        engine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        constants = unicorn.arm_const
    engine.ctl_set_cpu_model(getattr(constants, f"UC_CPU_{core.unicorn_model}"))
    return engine


class UnicornMachine:
    """`firmware` loaded into the memory of its core; flash is read-only, address 0 unmapped."""

    def __init__(self, firmware: Firmware) -> None:
        self.firmware = firmware
        core = firmware.core
        self._unicorn: Any = _import_unicorn()
        self._engine = _open_engine(self._unicorn, core)
        constants = self._unicorn.arm_const if core.isa == "thumb" else self._unicorn.riscv_const
        prefix = "UC_ARM_REG_" if core.isa == "thumb" else "UC_RISCV_REG_"
        link = "LR" if core.isa == "thumb" else "RA"
        self._stack_pointer, self._link, self._pc, self._result = (
            getattr(constants, prefix + name)
            for name in ("SP", link, "PC", "R0" if core.isa == "thumb" else "A0")
        )
        self._mode_bit = 1 if core.isa == "thumb" else 0
        # A page of its own, so that nothing but a return reaches it.
        self._return_address = core.memory.code_base - _PAGE_BYTES
        self._invalid_access: tuple[int, int] | None = None
        self._kept: list[Any] = []
        self._load()
        self._engine.hook_add(self._unicorn.UC_HOOK_MEM_INVALID, self._on_invalid)
        self._alignment: AlignmentCheck | None = None

    @property
    def stack_top(self) -> int:
        """The stack pointer at every call."""
        return self.firmware.stack_bottom + STACK_BYTES

    @property
    def stop_function(self) -> ctypes.c_void_p:
        """The address of uc_emu_stop, for native hooks."""
        return ctypes.cast(self._library().uc_emu_stop, ctypes.c_void_p)

    @property
    def register_functions(self) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
        """The addresses of uc_reg_read and uc_reg_write, for native hooks."""
        library = self._library()
        read, write = (
            ctypes.cast(function, ctypes.c_void_p)
            for function in (library.uc_reg_read, library.uc_reg_write)
        )
        return read, write

    @property
    def xpsr_id(self) -> int:
        """Unicorn's number of a Cortex-M's program status register."""
        return int(self._unicorn.arm_const.UC_ARM_REG_XPSR)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Bytes of the emulated memory."""
        try:
            return bytes(self._engine.mem_read(address, size_bytes))
        except self._unicorn.UcError as error:
            raise EmulationError(f"cannot read {size_bytes} bytes at {address:#010x}") from error

    def write(self, address: int, data: bytes) -> None:
        """Change the emulated memory."""
        try:
            self._engine.mem_write(address, data)
        except self._unicorn.UcError as error:
            raise EmulationError(f"cannot write {len(data)} bytes at {address:#010x}") from error

    @contextmanager
    def alignment_checked(self) -> Generator[None]:
        """Calls within raise EmulationError at an unaligned access, if the core refuses those.

        They run some ten times slower.
        """
        if not self.firmware.core.aligned_only:
            yield
            return
        self._alignment = AlignmentCheck(self.stop_function)
        handle = self.add_hook(self._alignment.hook)
        # Code is translated differently while accesses have hooks.
        self._engine.ctl_flush_tb()
        try:
            yield
        finally:
            self._library().uc_hook_del(self._engine._uch, ctypes.c_size_t(handle))
            self._engine.ctl_flush_tb()
            self._alignment = None

    def add_hook(self, hook: NativeHook) -> int:
        """Have `hook` called from now on; returns Unicorn's number for it."""
        events = {
            "block": self._unicorn.UC_HOOK_BLOCK,
            "read": self._unicorn.UC_HOOK_MEM_READ,
            "access": self._unicorn.UC_HOOK_MEM_READ | self._unicorn.UC_HOOK_MEM_WRITE,
        }
        handle = ctypes.c_size_t()
        status = self._library().uc_hook_add(
            self._engine._uch,
            ctypes.byref(handle),
            events[hook.event],
            hook.function_pointer,
            ctypes.cast(ctypes.byref(hook.state), ctypes.c_void_p),
            ctypes.c_uint64(hook.first),
            ctypes.c_uint64(hook.last),
        )
        if status != self._unicorn.UC_ERR_OK:
            raise EmulationError(f"Unicorn refused a hook: {self._unicorn.UcError(status)}")
        self._kept.append(hook)
        return int(handle.value)

    def call(self, symbol: str, argument: int = 0) -> int:
        """Call a function of no argument or one integer; return its result register.

        Raises EmulationError, saying where, when the code faults. A function stopped by a
        native hook returns early: the caller of `call` asks the hook.
        """
        engine = self._engine
        self._invalid_access = None
        engine.reg_write(self._stack_pointer, self.stack_top)
        engine.reg_write(self._link, self._return_address | self._mode_bit)
        engine.reg_write(self._result, argument)
        entry = self.firmware.find_symbol(symbol).address | self._mode_bit
        try:
            engine.emu_start(entry, self._return_address)
        except self._unicorn.UcError as error:
            raise EmulationError(self._explain(symbol, str(error))) from error
        self._invalid_access = self._alignment.take() if self._alignment else None
        if self._invalid_access:
            raise EmulationError(self._explain(symbol, "unaligned access"))
        return int(engine.reg_read(self._result))

    def _library(self) -> Any:
        return self._unicorn.unicorn_py3.unicorn.uclib

    def _load(self) -> None:
        memory = self.firmware.core.memory
        flash_bytes = align_up(memory.code_bytes, _PAGE_BYTES)
        readable = self._unicorn.UC_PROT_READ | self._unicorn.UC_PROT_EXEC
        self._engine.mem_map(self._return_address, _PAGE_BYTES, readable)
        self._engine.mem_map(memory.code_base, flash_bytes, readable)
        writable = self._unicorn.UC_PROT_READ | self._unicorn.UC_PROT_WRITE
        self._engine.mem_map(memory.ram_base, memory.ram_bytes, writable)
        for segment in self.firmware.segments:
            if segment.address >= memory.code_base:
                self.write(segment.address, segment.data)

    def _on_invalid(
        self, _engine: Any, _access: int, address: int, size: int, _value: int, _data: object
    ) -> bool:
        self._invalid_access = (address, size)
        return False

    def _explain(self, symbol: str, reason: str) -> str:
        pc = self._engine.reg_read(self._pc)
        where = self.firmware.describe_address(pc)
        lines = [
            f"{symbol} on the emulated {self.firmware.core.name} stopped with a fault: {reason}",
            f"  at: {where} (pc {pc:#010x})",
        ]
        if self._invalid_access:
            address, size = self._invalid_access
            lines.append(f"  accessing: {size} bytes at {address:#010x}")
            if address < self.firmware.stack_bottom <= address + STACK_BYTES:
                lines.append(f"  the stack of {STACK_BYTES} bytes overflowed")
        return "\n".join(lines)
