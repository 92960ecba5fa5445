# SPDX-License-Identifier: MIT
"""A machine of analogue crossbars as a candidate."""

from __future__ import annotations

from collections import defaultdict

from milliwatt.backend.aimc.estimate import MACRO_COMPONENTS, estimate
from milliwatt.backend.aimc.layers import named_nodes
from milliwatt.backend.aimc.load import list_machines, load_machine
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.pipeline import pipelined
from milliwatt.backend.aimc.place import place
from milliwatt.backend.aimc.placement import Placement
from milliwatt.backend.aimc.study import score_over_time
from milliwatt.backend.aimc.timing import converter_area_mm2
from milliwatt.backend.api import Cost
from milliwatt.errors import UnknownFigureError
from milliwatt.ir.graph import Graph
from milliwatt.report.compare.candidate import (
    Accuracy,
    Candidate,
    Known,
    MemoryUse,
    Quantity,
    Standby,
    UnitUse,
    Unknown,
)
from milliwatt.report.compare.quality import METRICS, metric_of, quality, reference_outputs
from milliwatt.report.compare.workload import NO_DATA, Workload

FAMILY = "analogue IMC"
ACCELERATOR_COMPONENTS = (
    *MACRO_COMPONENTS,
    *("data movement", "next memory", "reprogramming", "depthwise engine"),
)

CALIBRATION_SAMPLES = 20
"""Samples, evenly over the data, that set the converters' ranges; their labels are not used."""


def names() -> dict[str, str]:
    """Every name of the catalogue, with itself."""
    return {machine.name: machine.name for machine in list_machines()}


def title(name: str) -> str:
    """The machine's title."""
    return load_machine(name).title


def assess(workload: Workload, name: str) -> Candidate:
    """What the workload costs on the machine, weights resident where the arrays hold them.

    FitError or UnsupportedError where the machine cannot hold or compute it, UnknownFigureError
    where its description lacks a figure that this needs.
    """
    machine = load_machine(name)
    placement = place(workload.optimised, machine)
    cost = estimate(placement)
    return Candidate(
        target=machine.name,
        title=machine.title,
        family=FAMILY,
        settings=_settings(machine, placement),
        macs=cost.macs,
        accuracy=noisy_accuracy(workload, placement),
        latency_s=_ranged(cost.seconds, cost, _basis_text(machine)),
        interval_s=_interval(placement, cost),
        macro_energy_j=_part_j(cost, MACRO_COMPONENTS, "converters, cells and digital parts"),
        accelerator_energy_j=_part_j(cost, ACCELERATOR_COMPONENTS, "arrays, bus and engine"),
        system_energy_j=_ranged(cost.energy_pj * 1e-12, cost, _basis_text(machine)),
        standby=_standby(machine),
        area_mm2=_area(machine),
        memory=_memory(placement),
        utilisation=_utilisation(cost),
        units=_units(workload.optimised, placement, cost),
        notes=(*placement.notes, *machine.notes),
    )


def noisy_accuracy(workload: Workload, placement: Placement) -> Accuracy | Unknown:
    """How right chips programmed with different seeds are, some time after programming.

    Unknown without samples, with states between calls (samples are apart), or at a time that the
    noise is not known at.
    """
    if workload.data is None:
        return NO_DATA
    graph, data = workload.optimised, workload.data.spread(workload.noise_samples)
    if graph.states:
        return Unknown(f"'{graph.name}' keeps states between calls; samples are no stream")
    metric = metric_of(graph, data)
    reference = reference_outputs(graph, data) if data.labels is None else None
    try:
        study = score_over_time(
            placement,
            [data.inputs],
            lambda outputs: quality(graph, data, outputs, reference),
            seeds=range(workload.noise_seeds),
            times_s=[workload.after_s],
            calibration=[workload.data.spread(CALIBRATION_SAMPLES).inputs],
        )
    except UnknownFigureError as error:
        return Unknown(str(error))
    (at,) = study.times
    source = (
        f"{METRICS[metric]}: {len(at.accuracies)} simulated chips of '{study.machine}', "
        f"{at.time_s:g} s after programming, each on the same {len(data)} samples, converters' "
        f"ranges set on {CALIBRATION_SAMPLES} samples; weights as given, not trained for the noise"
    )
    return Accuracy(at.accuracies, len(data), "simulated", source, metric)


