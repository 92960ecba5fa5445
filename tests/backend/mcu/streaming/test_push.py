# SPDX-License-Identifier: MIT
"""Rows handed over in any chunks give what the reference does, on both emulators and the host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.hardware import load_target
from milliwatt.run.abi import ModelAbi
from milliwatt.run.build import build_firmware
from milliwatt.run.cores import find_core
from milliwatt.run.host import build_host, run_host
from milliwatt.run.image import Firmware
from milliwatt.run.samples import Sample, random_samples
from milliwatt.run.unicorn_runner import run_unicorn
from milliwatt.run.verify import abi_of, ports_of, reference_outputs
from tests.backend.mcu.batch import write_projects
from tests.backend.mcu.streaming.networks import chain
from tests.support import needs_arm_gcc, needs_gcc, needs_qemu

CHUNKS = [(1,), (2, 5, 1), (7,), (100,)]


def pushed() -> Compiled:
    return compile_graph(chain(), load_target("nucleo-l4r5zi"), push_rows=True)


def abi_with(compiled: Compiled, chunks: tuple[int, ...]) -> ModelAbi:
    abi = abi_of(compiled)
    assert abi.pushed is not None
    return replace(abi, pushed=replace(abi.pushed, chunks=chunks))


def firmware_of(compiled: Compiled, abi: ModelAbi, folder: Path) -> Firmware:
    sources = write_projects([compiled], folder)
    return build_firmware(sources, abi, find_core("cortex-m4"), include_folders=[folder])


def expected(compiled: Compiled, samples: list[Sample]) -> list[tuple[bytes, ...]]:
    outputs = reference_outputs(compiled.source, samples)
    return [tuple(array.tobytes() for array in row) for row in outputs]


@needs_arm_gcc
@needs_qemu
@pytest.mark.emulator
@pytest.mark.parametrize("chunks", CHUNKS)
def test_chunks_on_both_emulators(chunks: tuple[int, ...], tmp_path: Path) -> None:
    from milliwatt.run.qemu_runner import run_qemu

    compiled = pushed()
    abi = abi_with(compiled, chunks)
    firmware = firmware_of(compiled, abi, tmp_path)
    samples = random_samples(ports_of(compiled.source), 2, 3)
    one, other = (run(firmware, abi, samples) for run in (run_unicorn, run_qemu))
    assert list(one.outputs) == expected(compiled, samples)
    assert one.outputs == other.outputs
    assert one.instructions_by_row == other.instructions_by_row


@needs_gcc
@pytest.mark.parametrize("chunks", CHUNKS)
def test_chunks_on_the_host(chunks: tuple[int, ...], tmp_path: Path) -> None:
    compiled = pushed()
    sources = write_projects([compiled], tmp_path)
    abi = abi_with(compiled, chunks)
    program = build_host(sources, abi, include_folders=[tmp_path], compiler="gcc", sanitize=True)
    samples = random_samples(ports_of(compiled.source), 2, 4)
    assert list(run_host(program, samples)) == expected(compiled, samples)


@needs_arm_gcc
def test_what_hands_over_rows_is_no_memory_of_the_model(tmp_path: Path) -> None:
    compiled = pushed()
    firmware = firmware_of(compiled, abi_of(compiled), tmp_path)
    memory = firmware.memory
    statics = memory.data_bytes + memory.zeroed_bytes
    assert compiled.plan.static_bytes <= statics <= compiled.plan.static_bytes + 8
