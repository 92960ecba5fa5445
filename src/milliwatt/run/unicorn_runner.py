# SPDX-License-Identifier: MIT
"""Running a model on Unicorn, its instructions counted exactly, in total and by node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from milliwatt.errors import EmulationError
from milliwatt.run.abi import ModelAbi, TensorData, pack_samples
from milliwatt.run.cores import STACK_BYTES
from milliwatt.run.image import Firmware
from milliwatt.run.measurement import Measurement
from milliwatt.run.rows import plan_rows
from milliwatt.run.unicorn_counter import NativeHook, RowCounter
from milliwatt.run.unicorn_machine import UnicornMachine

LIMIT_INSTRUCTIONS = 5_000_000_000
_STACK_PATTERN = np.uint32(0xA5C3E187)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class RunCounter(Protocol[T_co]):
    """Something that counts while a run executes; `finish` is None when the limit was reached."""

    @property
    def hooks(self) -> tuple[NativeHook, ...]: ...
    def restart(self, limit_instructions: int) -> None: ...
    def finish(self) -> T_co | None: ...


@dataclass(frozen=True, slots=True)
class RunSchedule:
    """How samples are run, as the parameters of `run_unicorn` say."""

    reset_each: bool
    limit_instructions: int
    check_alignment: bool


@dataclass(frozen=True, slots=True)
class SampleRun(Generic[T]):
    """One sample's outputs, what was counted, and the stack it touched."""

    outputs: tuple[bytes, ...]
    counts: T
    stack_bytes: int


def run_unicorn(
    firmware: Firmware,
    abi: ModelAbi,
    samples: Sequence[Sequence[TensorData]],
    *,
    reset_each: bool = True,
    limit_instructions: int = LIMIT_INSTRUCTIONS,
    check_alignment: bool = True,
) -> Measurement:
    """Run every sample on Unicorn and count its instructions.

    The state between calls is reset before each sample, or only before the first when
    `reset_each` is False. `check_alignment` makes the first run slow on the cores that refuse
    unaligned accesses. Raises EmulationError on a fault, or when one run needs more than
    `limit_instructions`.
    """
    packed = pack_samples(abi, samples)
    machine = UnicornMachine(firmware)
    memory = firmware.core.memory
    code = next(s for s in firmware.segments if s.address == memory.code_base)
    plan = plan_rows(firmware, abi)
    counter = RowCounter(plan, firmware.core.isa, code.address, code.data, machine.stop_function)
    schedule = RunSchedule(reset_each, limit_instructions, check_alignment)
    runs = list(run_samples(machine, abi, packed, counter, schedule))
    return Measurement(
        emulator="unicorn",
        core=firmware.core.name,
        outputs=tuple(run.outputs for run in runs),
        instructions_by_row={
            name: tuple(run.counts[i] for run in runs) for i, name in enumerate(plan.names)
        },
        stack_bytes=max((run.stack_bytes for run in runs), default=0),
    )


def run_samples(
    machine: UnicornMachine,
    abi: ModelAbi,
    packed: Sequence[Sequence[bytes]],
    counter: RunCounter[T],
    schedule: RunSchedule,
) -> Iterator[SampleRun[T]]:
    """Run the samples one after another on `machine`, with `counter` around each run.

    Alignment is checked in the first run only, as checking is slow and addresses of a network
    do not depend on its data.
    """
    for hook in counter.hooks:
        machine.add_hook(hook)
    for index, sample in enumerate(packed):
        if abi.has_reset and (schedule.reset_each or index == 0):
            machine.call(abi.reset_symbol)
        for symbol, data in zip(abi.input_symbols, sample, strict=True):
            machine.write(machine.call(symbol), data)
        _paint_stack(machine)
        counter.restart(schedule.limit_instructions)
        checked = schedule.check_alignment and index == 0
        with machine.alignment_checked() if checked else nullcontext():
            machine.call(abi.run_symbol)
        counts = counter.finish()
        if counts is None:
            raise EmulationError(
                f"{abi.run_symbol} did not return within {schedule.limit_instructions:,}"
                f" instructions (sample {index})"
            )
        stack_bytes = _stack_used(machine)
        yield SampleRun(_read_outputs(machine, abi), counts, stack_bytes)


def _read_outputs(machine: UnicornMachine, abi: ModelAbi) -> tuple[bytes, ...]:
    return tuple(
        machine.read(machine.call(symbol), size)
        for symbol, size in zip(abi.output_symbols, abi.output_bytes, strict=True)
    )


def _paint_stack(machine: UnicornMachine) -> None:
    words = np.full(STACK_BYTES // 4, _STACK_PATTERN, "<u4")
    machine.write(machine.firmware.stack_bottom, words.tobytes())


def _stack_used(machine: UnicornMachine) -> int:
    words = np.frombuffer(machine.read(machine.firmware.stack_bottom, STACK_BYTES), "<u4")
    touched = np.flatnonzero(words != _STACK_PATTERN)
    return STACK_BYTES - 4 * int(touched[0]) if touched.size else 0
