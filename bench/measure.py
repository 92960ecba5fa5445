# SPDX-License-Identifier: MIT
"""One network on one target: built, run against the reference, counted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.rows import Figures, LayerFigures
from bench.sources import commit_of, source_hash
from bench.suite import PUSHED, ROWS, TUNED, Group, Model, Suite
from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.errors import OptionError, ToolchainError
from milliwatt.frontend.load import load_model
from milliwatt.hardware import Target
from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.report.compilation import CompileReport, compile_report
from milliwatt.run.build import compile_flags
from milliwatt.run.compile import WARNING_FLAGS
from milliwatt.run.compilers import choose_compiler
from milliwatt.run.cores import find_core
from milliwatt.run.image import Firmware
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, choose_emulator, ports_of, verify_compiled
from milliwatt.tuning.tune import tune

Say = Callable[[str], None]

POINTWISE, CONVOLUTION, DEPTHWISE, DENSE, OTHER = (
    "conv 1×1",
    "conv k×k",
    "depthwise",
    "dense",
    "other",
)
LAYER_TYPES = (POINTWISE, CONVOLUTION, DEPTHWISE, DENSE, OTHER)


MOST_WORKERS = 4
"""Networks measured at a time: some take a gigabyte."""

OTHER_STATICS_BYTES = 16
"""Of a goal, for what the compiler adds to arena and state."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one network, and of each of its layers."""

    figures: Figures
    layers: tuple[LayerFigures, ...]


def what_is_missing(group: Group) -> str | None:
    """Why the group cannot be measured on this machine, None where it can."""
    core = find_core(group.load_target().core)
    try:
        choose_compiler(core, group.compiler)
    except ToolchainError as error:
        return f"{str(error).splitlines()[0].partition(';')[0]} ({group.compiler})"
    if choose_emulator(core.name, "auto") == "qemu":
        from milliwatt.run.qemu_runner import QEMU, find_qemu

        if find_qemu() is None:
            return f"{QEMU} is not installed"
    return None


def measure_suite(
    suite: Suite, groups: tuple[Group, ...], shared: Path, say: Say
) -> list[Measured]:
    """Measure every network of `groups` that this machine can; says what is left out, and why.

    Several at a time, results in the suite's order. Raises VerifyError where an output differs from
    the reference.
    """
    tasks = [(suite, *task, shared) for task in _measurable(groups, shared, say)]
    results: list[Measured] = []
    with ProcessPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1)) as pool:
        for measured in pool.map(_measure, tasks):
            results.append(measured)
            say(_line(measured.figures))
    return results


def _measurable(groups: tuple[Group, ...], shared: Path, say: Say) -> Iterator[tuple[Group, Model]]:
    for group in groups:
        missing = what_is_missing(group)
        if missing is not None:
            say(f"{group.name}: skipped: {missing}")
            continue
        for model in group.models:
            if (shared / model.file).is_file():
                yield group, model
            else:
                say(f"{group.name} {model.key}: skipped: the shared folder has no {model.file}")


def _line(row: Figures) -> str:
    return (
        f"{row.group:20} {row.model:7} {row.instructions:>12,} instructions "
        f"{row.instructions_per_mac:6.3f}/MAC  flash {row.image_bytes:>9,}  "
        f"SRAM {row.sram_bytes:>8,}"
    )


def _measure(task: tuple[Suite, Group, Model, Path]) -> Measured:
    return measure(*task)


def measure(suite: Suite, group: Group, model: Model, shared: Path) -> Measured:
    """Compile, build, run and count; every output byte equals the reference or VerifyError."""
    target = group.load_target()
    path = shared / model.file
    compiled = _compiled(group, model, load_model(path), target, path.stem)
    firmware = build_compiled(compiled, compiler=group.compiler, optimisation=group.optimisation)
    samples = random_samples(ports_of(compiled.source), suite.samples, suite.seed)
    emulator = choose_emulator(target.core, "auto")
    done = verify_compiled(compiled, firmware, samples, emulator=emulator)
    report = compile_report(compiled, done, samples)
    return Measured(
        _figures(group, model, compiled, firmware, report),
        tuple(_layers(group, model, compiled, report)),
    )