def _settings(machine: Machine, placement: Placement) -> str:
    clock = f"{machine.system.clock_hz.value / 1e6:g} MHz"
    if not placement.arrays_used:
        return f"nothing on the arrays, {clock}"
    where = "weights resident" if placement.rounds == 1 else f"{placement.rounds} rounds of weights"
    arrays = f"{placement.arrays_used} of {int(machine.arrays.value)} arrays"
    return f"{arrays}, {where}, {clock}"


def _basis_text(machine: Machine) -> str:
    if machine.error is None:
        return "the description's array and system figures; no published result is reproduced"
    return f"the description's array and system figures; error: {machine.error.source}"


def _ranged(value: float, cost: Cost, source: str) -> Quantity:
    if cost.error is None:
        return Quantity(value, "estimated", source)
    return Quantity(value, "estimated", source, value * (1 - cost.error), value * (1 + cost.error))


def _part_j(cost: Cost, components: tuple[str, ...], what: str) -> Quantity:
    found = cost.energy_by_component_pj
    joules = sum(found.get(name, 0.0) for name in components) * 1e-12
    return Quantity(joules, "estimated", f"{what} of the description's figures, no known error")


def _standby(machine: Machine) -> Standby:
    power = machine.system.base_power_mw
    keeps = "loses its weights" if machine.technology == "charge-sram" else "keeps its weights"
    source = (
        f"no standby power is published (switched off it {keeps}); at most the base power of use: "
        f"{power.source}"
    )
    return Standby(None, power.bounds[1] * 1e-3, "estimated", source)


def _interval(placement: Placement, cost: Cost) -> Quantity:
    if placement.rounds > 1:
        source = "as the latency: arrays are rewritten during an inference"
        return Quantity(cost.seconds, "estimated", source)
    found = pipelined(placement, cost)
    source = f"layers work on inferences behind one another; pace set by {found.bottleneck}"
    return Quantity(found.interval_s, "estimated", source)


def _area(machine: Machine) -> Known:
    array = machine.crossbar.area_mm2
    count = int(machine.arrays.value)
    if array is None and machine.energy is None:
        area = count * converter_area_mm2(machine)
        source = f"converters of {count} arrays by the formulas at 28 nm; cells and system left out"
        return Quantity(area, "estimated", source)
    if array is None:
        return Unknown(f"no area of an array is in the description of '{machine.name}'")
    around = machine.system.area_mm2
    if around is None:
        source = f"{count} arrays of {array.value:g} mm², nothing around them: {array.source}"
        return Quantity(count * array.value, array.basis, source)
    source = (
        f"{count} arrays of {array.value:g} mm² ({array.source}) and {around.value:g} mm² around "
        f"them ({around.source})"
    )
    return Quantity(count * array.value + around.value, around.basis, source)


def _memory(placement: Placement) -> tuple[MemoryUse, ...]:
    machine = placement.machine
    maps = max(a.layer.input_elements + a.layer.output_elements for a in placement.assignments)
    return (
        MemoryUse("crossbars", placement.arrays_used, int(machine.arrays.value), "arrays"),
        MemoryUse("feature maps", maps, int(machine.system.l1_bytes.value)),
    )


def _utilisation(cost: Cost) -> Quantity:
    value = sum(row.utilisation * row.cycles for row in cost.rows) / cost.cycles
    return Quantity(value, "estimated", "MACs over what the arrays that work at once could do")


def _units(graph: Graph, placement: Placement, cost: Cost) -> tuple[UnitUse, ...]:
    kinds = {name: node.op.kind for name, node in named_nodes(graph).items()}
    rows = {row.node: row for row in cost.rows}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for assignment in placement.assignments:
        name = assignment.layer.name
        found[kinds[name], assignment.unit].append(name)
    return tuple(
        UnitUse(
            op,
            unit,
            len(layers),
            sum(rows[name].macs for name in layers),
            sum(rows[name].cycles for name in layers) / cost.clock_hz,
        )
        for (op, unit), layers in found.items()
    )
