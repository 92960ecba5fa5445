# SPDX-License-Identifier: MIT
"""Place a network on a machine: the best mapping for every layer, the rest to the host core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import get_args

from milliwatt.backend.dimc.coding import stored_layer
from milliwatt.backend.dimc.cycles import (
    MODES,
    Cycles,
    Mode,
    count_cycles,
    kernel_rows,
    row_elements,
)
from milliwatt.backend.dimc.extract import Precision, graph_products
from milliwatt.backend.dimc.features import cut_maps
from milliwatt.backend.dimc.host import host_work
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.mapper import OBJECTIVES, Objective, map_layer
from milliwatt.backend.dimc.placed import PlacedLayer, Placement, Weights, held_rows
from milliwatt.backend.dimc.workload import Workload
from milliwatt.errors import FitError, OptionError
from milliwatt.ir.graph import Graph
from milliwatt.units import ceil_div, format_bytes


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
    loads every kernel, as in ST's tables; "resident" keeps all of them in the tiles. Maps that do
    not fit the machine's feature memory are cut as `features.plan_features` says. `precision`
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
    return cut_maps(
        Placement(machine, network.name, mode, count, objective, weights, placed, host, graph)
    )


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
