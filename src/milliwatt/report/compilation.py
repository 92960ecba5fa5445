# SPDX-License-Identifier: MIT
"""What a compiled model takes and costs on its target, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from milliwatt.backend.mcu.compile import Compiled
from milliwatt.backend.mcu.cost.energy import Energy, estimate_energy
from milliwatt.backend.mcu.cost.timing import Latency, estimate_latency
from milliwatt.errors import UnknownFigureError
from milliwatt.report.counts import node_counts
from milliwatt.run.image import Firmware
from milliwatt.run.samples import Sample
from milliwatt.run.verify import Verification, abi_of


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """Bytes of the firmware by what they hold, beside what the board has."""

    weights_bytes: int
    constants_bytes: int
    code_bytes: int
    flash_have_bytes: int
    arena_bytes: int
    arena_lower_bound_bytes: int
    state_bytes: int
    other_static_bytes: int
    stack_bytes: int
    sram_have_bytes: int

    @property
    def flash_bytes(self) -> int:
        """Everything in flash."""
        return self.weights_bytes + self.constants_bytes + self.code_bytes

    @property
    def sram_bytes(self) -> int:
        """Everything in SRAM: arena, state, other statics, stack."""
        return self.arena_bytes + self.state_bytes + self.other_static_bytes + self.stack_bytes


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer on the core. `instructions` are counted, `cycles` estimated or None."""

    name: str
    op: str
    kernel: str
    macs: int
    instructions: int
    cycles: float | None

    @property
    def instructions_per_mac(self) -> float | None:
        return self.instructions / self.macs if self.macs else None


@dataclass(frozen=True, slots=True)
class CompileReport:
    """The memory map and the costs of a verified model; every estimate with its basis."""

    model: str
    target: str
    compiler: str
    emulator: str
    samples: int
    memory: MemoryMap
    layers: tuple[LayerCost, ...]
    overhead_instructions: int
    instructions: int
    latency: Latency | None
    energy: Energy | None
    unknown: tuple[str, ...]
    """Why an estimate is missing, where one is."""

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        """Values that `json.dumps` takes."""
        content = asdict(self)
        content["memory"] |= {
            "flash_bytes": self.memory.flash_bytes,
            "sram_bytes": self.memory.sram_bytes,
        }
        content["macs"] = self.macs
        return content


def memory_map(compiled: Compiled, firmware: Firmware, stack_bytes: int) -> MemoryMap:
    """The memory of a linked firmware on the compiled model's target."""
    plan, used = compiled.plan, firmware.memory
    statics = used.data_bytes + used.zeroed_bytes - plan.arena_bytes - plan.state_bytes
    return MemoryMap(
        weights_bytes=plan.weight_bytes,
        constants_bytes=used.flash_bytes - used.code_bytes - plan.weight_bytes,
        code_bytes=used.code_bytes,
        flash_have_bytes=compiled.target.flash_bytes,
        arena_bytes=plan.arena_bytes,
        arena_lower_bound_bytes=plan.arena_bound_bytes,
        state_bytes=plan.state_bytes,
        other_static_bytes=statics,
        stack_bytes=stack_bytes,
        sram_have_bytes=compiled.target.sram_bytes,
    )


def compile_report(
    compiled: Compiled, done: Verification, samples: Sequence[Sample]
) -> CompileReport:
    """Memory and costs of a verified run. Instructions are the most that any sample took."""
    firmware, measurement = done.firmware, done.measurement
    counts = node_counts(compiled.target, firmware, abi_of(compiled), measurement, samples)
    by_row = {count.name: count.instructions for count in counts}
    unknown: list[str] = []
    latency = energy = None
    try:
        latency = estimate_latency(compiled.target, counts)
        energy = estimate_energy(compiled.target, latency)
    except UnknownFigureError as error:
        unknown.append(str(error))
    layers = _layers(compiled, by_row, latency)
    return CompileReport(
        model=compiled.plan.graph.name,
        target=compiled.target.name,
        compiler=firmware.compiler,
        emulator=measurement.emulator,
        samples=len(measurement.outputs),
        memory=memory_map(compiled, firmware, measurement.stack_bytes),
        layers=layers,
        overhead_instructions=sum(by_row.values()) - sum(layer.instructions for layer in layers),
        instructions=sum(by_row.values()),
        latency=latency,
        energy=energy,
        unknown=tuple(unknown),
    )


def _layers(
    compiled: Compiled, by_row: dict[str, int], latency: Latency | None
) -> tuple[LayerCost, ...]:
    cycles = {} if latency is None else {node.name: node.cycles for node in latency.nodes}
    return tuple(
        LayerCost(
            name=step.node.name,
            op=step.node.op.kind,
            kernel=step.kernel,
            macs=step.macs,
            instructions=by_row[symbol],
            cycles=cycles.get(symbol),
        )
        for step, symbol in zip(compiled.plan.steps, compiled.node_symbols, strict=True)
    )
