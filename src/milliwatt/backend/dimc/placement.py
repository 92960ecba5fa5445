# SPDX-License-Identifier: MIT
"""A network on a machine: which mapping every layer has, and what stays on the host core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, get_args

from milliwatt.backend.dimc.coding import stored_layer
from milliwatt.backend.dimc.cycles import (
    MODES,
    Cycles,
    Mode,
    count_cycles,
    kernel_rows,
    row_elements,
)
from milliwatt.backend.dimc.cycles import Mapping as TileMapping
from milliwatt.backend.dimc.extract import Precision, graph_products
from milliwatt.backend.dimc.host import HostWork, host_cycles, host_work
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.mapper import OBJECTIVES, Objective, map_layer
from milliwatt.backend.dimc.workload import Workload
from milliwatt.errors import FitError, OptionError
from milliwatt.ir.graph import Graph
from milliwatt.units import ceil_div, format_bytes

Weights = Literal["reloaded", "resident"]


@dataclass(frozen=True, slots=True)
class PlacedLayer:
    """A layer, its mapping, and its cycles in the placement's mode."""

    layer: Layer
    mapping: TileMapping
    cycles: Cycles
    utilisation: float
    """Share of the tiles' row bits that hold weights, as ST's tables count: rows left empty
    are not counted as idle."""
    row_fill: float
    """Share of the rows of the tiles in use that hold a kernel, over all rounds."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Every layer of a network mapped to a machine."""

    machine: Machine
    network: str
    mode: Mode
    clusters: int
    objective: Objective
    weights: Weights
    layers: tuple[PlacedLayer, ...]
    host: tuple[HostWork, ...] = ()
    """What the host core computes."""
    graph: Graph | None = None
    """The graph that was placed; None for a list of layers, which cannot be simulated."""

    @property
    def cycles(self) -> Fraction:
        """Cycles of one inference: layers and the host's nodes one after another.

        Without the host's where the machine does not describe its host.
        """
        tiles = sum((item.cycles.total for item in self.layers), Fraction(0))
        return tiles + sum(host_cycles(self.machine, work) for work in self.host)

    @property
    def host_nodes(self) -> tuple[str, ...]:
        """Names of the nodes that the host core computes, or computes a part of."""
        return tuple(work.node for work in self.host)

    @property
    def macs(self) -> int:
        """Multiply-accumulates that tiles compute in one inference."""
        return sum(item.layer.macs for item in self.layers)

    def inferences_per_second(self, clock_hz: float) -> float:
        """Inferences a second, one after another."""
        return clock_hz / float(self.cycles)


def place(
    network: Graph | Workload,
    machine: Machine,
    *,
    mode: Mode = "row-serial",
    clusters: int | None = None,
    objective: Objective = "all-clusters",
    weights: Weights = "reloaded",
    precision: Mapping[str, Precision] = MappingProxyType({}),
) -> Placement:
    """Map every layer with the fewest cycles (`mapper` says what is proved).

    `clusters` of the machine are used, all where None. With `weights` "reloaded" every inference
    loads every kernel, as in ST's tables; "resident" keeps all of them in the tiles. `precision`
    sets bits by the value that a node computes. A FitError where a kernel or the weights do not
    fit, an UnsupportedError for precisions or operators that the machine does not have.
    """
    _check_options(machine, mode, clusters, objective, weights)
    count = clusters or machine.clusters
    if isinstance(network, Graph):
        layers: Sequence[Layer] = _graph_layers(network, machine, precision)
    else:
        layers = network.layers
        if precision:
            raise OptionError("precision is for graphs; a workload says the bits of its layers")
    _check_weight_memory(machine, network.name, layers)
    placed = tuple(_place_layer(machine, item, mode, count, objective, weights) for item in layers)
    if weights == "resident":
        _check_resident(machine, network.name, placed, count)
    graph = network if isinstance(network, Graph) else None
    host = () if graph is None else host_work(graph)
    return Placement(machine, network.name, mode, count, objective, weights, placed, host, graph)


def _graph_layers(
    graph: Graph, machine: Machine, precision: Mapping[str, Precision]
) -> tuple[Layer, ...]:
    products = graph_products(graph, precision)
    return tuple(stored_layer(machine, product) for product in products.values())


def _place_layer(
    machine: Machine,
    layer: Layer,
    mode: Mode,
    clusters: int,
    objective: Objective,
    weights: Weights,
) -> PlacedLayer:
    mapping = map_layer(machine, layer, mode, clusters, objective)
    cycles = count_cycles(machine, layer, mapping, mode)
    if weights == "resident":
        cycles = Cycles(cycles.compute, Fraction(0))
    held = layer.kernel_elements * mapping.pack * mapping.stripes * mapping.parallel
    rows = ceil_div(kernel_rows(machine, layer), mapping.pack)
    return PlacedLayer(
        layer,
        mapping,
        cycles,
        utilisation=held / (row_elements(machine, layer) * machine.tiles_per_cluster),
        row_fill=rows / (machine.rows * mapping.parallel * mapping.rounds),
    )


def _check_options(
    machine: Machine, mode: str, clusters: int | None, objective: str, weights: str
) -> None:
    options = (
        ("mode", mode, MODES),
        ("objective", objective, OBJECTIVES),
        ("weights", weights, get_args(Weights)),
    )
    for name, value, allowed in options:
        if value not in allowed:
            raise OptionError(f"{name} is '{value}'; allowed: {', '.join(allowed)}")
    if clusters is not None and not 1 <= clusters <= machine.clusters:
        raise OptionError(f"clusters is {clusters}; {machine.name} has 1 to {machine.clusters}")


def _check_weight_memory(machine: Machine, name: str, layers: Sequence[Layer]) -> None:
    have = machine.weight_memory_bytes
    need = ceil_div(sum(layer.load_bits for layer in layers), 8)
    if have is not None and need > have:
        most = max(layers, key=lambda layer: layer.load_bits)
        raise FitError(
            f"the weights of '{name}' need {format_bytes(need)}; {machine.name} has "
            f"{format_bytes(have)} for them; the most takes '{most.name}' with "
            f"{format_bytes(ceil_div(most.load_bits, 8))}"
        )


def _check_resident(
    machine: Machine, name: str, placed: Sequence[PlacedLayer], clusters: int
) -> None:
    need = {item.layer.name: held_rows(machine, item) for item in placed}
    have = clusters * machine.tiles_per_cluster * machine.rows
    if sum(need.values()) > have:
        most = max(need, key=lambda key: need[key])
        raise FitError(
            f"to keep the kernels of '{name}' resident takes {sum(need.values()):,} rows of "
            f"tiles, copies for stripes and shares included; {clusters} clusters of "
            f"{machine.name} have {have:,}; the most takes '{most}' with {need[most]:,}"
        )


def held_rows(machine: Machine, item: PlacedLayer) -> int:
    """Rows that the layer's kernels take in all tiles, with a copy for each stripe and share."""
    rows = ceil_div(kernel_rows(machine, item.layer), item.mapping.pack)
    return rows * item.mapping.chain_length * item.mapping.stripes * item.mapping.shares
