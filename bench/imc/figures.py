# SPDX-License-Identifier: MIT
"""What milliwatt says of ZigZag's example layer and of ResNet-18 on ZigZag's example arrays."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from milliwatt.backend import aimc
from milliwatt.backend.aimc.estimate import MACRO_COMPONENTS
from milliwatt.backend.aimc.layers import Layer as Matrix
from milliwatt.backend.api import Cost
from milliwatt.backend.dimc import estimate as dimc_estimate
from milliwatt.backend.dimc.activity import FULL
from milliwatt.backend.dimc.energy import Level
from milliwatt.backend.dimc.load import load_machine as load_digital
from milliwatt.backend.dimc.placement import place as place_digital
from milliwatt.backend.dimc.workload import Workload, load_workload

HERE = Path(__file__).parent
LAYER, RESNET = "zigzag-layer", "resnet18"
REPEATS = 15


@dataclass(frozen=True, slots=True)
class Figures:
    """The cost of one workload on one array."""

    cycles: float
    """In the array's own cycles, those of ZigZag: one pulse of input bits each."""
    nanoseconds: float
    array_uj: float
    other_uj: float
    """Energy outside the array."""

    @property
    def total_uj(self) -> float:
        """All energy."""
        return self.array_uj + self.other_uj


def digital_cost(workload: Workload, level: Level = "system") -> Cost:
    """Every layer mapped on the digital array and costed, all bits switching as in ZigZag."""
    placement = place_digital(workload, load_digital(HERE / "machines/zigzag-dimc.toml"))
    return dimc_estimate.estimate(placement, activity=FULL, level=level)


def analogue_cost(matrix: Matrix) -> Cost:
    """One layer mapped on the analogue array and costed."""
    machine = aimc.load_machine(HERE / "machines/zigzag-aimc.toml")
    return aimc.estimate(aimc.place_layers([matrix], machine))


def digital_figures(name: str) -> Figures:
    """The workload of that name on the digital array."""
    array, everything = (digital_cost(workload(name), level) for level in ("tile", "system"))
    other = everything.energy_pj - array.energy_pj
    return Figures(
        everything.cycles, everything.seconds * 1e9, array.energy_pj * 1e-6, other * 1e-6
    )


def analogue_figures() -> Figures:
    """ZigZag's example layer on the analogue array."""
    cost = analogue_cost(example_matrix())
    energy = cost.energy_by_component_pj
    array = sum(energy[name] for name in MACRO_COMPONENTS)
    other = cost.energy_pj - array
    return Figures(cost.cycles, cost.seconds * 1e9, array * 1e-6, other * 1e-6)


def workload(name: str) -> Workload:
    """The workload of that name in this folder."""
    return load_workload(HERE / f"workloads/{name}.toml")


def example_matrix() -> Matrix:
    """The example layer as the analogue backend sees it."""
    (layer,) = workload(LAYER).layers
    rows, outputs = layer.kernel_elements, layer.kernels * layer.pixels
    inputs = layer.input_bits // layer.activation_bits
    bits, macs = layer.weight_bits, layer.macs
    return Matrix(
        layer.name, "conv", rows, layer.kernels, 1, layer.pixels, bits, macs, inputs, outputs
    )


def median_seconds(work: Callable[[], object]) -> float:
    """Median wall time of `REPEATS` runs after one that warms up."""
    work()
    return statistics.median(_seconds(work) for _ in range(REPEATS))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
