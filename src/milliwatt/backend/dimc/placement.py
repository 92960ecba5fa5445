# SPDX-License-Identifier: MIT
"""Place a network on a machine: the best mapping for every layer, the rest to the host core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    feature_shares: Mapping[str, float] = MappingProxyType({}),
) -> Placement:
    """Map every layer with the fewest cycles (`mapper` says what is proved).

    `clusters` of the machine are used, all where None. With `weights` "reloaded" every inference
    loads every kernel, as in ST's tables; "resident" keeps all of them in the tiles. Maps that do
    not fit the machine's feature memory are cut as `features.plan_features` says. `precision`
    sets bits by the value that a node computes; `feature_shares` says what coding leaves of each
    map (`compression.feature_shares`), on a machine that codes them. A FitError where a kernel or
    the weights do not fit, an UnsupportedError for precisions or operators that the machine does
    not have.
    """
    _check_options(machine, mode, clusters, objective, weights)
    count = clusters or machine.clusters
    layers, sources = _layers(network, machine, precision)
    _check_weight_memory(machine, network.name, layers)
    placed = tuple(
        replace(_place_layer(machine, layer, mode, count, objective, weights), source=source)
        for layer, source in zip(layers, sources, strict=True)
    )
    if weights == "resident":
        _check_resident(machine, network.name, placed, count)
    graph = network if isinstance(network, Graph) else None
    if feature_shares and (graph is None or machine.feature_coding == "none"):
        raise OptionError(
            "feature_shares are for a graph on a machine with compression.features; "
            f"'{network.name}' on {machine.name} is not"
        )
    host = () if graph is None else host_work(graph)
    made = (machine, network.name, mode, count, objective, weights, placed, host, graph)
    return cut_maps(Placement(*made, feature_shares))


def _layers(
    network: Graph | Workload, machine: Machine, precision: Mapping[str, Precision]
) -> tuple[Sequence[Layer], Sequence[str | None]]:
    """The layers, and the values that they read."""
    if isinstance(network, Graph):
        products = graph_products(network, precision).values()
        return [stored_layer(machine, p) for p in products], [p.source for p in products]
    if precision:
        raise OptionError("precision is for graphs; a workload says the bits of its layers")
    return network.layers, [None] * len(network.layers)


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
