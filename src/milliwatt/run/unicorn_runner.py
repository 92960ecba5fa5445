# SPDX-License-Identifier: MIT
"""Running a model on Unicorn, its instructions counted exactly, in total and by node."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.errors import EmulationError
from milliwatt.run.abi import ModelAbi, TensorData, pack_samples
from milliwatt.run.cores import STACK_BYTES
from milliwatt.run.image import Firmware
from milliwatt.run.measurement import Measurement
from milliwatt.run.rows import plan_rows
from milliwatt.run.unicorn_counter import RowCounter
from milliwatt.run.unicorn_machine import UnicornMachine

LIMIT_INSTRUCTIONS = 20_000_000_000
STACK_PATTERN = bytes.fromhex("87e1c3a5")


def run_unicorn(
    firmware: Firmware,
    abi: ModelAbi,
    samples: Sequence[Sequence[TensorData]],
    *,
    reset_each: bool = True,
    limit_instructions: int = LIMIT_INSTRUCTIONS,
) -> Measurement:
    """Run every sample on Unicorn and count its instructions.

    The state between calls is reset before each sample, or only before the first when
    `reset_each` is False. Raises EmulationError on a fault, or when one run needs more than
    `limit_instructions`.
    """
    packed = pack_samples(abi, samples)
    machine = UnicornMachine(firmware)
    counter = _attach_counter(machine, abi)
    inputs = [machine.call(symbol) for symbol in abi.input_symbols]
    outputs: list[tuple[bytes, ...]] = []
    counts: list[tuple[int, ...]] = []
    stack_bytes = 0
    for index, sample in enumerate(packed):
        if abi.has_reset and (reset_each or index == 0):
            machine.call(abi.reset_symbol)
        for address, data in zip(inputs, sample, strict=True):
            machine.write(address, data)
        _paint_stack(machine)
        counter.restart(limit_instructions)
        machine.call(abi.run_symbol)
        row_counts = counter.finish()
        if row_counts is None:
            raise EmulationError(
                f"{abi.run_symbol} did not return within {limit_instructions:,} instructions"
                f" (sample {index})"
            )
        counts.append(row_counts)
        stack_bytes = max(stack_bytes, _stack_used(machine))
        outputs.append(_read_outputs(machine, abi))
    return Measurement(
        emulator="unicorn",
        core=firmware.core.name,
        outputs=tuple(outputs),
        instructions_by_row=_by_row(counter.plan.names, counts),
        stack_bytes=stack_bytes,
    )


def _attach_counter(machine: UnicornMachine, abi: ModelAbi) -> RowCounter:
    core = machine.firmware.core
    code = next(s for s in machine.firmware.segments if s.address == core.memory.code_base)
    plan = plan_rows(machine.firmware, abi)
    counter = RowCounter(plan, core.isa, code.address, code.data, machine.stop_function)
    machine.add_block_hook(counter.hook)
    return counter


def _by_row(names: Sequence[str], counts: Sequence[tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(row[i] for row in counts) for i, name in enumerate(names)}


def _read_outputs(machine: UnicornMachine, abi: ModelAbi) -> tuple[bytes, ...]:
    addresses = [machine.call(symbol) for symbol in abi.output_symbols]
    return tuple(
        machine.read(address, size)
        for address, size in zip(addresses, abi.output_bytes, strict=True)
    )


def _paint_stack(machine: UnicornMachine) -> None:
    words = STACK_BYTES // len(STACK_PATTERN)
    machine.write(machine.firmware.stack_bottom, STACK_PATTERN * words)


def _stack_used(machine: UnicornMachine) -> int:
    stack = machine.read(machine.firmware.stack_bottom, STACK_BYTES)
    words = memoryview(stack).cast("I")
    pattern = int.from_bytes(STACK_PATTERN, "little")
    untouched = next((i for i, word in enumerate(words) if word != pattern), len(words))
    return STACK_BYTES - 4 * untouched
