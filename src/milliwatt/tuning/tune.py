# SPDX-License-Identifier: MIT
"""The kernel of each layer by measurement on the emulated core."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from milliwatt.backend.mcu.choice.choices import Choices
from milliwatt.backend.mcu.choice.decide import Arena, Choice, Option, decide, layers_flash
from milliwatt.backend.mcu.choice.objective import SPEED, Objective
from milliwatt.backend.mcu.choice.select import forms, site_of
from milliwatt.backend.mcu.compile import core_of
from milliwatt.backend.mcu.planning.place import arena_under
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph
from milliwatt.tuning.measure import Workbench
from milliwatt.tuning.record import LayerCost, Round, relative_work

_FLASH_WEIGHTS = (0.0, *(0.001 * 2**step for step in range(12)))
"""Added to the objective's, one after the other, until a choice fits the flash."""

Progress = Callable[[str], None]
Measured = tuple[Mapping[str, str], Round]
"""By node the kernel, and what the network took."""

_MAX_REFINEMENTS = 4
_LEAST_GAIN = 0.005
"""Of a layer's work; where code lies in the flash moves modelled cycles by about as much."""


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
    """What was compiled: the model after all passes."""
    default: Round
    tuned: Round
    layers: tuple[TunedLayer, ...]
    rounds: int
    """Builds of the network that were measured."""


def tune(
    graph: Graph,
    target: Target,
    *,
    objective: Objective = SPEED,
    compiler: str = "auto",
    optimisation: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tuning:
    """Measure every kernel of every layer of `graph` on the target's core; keep the best.

    Each round builds the whole network with another kernel for each layer, so that kernels are
    measured beside the code they share; every round's outputs equal the reference. The choice is
    built and measured too, and never worse than the default; it fits the target's memories if the
    default does. Rounds are cached: a second call, or one after an interruption, measures only
    what is missing. Raises what `compile_graph` and
    `build_compiled` raise; VerifyError where a kernel's output differs from the reference.
    """
    bench = Workbench(graph, target, compiler, optimisation or objective.optimisation, seed)
    plan = bench.compile({}).plan
    names = _forms(plan, target)
    rounds = _rounds(names)
    measured = _measure_all(bench, rounds, progress)
    default = measured[0][1]
    for _ in range(_MAX_REFINEMENTS):
        kept = _best(plan, target, objective, [found for _, found in measured])
        if any(kept == before for before, _ in measured):
            break
        _tell(progress, "the choice, in one network")
        compiled = bench.compile(kept)
        if not bench.has_room(compiled):
            break
        measured.append((kept, bench.measure_compiled(compiled)))
    fitting = [entry for entry in measured if _fits(entry[1], target)] or measured[:1]
    kept, best = min(fitting, key=lambda entry: _cost(objective, entry[1], default))
    return Tuning(
        target=target.name,
        emulator=bench.emulator,
        choices=Choices(
            model=graph.name,
            core=target.core,
            compiler=bench.compiler_version,
            optimisation=bench.optimisation,
            objective=objective,
            kernels=kept,
        ),
        graph=plan.graph,
        default=default,
        tuned=best,
        layers=_layers(plan, default, best, [found for _, found in measured]),
        rounds=len(measured),
    )


def _measure_all(
    bench: Workbench, rounds: Sequence[Mapping[str, str]], progress: Progress | None
) -> list[Measured]:
    """Each round's figures, the default's first; as many at a time as there are processor cores.

    Threads do: compilers are other processes, and the emulators run outside the interpreter's lock.
    """
    found: list[Measured] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(_measure_parts, bench, kept, rounds[0]) for kept in rounds]
        try:
            for index, one in enumerate(running):
                _tell(progress, f"build {index + 1} of {len(rounds)}")
                found += one.result()
        except BaseException:  # an interruption too: what has not begun need not
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _measure_parts(
    bench: Workbench, kept: Mapping[str, str], default: Mapping[str, str]
) -> list[Measured]:
    """A round's figures; where the target has no room for it, those of its halves.

    The rest of the layers have their default. A kernel without room alone is left out.
    """
    compiled = bench.compile(kept)
    if kept == default or bench.has_room(compiled):
        return [(kept, bench.measure_compiled(compiled))]
    changed = [node for node in kept if kept[node] != default[node]]
    if len(changed) == 1:
        return []
    halves = ({**default, **{n: kept[n] for n in half}} for half in (changed[::2], changed[1::2]))
    return [one for half in halves for one in _measure_parts(bench, half, default)]


