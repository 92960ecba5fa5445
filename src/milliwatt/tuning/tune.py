# SPDX-License-Identifier: MIT
"""The kernel of each layer by measurement on the emulated core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milliwatt.backend.mcu.choice.choices import Choices
from milliwatt.backend.mcu.choice.objective import SPEED, Objective
from milliwatt.backend.mcu.compile import Compiled
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph
from milliwatt.tuning.measure import Workbench
from milliwatt.tuning.pick import Scale, pick
from milliwatt.tuning.record import LayerCost, Round
from milliwatt.tuning.rounds import (
    Kept,
    Measured,
    Progress,
    kernels_by_node,
    make_rounds,
    measure_rounds,
    measured_costs,
    tell,
)

_MAX_REFINEMENTS = 4


@dataclass(frozen=True, slots=True)
class TunedLayer:
    """One layer: what it took by default and takes now, and all that was measured."""

    name: str
    op: str
    macs: int
    default: LayerCost
    tuned: LayerCost
    measured: tuple[LayerCost, ...]


@dataclass(frozen=True, slots=True)
class Tuning:
    """The outcome of tuning: choices to keep, and both networks as measured."""

    target: str
    emulator: str
    choices: Choices
    graph: Graph
    """What was compiled by default: the model after all passes, with what streams change."""
    fastest: Round
    """Whole layers by the first kernels: what the objective's weights are relative to."""
    default: Round
    """What `compile_graph` makes for the objective without any choices."""
    tuned: Round
    layers: tuple[TunedLayer, ...]
    rounds: int
    """Builds of the network that were measured."""


def tune(
    graph: Graph,
    target: Target,
    *,
    objective: Objective = SPEED,
    sram_bytes: int | None = None,
    compiler: str = "auto",
    optimisation: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tuning:
    """Measure every kernel of every layer of `graph` on the target's core; keep the best.

    Each round builds the whole network with another kernel for each layer, for the objective and
    within `sram_bytes` as `compile_graph` does, so that kernels are measured beside the code they
    share and in the streams they are part of; every round's outputs equal the reference. The choice
    is built and measured too, and never worse than the default; it fits the target's memories if
    the default does. Rounds are cached: a second call, or one after an interruption, measures only
    what is missing. Raises what `compile_graph` and `build_compiled` raise; VerifyError where a
    kernel's output differs from the reference.
    """
    flag = optimisation or objective.optimisation
    bench = Workbench(graph, target, compiler, flag, seed, objective, sram_bytes)
    compiled = bench.compile({})
    scale = _scale(bench, compiled)
    names = kernels_by_node(bench, scale.default)
    measured = measure_rounds(bench, make_rounds(names), progress)
    for thrifty in (False, True) if objective.sram or sram_bytes is not None else (False,):
        _refine(bench, scale, list(names), measured, progress, thrifty=thrifty)
    kept, best = _best(scale, measured, bench)
    others = [found for found in (scale.default, scale.fastest) if found != measured[0][1]]
    return Tuning(
        target=target.name,
        emulator=bench.emulator,
        choices=_choices(bench, kept),
        graph=compiled.plan.graph,
        fastest=scale.fastest,
        default=scale.default,
        tuned=best,
        layers=_layers(compiled.plan, scale.default, best, [found for _, found in measured]),
        rounds=len(measured) + len(others),
    )


def _scale(bench: Workbench, default: Compiled) -> Scale:
    measured = fastest = bench.measure_compiled(default)
    if not bench.objective.is_speed or bench.sram_bytes is not None:
        fastest = replace(bench, objective=SPEED, sram_bytes=None).measure({})
    return Scale(bench.objective, fastest, measured)


def _refine(
    bench: Workbench,
    scale: Scale,
    nodes: Sequence[str],
    measured: list[Measured],
    progress: Progress | None,
    *,
    thrifty: bool,
) -> None:
    """Measure what the rounds say is best, as long as that is something new."""
    for _ in range(_MAX_REFINEMENTS):
        rounds = [found for _, found in measured]
        layers = {node: measured_costs(scale.default, rounds, node) for node in nodes}
        kept = pick(scale, layers, bench.target.flash_bytes, thrifty=thrifty)
        if any(kept == before for before, _ in measured):
            return
        tell(progress, "the choice, in one network")
        compiled = bench.compile(kept)
        if not bench.has_room(compiled):
            return
        measured.append((kept, bench.measure_compiled(compiled)))


def _best(scale: Scale, measured: Sequence[Measured], bench: Workbench) -> Measured:
    """The network of least cost that fits and has the kernels that it names.

    Without any choices where that is no worse.
    """
    target = bench.target
    sram_bytes = target.sram_bytes if bench.sram_bytes is None else bench.sram_bytes
    fitting = [
        (kept, found)
        for kept, found in measured
        if found.flash_bytes <= target.flash_bytes
        and found.static_bytes <= sram_bytes
        and all(node in found.layers and found.layers[node].kernel == kept[node] for node in kept)
    ]
    nothing: Measured = {}, scale.default
    return min([*fitting, nothing], key=lambda entry: scale.cost(entry[1]))


def _choices(bench: Workbench, kept: Kept) -> Choices:
    return Choices(
        model=bench.graph.name,
        core=bench.target.core,
        compiler=bench.compiler_version,
        optimisation=bench.optimisation,
        objective=bench.objective,
        kernels=kept,
        sram_bytes=bench.sram_bytes,
    )


def _layers(
    plan: Plan, default: Round, tuned: Round, rounds: Sequence[Round]
) -> tuple[TunedLayer, ...]:
    """The layers that both networks have."""
    return tuple(
        TunedLayer(
            name=step.node.name,
            op=step.node.op.kind,
            macs=step.macs,
            default=default.layers[step.node.name],
            tuned=tuned.layers[step.node.name],
            measured=measured_costs(default, rounds, step.node.name),
        )
        for step in plan.steps
        if step.node.name in tuned.layers
    )