def _compiled(group: Group, model: Model, graph: Graph, target: Target, name: str) -> Compiled:
    if group.way == TUNED:
        tuned = tune(graph, target, compiler=group.compiler, optimisation=group.optimisation)
        return compile_graph(graph, target, name, kept=tuned.choices.kernels)
    if group.way in (ROWS, PUSHED):
        pushed = group.way == PUSHED
        goal_bytes = model.pushed_goal_bytes if pushed else model.sram_goal_bytes
        if goal_bytes is None:
            raise OptionError(f"{model.key} has no SRAM goal for {group.name}")
        room_bytes = goal_bytes - OTHER_STATICS_BYTES
        return compile_graph(graph, target, name, sram_bytes=room_bytes, push_rows=pushed)
    return compile_graph(graph, target, name, objective=group.objective)


def _figures(
    group: Group, model: Model, compiled: Compiled, firmware: Firmware, report: CompileReport
) -> Figures:
    memory, latency = report.memory, report.latency
    macs = _macs(compiled.source)
    return Figures(
        group=group.name,
        model=model.key,
        target=report.target,
        core=compiled.target.core,
        compiler=report.compiler,
        flags=_flags(compiled, group),
        emulator=report.emulator,
        samples=report.samples,
        sources=source_hash(),
        commit=commit_of(),
        macs=macs,
        instructions=report.instructions,
        instructions_per_mac=report.instructions / macs,
        cycles=_modelled_cycles(compiled.target, report),
        parameters_bytes=_parameters_bytes(compiled.source),
        weights_bytes=memory.weights_bytes,
        constants_bytes=memory.constants_bytes,
        code_bytes=memory.code_bytes,
        flash_bytes=memory.flash_bytes,
        image_bytes=sum(len(segment.data) for segment in firmware.segments),
        arena_bytes=memory.arena_bytes,
        arena_lower_bound_bytes=memory.arena_lower_bound_bytes,
        arena_proven=compiled.plan.proven_optimal,
        state_bytes=memory.state_bytes,
        static_bytes=memory.other_static_bytes,
        sram_bytes=memory.sram_bytes - memory.stack_bytes,
        stack_bytes=memory.stack_bytes,
        latency_ms=None if latency is None else latency.seconds * 1e3,
        latency_low_ms=None if latency is None else latency.seconds_low * 1e3,
        latency_high_ms=None if latency is None else latency.seconds_high * 1e3,
    )


def _macs(graph: Graph) -> int:
    nodes = graph.nodes
    return sum(n.op.macs(graph.input_types(n), graph.output_types(n)) for n in nodes)


def _parameters_bytes(graph: Graph) -> int:
    """Weights and biases of convolutions and fully connected layers, each array once."""
    linear = (node for node in graph.nodes if layer_type(graph, node) != OTHER)
    names = {name for node in linear for name in node.inputs if name in graph.constants}
    return sum(graph.types[name].size_bytes for name in names)


def _is_fitted(target: Target) -> bool:
    return target.timing is not None and target.timing.fitted is not None


def _modelled_cycles(target: Target, report: CompileReport) -> int | None:
    """Cycles by the target's fitted model; None where it has none, for a ratio says no more."""
    if report.latency is None or not _is_fitted(target):
        return None
    return round(report.latency.cycles)


def _flags(compiled: Compiled, group: Group) -> str:
    core = find_core(compiled.target.core)
    flags = compile_flags(core, choose_compiler(core, group.compiler), group.optimisation)
    return " ".join(flag for flag in flags if flag not in WARNING_FLAGS)


def _layers(
    group: Group, model: Model, compiled: Compiled, report: CompileReport
) -> list[LayerFigures]:
    graph = compiled.plan.graph
    return [
        LayerFigures(
            group=group.name,
            model=model.key,
            layer=step.index,
            name=cost.name,
            type=layer_type(graph, step.node),
            op=cost.op,
            kernel=cost.kernel,
            macs=cost.macs,
            instructions=cost.instructions,
            instructions_per_mac=cost.instructions_per_mac,
            cycles=None
            if cost.cycles is None or not _is_fitted(compiled.target)
            else round(cost.cycles),
        )
        for step, cost in zip(compiled.plan.steps, report.layers, strict=True)
    ]


def layer_type(graph: Graph, node: Node) -> str:
    """The type of a layer, one of LAYER_TYPES."""
    match node.op:
        case Conv2D():
            _, rows, columns, _ = graph.types[node.inputs[1]].shape
            return POINTWISE if rows == columns == 1 else CONVOLUTION
        case DepthwiseConv2D():
            return DEPTHWISE
        case FullyConnected():
            return DENSE
        case _:
            return OTHER