def _tell(progress: Progress | None, text: str) -> None:
    if progress is not None:
        progress(text)


def _forms(plan: Plan, target: Target) -> dict[str, tuple[str, ...]]:
    """By node, the names of the kernels that compute it, the default first."""
    core = core_of(target)
    return {
        step.node.name: tuple(k.name for k in forms(site_of(plan.graph, step.node), core))
        for step in plan.steps
    }


def _rounds(names: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Choices such that each layer meets each of its kernels; the first is the default."""
    count = max((len(some) for some in names.values()), default=1)
    return [{node: some[i % len(some)] for node, some in names.items()} for i in range(count)]


def _measured(rounds: Sequence[Round], node: str) -> tuple[LayerCost, ...]:
    """The layer by each kernel, the default first, each as the last round had it."""
    return tuple({one.layers[node].kernel: one.layers[node] for one in rounds}.values())


def _best(
    plan: Plan, target: Target, objective: Objective, rounds: Sequence[Round]
) -> dict[str, str]:
    """The objective's choice by what the rounds measured.

    Where it needs more flash than there is, flash weighs more, for as long as that is so.
    """
    nodes = [step.node.name for step in plan.steps]
    layers = [_worthwhile(_measured(rounds, node)) for node in nodes]
    places = {name: at for at, name in enumerate(nodes)}
    core = core_of(target)

    def kept(choice: Choice) -> dict[str, str]:
        return {
            node: options[i].kernel for node, options, i in zip(nodes, layers, choice, strict=True)
        }

    def arena_of(choice: Choice) -> Arena:
        arena = arena_under(plan.graph, core, kept(choice))
        full = (plan.graph.nodes[i].name for i in arena.full_at)
        return Arena(arena.size_bytes, tuple(places[name] for name in full if name in places))

    default: Choice = (0,) * len(layers)
    most_bytes = target.flash_bytes - rounds[0].flash_bytes + layers_flash(layers, default)
    choice = default
    for weight in _FLASH_WEIGHTS:
        pressed = replace(objective, flash=objective.flash + weight)
        choice = decide(layers, pressed, arena_of)
        if layers_flash(layers, choice) <= most_bytes:
            break
    return kept(choice)


def _fits(found: Round, target: Target) -> bool:
    return found.flash_bytes <= target.flash_bytes and found.arena_bytes <= target.sram_bytes


def _worthwhile(costs: Sequence[LayerCost]) -> list[Option]:
    """The default, and whatever needs notably less work than it or fewer bytes."""
    default, *others = (cost.option_beside(costs[0]) for cost in costs)
    return [
        default,
        *(
            other
            for other in others
            if other.work < (1 - _LEAST_GAIN) * default.work
            or other.own_bytes + other.code_bytes < default.own_bytes + default.code_bytes
            or other.scratch_bytes < default.scratch_bytes
        ),
    ]


def _cost(objective: Objective, found: Round, default: Round) -> tuple[float, float, int]:
    """Cost relative to the default network, then work and flash, which decide between equals."""
    weighted = objective.cost(
        instructions=relative_work(found, default),
        sram=found.arena_bytes / max(default.arena_bytes, 1),
        flash=found.flash_bytes / default.flash_bytes,
    )
    return round(weighted, 12), found.work, found.flash_bytes


def _layers(
    plan: Plan, default: Round, tuned: Round, rounds: Sequence[Round]
) -> tuple[TunedLayer, ...]:
    return tuple(
        TunedLayer(
            name=step.node.name,
            op=step.node.op.kind,
            macs=step.macs,
            default=default.layers[step.node.name],
            tuned=tuned.layers[step.node.name],
            measured=_measured(rounds, step.node.name),
        )
        for step in plan.steps
    )
