# SPDX-License-Identifier: MIT
"""A linked firmware image: symbols, segments, and the memory it takes by purpose."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milliwatt.errors import EmulationError, ToolchainError
from milliwatt.run.abi import HARNESS_PREFIX
from milliwatt.run.cores import Core

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

# Suffixes that gcc and clang add to a specialised or split copy of a function.
_CLONE_SUFFIX = re.compile(r"(\.(constprop|isra|part|cold|lto_priv|llvm|localalias)(\.\d+)?)+$")

_SECTIONS = {
    ".text": "code",
    ".rodata": "constants",
    ".weights": "weights",
    ".data": "data",
    ".bss": "zeroed",
}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function or object of the firmware.

    `purpose` is code, constants, weights, data or zeroed; harness symbols are left out. A name
    ends before any suffix that the compiler added to a clone (`.constprop.0`).
    """

    name: str
    address: int
    size_bytes: int
    purpose: str
    is_function: bool


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes that the model's own sections take, library code included, harness excluded.

    `data_bytes` (initialised variables) lie in flash and are copied to SRAM; `zeroed_bytes` are
    the variables that start at zero, the arena among them. The stack comes on top.
    """

    code_bytes: int
    constants_bytes: int
    weights_bytes: int
    data_bytes: int
    zeroed_bytes: int

    @property
    def flash_bytes(self) -> int:
        """Everything that lies in flash."""
        return self.code_bytes + self.constants_bytes + self.weights_bytes + self.data_bytes

    @property
    def static_sram_bytes(self) -> int:
        """Everything in SRAM but the stack."""
        return self.data_bytes + self.zeroed_bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes to be loaded at `address` (where the program uses them) before it starts."""

    address: int
    data: bytes
    writable: bool


@dataclass(frozen=True, slots=True)
class Firmware:
    """A bare-metal ELF image for `core`, harness included where an emulated machine boots it."""

    elf: Path
    core: Core
    compiler: str
    symbols: tuple[Symbol, ...]
    memory: MemoryUse
    segments: tuple[Segment, ...]
    stack_bottom: int

    def find_symbol(self, name: str) -> Symbol:
        """The symbol called `name`; raises EmulationError when the firmware has none."""
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol
        raise EmulationError(
            f"{self.elf.name} has no symbol '{name}': it was not defined, was inlined, or was"
            " removed by the linker as unused"
        )

    def describe_address(self, address: int) -> str:
        """`function+0x12` for an address inside one, else the address in hexadecimal."""
        functions = sorted((s for s in self.symbols if s.is_function), key=lambda s: s.address)
        index = bisect_right([s.address for s in functions], address) - 1
        if index >= 0 and address < functions[index].address + max(functions[index].size_bytes, 1):
            return f"{functions[index].name}+{address - functions[index].address:#x}"
        return f"{address:#010x}"


def load_firmware(elf_path: Path, core: Core, compiler: str) -> Firmware:
    """Read the ELF file that the firmware build linked for `core`."""
    try:
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise ToolchainError(
            "the Python package pyelftools is missing; to install: pip install 'milliwatt[emulate]'"
        ) from error
    with elf_path.open("rb") as file:
        elf = ELFFile(file)
        symbols = tuple(_symbols(elf))
        return Firmware(
            elf=elf_path,
            core=core,
            compiler=compiler,
            symbols=symbols,
            memory=_memory_use(elf, symbols),
            segments=tuple(_segments(elf)),
            stack_bottom=_section_address(elf, ".mw_stack"),
        )


def _memory_use(elf: ELFFile, symbols: Sequence[Symbol]) -> MemoryUse:
    sizes = {
        purpose: section["sh_size"] if (section := elf.get_section_by_name(name)) else 0
        for name, purpose in _SECTIONS.items()
    }
    # What hands rows to a model lies with its code.
    sizes["code"] -= sum(
        symbol.size_bytes for symbol in symbols if symbol.name.startswith(HARNESS_PREFIX)
    )
    return MemoryUse(**{f"{purpose}_bytes": size for purpose, size in sizes.items()})


def _section_address(elf: ELFFile, name: str) -> int:
    section = elf.get_section_by_name(name)
    return section["sh_addr"] if section else 0


def _segments(elf: ELFFile) -> Iterable[Segment]:
    for section in elf.iter_sections():
        loaded = section["sh_flags"] & 2 and section["sh_type"] == "SHT_PROGBITS"
        if loaded and section["sh_size"]:
            yield Segment(section["sh_addr"], section.data(), bool(section["sh_flags"] & 1))


def _symbols(elf: ELFFile) -> Iterable[Symbol]:
    names: dict[int, str] = {i: section.name for i, section in enumerate(elf.iter_sections())}
    table: Any = elf.get_section_by_name(".symtab")
    for entry in table.iter_symbols() if table else ():
        kind = entry["st_info"]["type"]
        purpose = _SECTIONS.get(names.get(entry["st_shndx"], ""))
        if kind in ("STT_FUNC", "STT_OBJECT") and purpose:
            is_function = kind == "STT_FUNC"
            thumb_bit = 1 if is_function and elf["e_machine"] == "EM_ARM" else 0
            yield Symbol(
                name=_CLONE_SUFFIX.sub("", entry.name),
                address=entry["st_value"] & ~thumb_bit,
                size_bytes=entry["st_size"],
                purpose=purpose,
                is_function=is_function,
            )
