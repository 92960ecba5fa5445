# SPDX-License-Identifier: MIT
"""What an emulator run yields: outputs, exact instruction counts, stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OVERHEAD = "overhead"
"""Row of the instructions of the run function itself, outside every node."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Outputs and counts of a run over several samples.

    `outputs[sample][i]` are the bytes of output i. `instructions_by_row` maps each node symbol,
    and `OVERHEAD`, to its executed instructions per sample; instructions that a condition skips
    count, as they take their cycle on the core. They are instructions, never cycles.
    `stack_bytes` is the most that any run used below its caller's stack pointer.
    """

    emulator: str
    core: str
    outputs: tuple[tuple[bytes, ...], ...]
    instructions_by_row: Mapping[str, tuple[int, ...]]
    stack_bytes: int

    @property
    def instructions(self) -> tuple[int, ...]:
        """All instructions of the run function and what it calls, per sample."""
        return tuple(sum(column) for column in zip(*self.instructions_by_row.values(), strict=True))
