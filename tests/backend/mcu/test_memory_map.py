# SPDX-License-Identifier: MIT
"""The memory map that `compile` prints is what the linked file holds, to the byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import DType
from milliwatt.report.compilation import MemoryMap, memory_map
from milliwatt.run.image import Firmware
from milliwatt.run.verify import build_compiled
from tests.backend.mcu.networks import ALL
from tests.backend.mcu.random_graphs import random_graph

HARNESS = (".mw_boot", ".mw_boot_bss", ".mw_stack")
MOST_PADDING_BYTES = 8
"""Before each section, for its alignment."""


def mixed() -> Graph:
    return random_graph(7, DType.INT8)


def sections(firmware: Firmware) -> dict[str, tuple[int, int]]:
    """Address and size of what the file puts into memory, harness and empty sections aside."""
    elftools = pytest.importorskip("elftools.elf.elffile")
    with firmware.elf.open("rb") as file:
        return {
            s.name: (s["sh_addr"], s["sh_size"])
            for s in elftools.ELFFile(file).iter_sections()
            if s["sh_flags"] & 2 and s["sh_size"] and s.name not in HARNESS
        }


def extent(parts: list[tuple[int, int]]) -> int:
    """From the first byte to the last, gaps included."""
    return max(a + n for a, n in parts) - min(a for a, _ in parts) if parts else 0


def mapped(
    network: Callable[[], Graph], board: str
) -> tuple[MemoryMap, dict[str, tuple[int, int]]]:
    compiled = compile_graph(network(), load_target(board), "net")
    firmware = build_compiled(compiled)
    return memory_map(compiled, firmware, stack_bytes=100), sections(firmware)


@pytest.mark.emulator
@pytest.mark.parametrize("board", ["nucleo-l4r5zi", "rpi-pico"])
@pytest.mark.parametrize("network", [*ALL, mixed])
def test_flash_and_sram(network: Callable[[], Graph], board: str) -> None:
    memory, found = mapped(network, board)
    flash = [place for name, place in found.items() if name in (".text", ".rodata", ".weights")]
    sram = [place for name, place in found.items() if name in (".data", ".bss")]
    assert set(found) <= {".text", ".rodata", ".weights", ".data", ".bss"}
    data_bytes = found.get(".data", (0, 0))[1]
    assert memory.flash_bytes == sum(size for _, size in flash) + data_bytes
    assert 0 <= extent(flash) + data_bytes - memory.flash_bytes <= MOST_PADDING_BYTES * len(flash)
    assert memory.sram_bytes == sum(size for _, size in sram) + 100
    assert 0 <= extent(sram) + 100 - memory.sram_bytes <= MOST_PADDING_BYTES * len(sram)
    assert memory.code_bytes == found[".text"][1]
    assert min(memory.weights_bytes, memory.constants_bytes, memory.other_static_bytes) >= 0


@pytest.mark.emulator
@pytest.mark.parametrize("network", ALL)
def test_nothing_but_the_plan_takes_sram(network: Callable[[], Graph]) -> None:
    memory, _ = mapped(network, "nucleo-l4r5zi")
    # The flag that says whether the state is ready, and padding.
    assert memory.other_static_bytes <= (20 if memory.state_bytes else 3)


@pytest.mark.emulator
@pytest.mark.parametrize("network", [*ALL, mixed])
def test_the_plan_knows_its_constants_before_the_compiler(network: Callable[[], Graph]) -> None:
    compiled = compile_graph(network(), load_target("nucleo-l4r5zi"), "net")
    _, size = sections(build_compiled(compiled)).get(".weights", (0, 0))
    known = compiled.plan.weight_bytes + compiled.plan.constant_bytes
    arrays = compiled.files["net_weights.c"].count("extern const")
    assert 0 <= size - known <= 3 * arrays
