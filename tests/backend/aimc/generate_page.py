# SPDX-License-Identifier: MIT
"""Writes the tables of docs/aimc.md: python -m tests.backend.aimc.generate_page"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.aimc import (
    Options,
    accuracy_over_time,
    estimate,
    list_machines,
    load_machine,
    pipelined,
    place,
    place_layers,
)
from milliwatt.backend.aimc.crossbar import ALL_ERRORS
from milliwatt.backend.aimc.formulas import Macro, analogue_macro, digital_macro
from milliwatt.backend.aimc.lists import listed_layers
from milliwatt.backend.aimc.mobilenet import mobilenet_v2_layers
from milliwatt.backend.aimc.place import arrays_needed
from milliwatt.backend.aimc.placement import Placement
from milliwatt.backend.aimc.study import AccuracyOverTime
from milliwatt.backend.dimc.workload import load_workload
from milliwatt.ir.types import Array
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.units import format_si
from tests.backend.aimc.networks import Digits, hardened_digits, plain_digits
from tests.docs.tables import markdown, write
from tests.models.samples import LABELS, SAMPLES
from tests.report.compare.generate_page import NETWORKS, load
from tests.support import REPOSITORY

PAGE = REPOSITORY / "docs" / "aimc.md"
COMMAND = "python -m tests.backend.aimc.generate_page"
AS_PUBLISHED = Options(pinned=(("pointwise", "arrays"), ("depthwise", "depthwise engine")))
TIMES_S = (1.0, 3600.0, 86_400.0, 2_592_000.0, 31_557_600.0)


def mobilenet_table() -> str:
    """MobileNetV2 on the PCM cluster against Garofalo et al., with both readings of memory."""
    machine, layers = load_machine("pcm-cluster"), mobilenet_v2_layers(weight_bits=4)
    inside = replace(machine, system=replace(machine.system, next_memory=None))
    costs = [estimate(place_layers(layers, m, AS_PUBLISHED)) for m in (inside, machine)]
    pointwise = [layer for layer in layers if layer.kind == "pointwise"]
    rows = [["arrays", "34", *[str(arrays_needed(pointwise, m)) for m in (inside, machine)]]]
    rows.append(["latency, ms", "10.1", *[_against(c.seconds * 1e3, 10.1) for c in costs]])
    rows.append(["energy, µJ", "482", *[_against(c.energy_pj * 1e-6, 482) for c in costs]])
    return markdown(["", "published", "first memory alone", "with the next memory"], rows)


def _against(value: float, published: float) -> str:
    return f"{value:.4g} ({100 * (value / published - 1):+.1f} %)"


def mlperf_table() -> str:
    """MLPerf Tiny on the PCM cluster, weights sliced, one at a time and one behind another."""
    rows: list[list[str]] = []
    for network in list(NETWORKS)[:4]:
        placement = place(run_pipeline(load(network)), load_machine("pcm-cluster"))
        rows.append([network, *_cells(placement)])
    return markdown(["", "arrays", "latency", "energy", "a second", "energy in a stream"], rows)


def resnet_table() -> str:
    """ResNet-18 on every machine."""
    layers = listed_layers(load_workload(REPOSITORY / "bench/imc/workloads/resnet18.toml"))
    rows: list[list[str]] = []
    for machine in list_machines():
        need = arrays_needed(layers, machine)
        placement = place_layers(layers, machine)
        has = f"{need} of {int(machine.arrays.value)}"
        how = "rewritten" if placement.rounds > 1 else "cores do the rest"
        rows.append([machine.name, has, how, *_cells(placement)[1:]])
    head = ["", "arrays needed, there", "what exceeds them", "latency", "energy", "a second"]
    return markdown([*head, "energy in a stream"], rows)


def _cells(placement: Placement) -> list[str]:
    cost = estimate(placement)
    one = [str(placement.arrays_used), format_si(cost.seconds, "s"), _joules(cost.energy_pj)]
    if placement.rounds > 1:
        return [*one, _rate(1 / cost.seconds), _joules(cost.energy_pj)]
    stream = pipelined(placement, cost)
    return [*one, _rate(stream.inferences_per_second), _joules(stream.energy_pj)]


def _rate(a_second: float) -> str:
    return f"{a_second:,.0f}" if a_second >= 10 else f"{a_second:.2g}"


def _joules(energy_pj: float) -> str:
    return format_si(energy_pj * 1e-12, "J")


def principles_table() -> str:
    """TOPS/W of bare macros, 8-bit weights and inputs, 8-bit converters, by bits a step."""
    rows: list[list[str]] = []
    for side in (32, 64, 128, 256, 512, 1024):
        macros = [Macro(side, side // 8, 8, 8, bits) for bits in (1, 2, 4)]
        digital = [digital_macro(m).tops_per_watt for m in macros]
        analogue = [analogue_macro(m, 8) for m in macros]
        cells = [f"{found.tops_per_watt:.1f}" for found in analogue]
        share = f"{analogue[-1].energy_share('adc', 'dac'):.0%}"
        rows.append([str(side), f"{min(digital):.1f} to {max(digital):.1f}", *cells, share])
    head = ["n", "digital", "analogue, 1-bit inputs", "2-bit", "4-bit"]
    return markdown([*head, "converters' energy, 4-bit"], rows)


def accuracy_table() -> str:
    """Networks as trained, and one trained with the noise, over time."""
    plain, trained = _digits(plain_digits()), _digits(hardened_digits())
    keywords = _keywords()
    rows = [
        [_when(time_s), *[_mean(found, index) for found in (plain, trained, keywords)]]
        for index, time_s in enumerate(TIMES_S)
    ]
    head = ["after", "digits", "digits, trained with the noise", "keywords"]
    return markdown(head, rows)


def errors_table() -> str:
    """Keywords with one error at a time, a day after programming, converters calibrated."""
    graph, name = run_pipeline(load("kws")), NETWORKS["kws"][1]
    inputs = np.stack(SAMPLES[name](graph.types[graph.inputs[0]]))
    placement = place(graph, load_machine("pcm-cluster"))
    found = {
        error: accuracy_over_time(
            placement,
            [inputs[50:110]],
            LABELS[name]()[50:110],
            seeds=range(2),
            times_s=[TIMES_S[2]],
            errors=frozenset({error}),
            calibration=[inputs[:50]],
        )
        .times[0]
        .mean
        for error in sorted(ALL_ERRORS)
    }
    return markdown(list(found), [[f"{100 * mean:.0f} %" for mean in found.values()]])


def _when(time_s: float) -> str:
    names = {1.0: "1 s", 3600.0: "1 h", 86_400.0: "1 day", 2_592_000.0: "30 days"}
    return names.get(time_s, "1 year")


def _mean(found: AccuracyOverTime, index: int) -> str:
    at = found.times[index]
    low, high = 100 * at.quantile(0.05), 100 * at.quantile(0.95)
    return f"{100 * at.mean:.1f} ± {100 * at.std:.1f} ({low:.1f} to {high:.1f})"


def _digits(made: Digits) -> AccuracyOverTime:
    return _over_time(made.placement, made.inputs, made.labels, made.calibration, 10)


def _keywords() -> AccuracyOverTime:
    graph, name = run_pipeline(load("kws")), NETWORKS["kws"][1]
    inputs = np.stack(SAMPLES[name](graph.types[graph.inputs[0]]))
    placement = place(graph, load_machine("pcm-cluster"))
    return _over_time(placement, inputs[50:], LABELS[name]()[50:], inputs[:50], 5)


def _over_time(
    placement: Placement, inputs: Array, labels: Array, calibration: Array, chips: int
) -> AccuracyOverTime:
    return accuracy_over_time(
        placement,
        [inputs],
        labels,
        seeds=range(chips),
        times_s=TIMES_S,
        calibration=[calibration],
    )


TABLES = {
    "mobilenet": mobilenet_table,
    "mlperf": mlperf_table,
    "resnet": resnet_table,
    "principles": principles_table,
    "accuracy": accuracy_table,
    "errors": errors_table,
}


if __name__ == "__main__":
    write(PAGE, TABLES)
