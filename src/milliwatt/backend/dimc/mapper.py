# SPDX-License-Identifier: MIT
"""Find the mapping of a layer with the fewest cycles, by looking at every one.

The space is small (a few hundred mappings), so the result is the optimum under the cost model of
`cycles`. Objective "one-cluster" is how ST's tables were made: the tiles of one cluster are mapped
for the fewest cycles there, and the rounds and shares are then dealt to the clusters. Objective
"all-clusters" minimises the cycles of the whole machine, and may load kernels in more rounds than
needed so that clusters share the loading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from milliwatt.backend.dimc.cycles import (
    Mapping,
    Mode,
    can_part,
    count_cycles,
    kernel_rows,
    row_elements,
)
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.errors import FitError
from milliwatt.units import align_up, ceil_div

Objective = Literal["one-cluster", "all-clusters"]
OBJECTIVES: tuple[Objective, ...] = ("one-cluster", "all-clusters")


def map_layer(
    machine: Machine, layer: Layer, mode: Mode, clusters: int, objective: Objective
) -> Mapping:
    """The mapping with the fewest cycles on `clusters` clusters (see the module).

    A FitError where a kernel is wider than the longest chain, an UnsupportedError where its
    precision is not offered.
    """
    if objective == "all-clusters":
        every = mappings(machine, layer, mode, clusters)
        return min(every, key=lambda m: _key(machine, layer, m, mode))
    every = mappings(machine, layer, mode, 1)
    single = min(every, key=lambda m: _key(machine, layer, m, mode))
    return min(
        _dealt(machine, layer, single, clusters),
        key=lambda m: (count_cycles(machine, layer, m, mode).total, m.shares),
    )


def mappings(machine: Machine, layer: Layer, mode: Mode, clusters: int) -> Iterator[Mapping]:
    """Every mapping of the layer that the machine can hold."""
    chains = needed_chains(machine, layer)
    length = machine.chain_length(chains)
    if length is None:
        raise FitError(_too_wide(machine, layer, chains))
    pack = kernels_a_row(machine, layer) if mode == "packed" else 1
    groups = machine.tiles_per_cluster // length
    for stripes in range(1, groups + 1):
        for parallel in range(1, min(groups // stripes, spread(machine, layer, pack)) + 1):
            base = Mapping(stripes, chains, parallel, length, 1, 1, clusters, pack)
            if can_part(machine, layer, stripes, 1):
                yield from _with_rounds(machine, layer, base)


def needed_chains(machine: Machine, layer: Layer) -> int:
    """Tiles that one kernel, a slice of each of its weights, takes along the reduction."""
    return ceil_div(layer.kernel_elements, row_elements(machine, layer))


def spread(machine: Machine, layer: Layer, pack: int) -> int:
    """Most tiles among which kernels can be dealt: each at least one kernel, and a row."""
    return min(layer.kernels, ceil_div(kernel_rows(machine, layer), pack))


def kernels_a_row(machine: Machine, layer: Layer) -> int:
    """Kernels that fit one row when each takes whole sub-tensors; 1 where it takes them all."""
    part = row_elements(machine, layer) // machine.subtensors
    if not part:
        return 1
    return max(1, machine.subtensors // ceil_div(layer.kernel_elements, part))


def _fewest_rounds(machine: Machine, layer: Layer, mapping: Mapping) -> int:
    rows = ceil_div(kernel_rows(machine, layer), mapping.pack)
    return ceil_div(rows, machine.rows * mapping.parallel)


def _with_rounds(machine: Machine, layer: Layer, base: Mapping) -> Iterator[Mapping]:
    """As many rounds as the rows need, and more until every cluster has as many of them."""
    fewest = _fewest_rounds(machine, layer, base)
    most = min(
        align_up(fewest, base.clusters), ceil_div(spread(machine, layer, base.pack), base.parallel)
    )
    for rounds in range(fewest, max(fewest, most) + 1):
        yield from _dealt(machine, layer, _replaced(base, rounds, 1, base.clusters), base.clusters)


def _dealt(machine: Machine, layer: Layer, base: Mapping, clusters: int) -> Iterator[Mapping]:
    """The mapping with every number of shares that `clusters` clusters can use."""
    for shares in range(1, clusters + 1):
        if can_part(machine, layer, base.stripes, shares):
            yield _replaced(base, base.rounds, shares, clusters)


def _replaced(base: Mapping, rounds: int, shares: int, clusters: int) -> Mapping:
    return Mapping(
        base.stripes,
        base.chains,
        base.parallel,
        base.chain_length,
        rounds,
        shares,
        clusters,
        base.pack,
    )


def _key(machine: Machine, layer: Layer, mapping: Mapping, mode: Mode) -> tuple[object, ...]:
    """What is minimised: cycles, then what ST's tables print among mappings of equal cycles.

    No more parallel groups than full tiles of kernels; no more rounds than `tie_rounds`; stripes
    of a multiple of `tie_stripe_multiple` rows; more stripes; fewer rounds and shares.
    """
    ties, rows = machine.tie_break, layer.out_hw[0]
    filled = ceil_div(kernel_rows(machine, layer), machine.rows * mapping.pack)
    return (
        count_cycles(machine, layer, mapping, mode).total,
        max(0, mapping.parallel - filled),
        max(mapping.rounds, ties.rounds),
        rows % (mapping.stripes * ties.stripe_multiple) != 0,
        -mapping.stripes,
        mapping.rounds,
        mapping.shares,
    )


def _too_wide(machine: Machine, layer: Layer, chains: int) -> str:
    longest = max(machine.chain_lengths)
    room = longest * row_elements(machine, layer)
    return (
        f"layer '{layer.name}': a kernel of {layer.kernel_elements:,} weights of "
        f"{layer.weight_bits} bits needs a chain of {chains} tiles of {machine.row_bits} bits; "
        f"{machine.name} has chains of at most {longest}, {room:,} weights"
    )
