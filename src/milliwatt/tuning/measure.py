# SPDX-License-Identifier: MIT
"""One measured build of a network: what each layer took, and the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from milliwatt.backend.mcu.choice.choose import code_key
from milliwatt.backend.mcu.choice.objective import SPEED, Objective
from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.backend.mcu.cost.timing import estimate_latency
from milliwatt.backend.mcu.emit.calls import code_symbols
from milliwatt.errors import UnknownFigureError
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph
from milliwatt.report.counts import node_counts
from milliwatt.run.build import compile_flags
from milliwatt.run.cache import cached_file, content_key
from milliwatt.run.compilers import choose_compiler
from milliwatt.run.cores import find_core
from milliwatt.run.image import Firmware
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import (
    abi_of,
    build_compiled,
    choose_emulator,
    ports_of,
    verify_compiled,
)
from milliwatt.tuning.record import LayerCost, Round, read_round, round_text

_FORMAT = "tuning round 2"
_CODE_BYTES = 32 << 10
"""More than the code of a network; boards of little flash have an eighth of it for code."""


@dataclass(frozen=True)
class Workbench:
    """What rounds are measured with; equal benches and choices give equal figures.

    `optimisation` is the compiler's flag, `seed` that of the one random sample. Networks are built
    for the objective and within `sram_bytes`, as `compile_graph` builds them, streams included.
    """

    graph: Graph
    target: Target
    compiler: str
    optimisation: str
    seed: int
    objective: Objective = SPEED
    sram_bytes: int | None = None

    @cached_property
    def compiler_version(self) -> str:
        """The C compiler, its version included."""
        return choose_compiler(find_core(self.target.core), self.compiler).version

    @cached_property
    def emulator(self) -> str:
        """Which emulator counts."""
        return choose_emulator(self.target.core)

    def compile(self, kept: Mapping[str, str]) -> Compiled:
        """The network with these kernels; the objective's best elsewhere."""
        return compile_graph(
            self.graph,
            self.target,
            "tuned",
            objective=self.objective,
            kept=kept,
            sram_bytes=self.sram_bytes,
        )

    def measure(self, kept: Mapping[str, str]) -> Round:
        """Counts and sizes with these kernels, from the cache where they were measured before.

        Raises VerifyError where an output differs from the reference, OptionError where the
        cache is damaged.
        """
        return self.measure_compiled(self.compile(kept))

    def measure_compiled(self, compiled: Compiled) -> Round:
        """The same of a network that `compile` made."""

        def make(path: Path) -> None:
            path.write_text(round_text(self._run(compiled)), "utf-8")

        return read_round(cached_file(self._key(compiled), ".json", make))

    def has_room(self, compiled: Compiled) -> bool:
        """Whether the target's memories hold the network's tables and values, and some code."""
        flash_bytes, plan = self.target.flash_bytes, compiled.plan
        tables = (table for step in plan.steps for table in step.lowered.tables)
        code_bytes = min(_CODE_BYTES, flash_bytes // 8)
        return (
            sum(int(table.data.nbytes) for table in tables) + code_bytes <= flash_bytes
            and plan.static_bytes <= self.target.sram_bytes
        )

    def _key(self, compiled: Compiled) -> str:
        """Hash of all that the figures depend on: the C, kernels included, and the tools."""
        core = find_core(self.target.core)
        flags = compile_flags(core, choose_compiler(core, self.compiler), self.optimisation)
        files = [part for name in sorted(compiled.files) for part in (name, compiled.files[name])]
        how = (self.emulator, core.name, repr(self.target.timing), str(self.seed))
        return content_key([_FORMAT, self.compiler_version, *flags, *how, *files])

    def _run(self, compiled: Compiled) -> Round:
        samples = random_samples(ports_of(compiled.source), 1, self.seed)
        firmware = build_compiled(compiled, compiler=self.compiler, optimisation=self.optimisation)
        engine = choose_emulator(self.target.core)
        done = verify_compiled(compiled, firmware, samples, emulator=engine)
        counts = node_counts(self.target, firmware, abi_of(compiled), done.measurement, samples)
        instructions = {count.name: count.instructions for count in counts}
        try:
            latency = estimate_latency(self.target, counts)
        except UnknownFigureError:
            cycles = dict.fromkeys(instructions)
        else:
            cycles = {node.name: node.cycles for node in latency.nodes}
        return _round(compiled, firmware, instructions, cycles)


def _round(
    compiled: Compiled,
    firmware: Firmware,
    instructions: Mapping[str, int],
    cycles: Mapping[str, float | None],
) -> Round:
    known = [count for count in cycles.values() if count is not None]
    return Round(
        instructions=sum(instructions.values()),
        cycles=sum(known) if known else None,
        flash_bytes=firmware.memory.flash_bytes,
        arena_bytes=compiled.plan.arena_bytes,
        static_bytes=compiled.plan.static_bytes,
        layers=_layers(compiled, firmware, instructions, cycles),
    )


def _layers(
    compiled: Compiled,
    firmware: Firmware,
    instructions: Mapping[str, int],
    cycles: Mapping[str, float | None],
) -> dict[str, LayerCost]:
    plan = compiled.plan
    shared = code_symbols(plan)
    sizes = _sizes(firmware, [*compiled.node_symbols, *shared.values()])
    layers: dict[str, LayerCost] = {}
    for step, symbol in zip(plan.steps, compiled.node_symbols, strict=True):
        code = shared.get(step.index, symbol)
        layers[step.node.name] = LayerCost(
            kernel=step.kernel,
            instructions=instructions[symbol],
            cycles=cycles[symbol],
            own_bytes=sum(int(table.data.nbytes) for table in step.lowered.tables)
            + (0 if code == symbol else sizes[symbol]),
            code=code_key(step.lowered),
            code_bytes=sizes[code],
            scratch_bytes=step.lowered.scratch_bytes,
            turns=1 if step.stream is None else len(plan.streams[step.stream].stream.turns),
        )
    return layers


def _sizes(firmware: Firmware, symbols: Sequence[str]) -> dict[str, int]:
    return {symbol: firmware.find_symbol(symbol).size_bytes for symbol in symbols}
