# SPDX-License-Identifier: MIT
"""A digital in-memory-computing machine as a candidate."""

from __future__ import annotations

from collections import defaultdict

from milliwatt.backend.api import Cost
from milliwatt.backend.dimc.energy import Level
from milliwatt.backend.dimc.estimate import estimate
from milliwatt.backend.dimc.load import list_machines, load_machine
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placement import Placement, place
from milliwatt.backend.dimc.simulate import simulate_batch
from milliwatt.errors import VerifyError
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
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
from milliwatt.report.compare.workload import Workload
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import ports_of
from milliwatt.units import ceil_div, format_count, format_si

FAMILY = "digital IMC"
HOST = " (host)"
"""How the rows of nodes that the host computes end."""
RANGE = "; low: every row counted as full"


def names() -> dict[str, str]:
    """Every name and alias of the catalogue, with the name it stands for."""
    aliases = {alias: m.name for m in list_machines() for alias in m.aliases}
    return aliases | {m.name: m.name for m in list_machines()}


def title(name: str) -> str:
    """The machine's title."""
    return load_machine(name).title


def assess(workload: Workload, name: str) -> Candidate:
    """What the workload costs on the machine, a row serving one kernel at a time.

    The low end of ranges counts every row as full, as ST's tables do. FitError or UnsupportedError
    where the machine cannot hold or compute it; VerifyError if its simulation were not exact.
    """
    machine = load_machine(name)
    serial = place(workload.optimised, machine, mode="row-serial")
    full = place(workload.optimised, machine, mode="published")
    point = machine.operating_point()
    cost = estimate(serial)
    return Candidate(
        target=machine.name,
        title=machine.title,
        family=FAMILY,
        settings=(
            f"{serial.clusters} clusters at {point.clock_hz / 1e6:g} MHz, {point.supply_v:g} V, "
            "kernels loaded for each inference"
        ),
        macs=serial.macs,
        accuracy=_accuracy(workload, serial),
        latency_s=_latency(serial, full, cost),
        interval_s=_interval(serial, cost),
        macro_energy_j=_energy(serial, full, "tile"),
        accelerator_energy_j=_energy(serial, full, "imnpu"),
        system_energy_j=_energy(serial, full, "system"),
        standby=_standby(machine),
        area_mm2=_area(machine),
        memory=_memory(serial),
        utilisation=_utilisation(cost),
        units=_units(workload.optimised, cost),
        notes=_notes(serial),
    )


def _accuracy(workload: Workload, placement: Placement) -> Accuracy | Unknown:
    """The reference's, after a check that the machine's simulation equals it."""
    graph = workload.optimised
    if not graph.states:
        sample = random_samples(ports_of(graph), 1, 0)[0]
        outputs = simulate_batch(placement, [value[None] for value in sample])
        expected = run(graph, sample).outputs
        if any((a[0] != b).any() for a, b in zip(outputs, expected, strict=True)):
            raise VerifyError(f"'{graph.name}' on {placement.machine.name} is not bit-exact")
    return workload.exact


def _latency(serial: Placement, full: Placement, cost: Cost) -> Quantity:
    seconds = cost.seconds
    low = min(seconds, float(full.cycles) / cost.clock_hz)
    return Quantity(seconds, "estimated", f"{cost.source.partition('; ')[0]}{RANGE}", low, seconds)


def _interval(placement: Placement, cost: Cost) -> Quantity:
    """Kernels are loaded once for a long batch, layer by layer; tiles and host work at once."""
    host = sum(row.cycles for row in cost.rows if row.node.endswith(HOST))
    tiles = sum(float(item.cycles.compute) for item in placement.layers)
    slower = "host" if host > tiles else "tiles"
    source = f"a long batch, each kernel loaded once for all of it; pace set by the {slower}"
    return Quantity(max(host, tiles) / cost.clock_hz, "estimated", source)


