# SPDX-License-Identifier: MIT
"""`python -m bench.choices`: what choices of kernels cost on a Cortex-M4, as measured.

For some networks and objectives: what `compile` chooses by itself, the best choice of kernels, and
what `milliwatt tune` keeps, which may be compiled for one shape. Writes bench/results/choices.csv,
choices_layers.csv and a picture of the latter, and the tables of docs/tuning.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.plot_tuned import PICTURE, draw
from bench.rows import format_rows, read_rows
from bench.suite import RESULTS, load_suite
from bench.tables import load_tables
from bench.tuning import PAGE, filled_page
from bench.tuning_rows import CHOICES, LAYERS, ChoiceCost, TunedLayerCost
from milliwatt.backend.mcu.choice.decide import decide
from milliwatt.backend.mcu.choice.objective import Objective, parse_objective
from milliwatt.backend.mcu.choice.shaped import SUFFIX
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.errors import OptionError
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.output import write_file
from milliwatt.tuning.measure import Workbench
from milliwatt.tuning.record import Round, relative_work
from milliwatt.tuning.tune import Tuning, tune
from tests.support import find_shared

TARGET = "nucleo-l4r5zi"
MODELS = ("ad", "kws", "vww", "ic", "sww")
OBJECTIVES = ("speed", "speed=1,flash=0.2", "flash")
DRAWN = ("ic", "speed")
"""Network and objective of the layers' table and picture."""


@dataclass(frozen=True, slots=True)
class _Case:
    model: str
    graph: Graph
    objective: Objective
    tuned: Tuning

    def measure(self, kept: Mapping[str, str]) -> Round:
        target, flag = load_target(TARGET), self.objective.optimisation
        return Workbench(self.graph, target, "gcc", flag, 0, self.objective).measure(kept)

    def cost(self, found: Round) -> float:
        """By the objective, relative to the fastest kernels' network."""
        fastest = self.tuned.fastest
        return self.objective.cost(
            instructions=relative_work(found, fastest),
            sram=found.arena_bytes / max(fastest.arena_bytes, 1),
            flash=found.flash_bytes / fastest.flash_bytes,
        )


def main() -> None:
    """Measure; write the tables, the picture and the page."""
    shared = find_shared()
    if shared is None:
        raise OptionError("the shared models are not here")
    rows: list[ChoiceCost] = []
    layers: list[TunedLayerCost] = []
    for model in (m for m in load_suite().models if m.key in MODELS):
        for name in OBJECTIVES:
            print(f"{model.key} {name}", file=sys.stderr)
            case = _case(model.key, shared / model.file, parse_objective(name))
            rows.append(_row(case))
            if (model.key, name) == DRAWN:
                layers = _layers(case.tuned)
    write_file(RESULTS / CHOICES, format_rows(rows, ChoiceCost).encode())
    write_file(RESULTS / LAYERS, format_rows(layers, TunedLayerCost).encode())
    write_file(RESULTS / PICTURE, draw(read_rows(RESULTS / LAYERS, TunedLayerCost)).encode())
    write_file(PAGE, filled_page(load_suite(), load_tables()).encode())


def _case(model: str, file: Path, objective: Objective) -> _Case:
    graph = load_model(file)
    tuned = tune(graph, load_target(TARGET), compiler="gcc", objective=objective)
    return _Case(model, graph, objective, tuned)


def _row(case: _Case) -> ChoiceCost:
    objective = case.objective
    plan = compile_graph(case.graph, load_target(TARGET), "tuned", objective=objective).plan
    chosen = {step.node.name: step.kernel for step in plan.steps}
    best = _best_kernels(case)
    compiled = case.measure(chosen)
    kernels = min(compiled, case.measure(best), case.tuned.fastest, key=case.cost)
    return ChoiceCost(
        model=case.model,
        objective=str(objective),
        compiled=case.cost(compiled),
        kernels=case.cost(kernels),
        tuned=min(case.cost(case.tuned.tuned), case.cost(kernels)),
        changed=sum(chosen[node] != kernel for node, kernel in best.items()),
        layers=len(chosen),
    )


def _best_kernels(case: _Case) -> dict[str, str]:
    """The objective's choice by what was measured, nothing compiled for one shape."""
    fastest = case.tuned.fastest.layers
    layers = [
        sorted(
            (cost for cost in layer.measured if not cost.kernel.endswith(SUFFIX)),
            key=lambda cost: cost.kernel != fastest[layer.name].kernel,
        )
        for layer in case.tuned.layers
    ]
    options = [[cost.option_beside(costs[0]) for cost in costs] for costs in layers]
    choice = decide(options, case.objective)
    names = [layer.name for layer in case.tuned.layers]
    return {name: costs[at].kernel for name, costs, at in zip(names, layers, choice, strict=True)}


def _layers(tuned: Tuning) -> list[TunedLayerCost]:
    return [
        TunedLayerCost(
            layer=index,
            what=_what(tuned.graph, layer.name),
            default_kernel=layer.default.kernel,
            default_cycles=round(layer.default.work),
            tuned_kernel=layer.tuned.kernel,
            tuned_cycles=round(layer.tuned.work),
        )
        for index, layer in enumerate(tuned.layers)
    ]


def _what(graph: Graph, name: str) -> str:
    """`Conv2D 3×3, 32×32×16`: operator, size of the kernel, output."""
    node = next(node for node in graph.nodes if node.name == name)
    y = "×".join(str(extent) for extent in graph.output_types(node)[0].shape[1:])
    if not isinstance(node.op, Conv2D | DepthwiseConv2D):
        return f"{node.op.kind}, {y}"
    rows, columns = graph.types[node.inputs[1]].shape[1:3]
    return f"{node.op.kind} {rows}×{columns}, {y}"


if __name__ == "__main__":
    main()
