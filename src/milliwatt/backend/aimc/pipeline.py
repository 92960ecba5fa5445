# SPDX-License-Identifier: MIT
"""Many inferences one behind another: each layer on its own arrays works on another one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from milliwatt.backend.aimc.placement import Placement
from milliwatt.backend.aimc.timing import excess_bytes, product_cycles
from milliwatt.backend.api import Cost
from milliwatt.errors import UnsupportedError
from milliwatt.units import ceil_div

_TOGETHER = "the arrays that work at once"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A stream of inferences through resident layers."""

    latency_s: float
    """One inference from end to end: the sum of all layers."""
    interval_s: float
    """From one result to the next: how long the busiest part works for an inference."""
    bottleneck: str
    """A layer, an array, cores or engine, all arrays together, or the next memory."""
    energy_pj: float
    """Of one inference in the stream: the system's base power is shared by those under way."""
    map_bytes: int
    """Feature maps that wait between layers: each output twice, as it is written and read."""

    @property
    def inferences_per_second(self) -> float:
        """Throughput of the full pipeline."""
        return 1 / self.interval_s


def pipelined(placement: Placement, cost: Cost) -> Pipeline:
    """The placement's stream, `cost` being its `estimate`.

    What is used once at a time bounds the interval: a layer, an array (which may hold parts of
    several layers), cores and engine, and all arrays together where few work at once.
    UnsupportedError where arrays are rewritten during an inference.
    """
    if placement.rounds > 1:
        raise UnsupportedError(
            f"weights are rewritten in {placement.rounds} rounds an inference: layers cannot be "
            "pipelined unless all are resident"
        )
    busy = _busy_cycles(placement, cost)
    bottleneck = max(busy, key=lambda name: busy[name])
    interval = busy[bottleneck]
    base_pj = cost.energy_by_component_pj.get("system base", 0.0)
    return Pipeline(
        latency_s=cost.seconds,
        interval_s=interval / cost.clock_hz,
        bottleneck=bottleneck,
        energy_pj=cost.energy_pj - base_pj * (1 - interval / cost.cycles),
        map_bytes=2 * sum(a.layer.output_elements for a in placement.assignments),
    )


def _busy_cycles(placement: Placement, cost: Cost) -> dict[str, float]:
    """Cycles of one inference in which each thing that is used once at a time is busy."""
    machine = placement.machine
    busy: dict[str, float] = defaultdict(float)
    for assignment, row in zip(placement.assignments, cost.rows, strict=True):
        layer = assignment.layer
        over = excess_bytes(layer, assignment.unit, machine)
        if over and machine.system.next_memory is not None:
            busy["the next memory"] += 8 * over / machine.system.next_memory.bus_bits.value
        if assignment.unit != "arrays":
            busy[f"the {assignment.unit}"] += row.cycles
            continue
        busy[f"layer '{layer.name}'"] = row.cycles
        each = product_cycles(layer, [placed.tile for placed in assignment.tiles], machine)
        products = ceil_div(layer.vectors, assignment.replicas)
        for placed in assignment.tiles:
            busy[f"array {placed.spot.array}"] += products * each
        all_products = layer.vectors * len(assignment.tiles)
        busy[_TOGETHER] += all_products * each / machine.system.concurrent_arrays.value
    return busy