def _energy(serial: Placement, full: Placement, level: Level) -> Known:
    machine = serial.machine
    if machine.energy is None and machine.memory is None and level != "tile":
        return Unknown(f"'{machine.name}' prices no memories: only its arrays are modelled")
    standing_w = machine.energy.system_standing_w.value if machine.energy else 0.0
    found: list[float] = []
    for placement in (serial, full):
        cost = estimate(placement, level=level)
        standing_j = standing_w * cost.seconds if level == "system" else 0.0
        found.append(cost.energy_pj * 1e-12 + standing_j)
    source = f"{estimate(serial, level=level).source}{RANGE}"
    if level == "system" and machine.energy is not None:
        per_mac = machine.energy.system_fj_per_mac
        source += (
            f"; system: {per_mac.value:g} fJ a MAC and {format_si(standing_w, 'W')} while it runs "
            f"({per_mac.source}); no memory off the chip"
        )
    return Quantity(found[0], "estimated", source, min(found), found[0])


def _standby(machine: Machine) -> Standby:
    if machine.energy is None:
        return Standby(None, float("inf"), "estimated", "no power was measured on this machine")
    figure = machine.energy.system_standing_w
    source = f"no standby power is published; at most the standing power of use: {figure.source}"
    return Standby(None, figure.bounds[1], "estimated", source)


def _area(machine: Machine) -> Known:
    figure = machine.figures.get("area.total_mm2")
    if figure is None:
        return Unknown(f"no area is in the description of '{machine.name}'")
    return Quantity(figure.value, figure.basis, figure.source)


def _memory(placement: Placement) -> tuple[MemoryUse, ...]:
    machine = placement.machine
    layers = [item.layer for item in placement.layers]
    weights = ceil_div(sum(layer.load_bits for layer in layers), 8)
    maps = max(
        ceil_div(layer.input_bits + layer.kernels * layer.pixels * layer.activation_bits, 8)
        for layer in layers
    )
    return (
        MemoryUse("kernels through tiles", weights, machine.capacity_bits // 8),
        MemoryUse("kernels on chip", weights, machine.weight_memory_bytes),
        MemoryUse("feature maps", maps, machine.feature_memory_bytes),
    )


def _utilisation(cost: Cost) -> Quantity:
    value = sum(row.utilisation * row.cycles for row in cost.rows) / cost.cycles
    source = "useful products over what all tiles could do in the cycles, loading included"
    return Quantity(value, "estimated", source)


def _units(graph: Graph, cost: Cost) -> tuple[UnitUse, ...]:
    seconds = {row.node: row.cycles / cost.clock_hz for row in cost.rows}
    found: dict[tuple[str, str], list[tuple[int, float | None]]] = defaultdict(list)
    for node in graph.nodes:
        macs = node.op.macs(graph.input_types(node), graph.output_types(node))
        name = node.outputs[0]
        unit = "tiles" if name in seconds else "host"
        found[node.op.kind, unit].append((macs, seconds.get(name, seconds.get(name + HOST))))
    return tuple(
        UnitUse(
            op,
            unit,
            len(rows),
            sum(macs for macs, _ in rows),
            None if any(s is None for _, s in rows) else sum(s or 0.0 for _, s in rows),
        )
        for (op, unit), rows in found.items()
    )


def _notes(placement: Placement) -> tuple[str, ...]:
    machine = placement.machine
    slices = {
        len(machine.weight_slices(item.layer.weight_bits))
        * len(machine.activation_slices(item.layer.activation_bits))
        for item in placement.layers
    }
    sliced = f"products of 8-bit values take up to {max(slices)} row-cycles: precision by slicing"
    count = format_count(len(placement.host_nodes), "node")
    core = machine.host.core if machine.host else "not described: its time is not in the latency"
    host = f"{count} without MACs on the host ({core})"
    return (*([sliced] if max(slices) > 1 else []), *([host] if placement.host_nodes else []))
