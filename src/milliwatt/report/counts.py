# SPDX-License-Identifier: MIT
"""What the latency estimate reads of a run: instructions, and events a cycle model charges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from milliwatt.backend.mcu.cost.timing import NodeCount, TraceCounts
from milliwatt.hardware.model import Target
from milliwatt.ir.types import Array
from milliwatt.run.abi import ModelAbi
from milliwatt.run.image import Firmware
from milliwatt.run.measurement import Measurement

DIVIDE_EXTRA_CYCLES = 11
"""An integer divide takes 2 to 12 cycles on a Cortex-M4 (TI SWCU192); the most is charged."""
FLOAT_DIVIDE_EXTRA_CYCLES = 13
"""VDIV and VSQRT take 14 cycles (LLVM's scheduling model of the Cortex-M4)."""


def node_counts(
    target: Target,
    firmware: Firmware,
    abi: ModelAbi,
    measurement: Measurement,
    samples: Sequence[Sequence[Array]],
) -> tuple[NodeCount, ...]:
    """Counts of the sample that took most instructions, a row for each node and the overhead.

    Where the target has a fitted cycle model the first sample is run once more, traced.
    """
    worst = max(range(len(measurement.instructions)), key=measurement.instructions.__getitem__)
    traces = _traces(target, firmware, abi, samples)
    return tuple(
        NodeCount(name, counts[worst], traces.get(name))
        for name, counts in measurement.instructions_by_row.items()
    )


def _traces(
    target: Target, firmware: Firmware, abi: ModelAbi, samples: Sequence[Sequence[Array]]
) -> Mapping[str, TraceCounts]:
    fitted = None if target.timing is None else target.timing.fitted
    if fitted is None:
        return {}
    from milliwatt.run.unicorn_trace import FlashCaches, trace_unicorn

    caches = FlashCaches(fitted.instruction_cache.lines, fitted.data_cache.lines)
    (events,) = trace_unicorn(firmware, abi, samples[:1], caches=caches)
    return {
        name: TraceCounts(
            store_multiple_registers=row.store_multiple_registers,
            load_multiple_registers=row.load_multiple_registers,
            dual_accesses=row.dual_accesses,
            divide_extra_cycles=row.divides * DIVIDE_EXTRA_CYCLES
            + row.float_divides * FLOAT_DIVIDE_EXTRA_CYCLES,
            taken_branches=row.taken_branches,
            flash_line_misses=row.instruction_line_misses + row.data_line_misses,
        )
        for name, row in events.items()
    }
