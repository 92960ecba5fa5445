# SPDX-License-Identifier: MIT
"""The mapper's optimum is that of brute force; cycles keep to what the tiles can do."""

from collections import Counter, defaultdict
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from milliwatt.backend.dimc.cycles import (
    MODES,
    Mapping,
    Mode,
    can_part,
    count_cycles,
    largest_part,
    row_elements,
    useful_work,
)
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.mapper import kernels_a_row, map_layer, needed_chains
from milliwatt.backend.dimc.placement import place
from milliwatt.backend.dimc.tiles import tile_contents
from milliwatt.backend.dimc.workload import Workload
from milliwatt.errors import FitError, OptionError, UnsupportedError
from milliwatt.units import ceil_div
from tests.backend.dimc.networks import layers, machines

modes = st.sampled_from(MODES)


def mapped(machine: Machine, layer: Layer, mode: Mode) -> Mapping:
    """The optimum on all clusters; what the machine cannot hold is no example."""
    try:
        return map_layer(machine, layer, mode, machine.clusters, "all-clusters")
    except (FitError, UnsupportedError):
        assume(False)
        raise


def brute_force(machine: Machine, layer: Layer, mode: Mode) -> Fraction:
    """The fewest cycles over every mapping that fits, longer chains included, one by one."""
    chains = needed_chains(machine, layer)
    best = []
    held = layer.kernels * len(machine.weight_slices(layer.weight_bits)) - layer.zero_rows
    pack = kernels_a_row(machine, layer) if mode == "packed" else 1
    most_tiles = min(layer.kernels, ceil_div(held, pack))
    span = range(1, machine.tiles_per_cluster + 1)
    for length in (x for x in machine.chain_lengths if x >= chains):
        for stripes in span:
            for parallel in span:
                if stripes * length * parallel > machine.tiles_per_cluster:
                    continue
                rows = ceil_div(held, pack)
                least = ceil_div(rows, machine.rows * parallel)
                most = ceil_div(least, machine.clusters) * machine.clusters
                for rounds in range(1, most + 1):
                    for shares in range(1, machine.clusters + 1):
                        if (
                            rounds < least
                            or (rounds > least and rounds > ceil_div(most_tiles, parallel))
                            or parallel > most_tiles
                            or not can_part(machine, layer, stripes, shares)
                        ):
                            continue
                        found = Mapping(
                            stripes,
                            chains,
                            parallel,
                            length,
                            rounds,
                            shares,
                            machine.clusters,
                            pack,
                        )
                        best.append(count_cycles(machine, layer, found, mode).total)
    return min(best)


@given(machines(), layers(), modes)
def test_optimum_is_that_of_brute_force(machine: Machine, layer: Layer, mode: Mode) -> None:
    mapping = mapped(machine, layer, mode)
    assert count_cycles(machine, layer, mapping, mode).total == brute_force(machine, layer, mode)


@given(machines(), layers(), modes)
def test_cycles_are_not_below_macs_over_peak(machine: Machine, layer: Layer, mode: Mode) -> None:
    cycles = count_cycles(machine, layer, mapped(machine, layer, mode), mode)
    work = useful_work(machine, layer, mode)
    assert cycles.compute >= Fraction(work, row_elements(machine, layer) * machine.tiles)
    assert cycles.load * machine.load_port_bits * machine.clusters >= layer.load_bits


@given(machines(), layers())
def test_packing_lies_between_published_and_row_serial(machine: Machine, layer: Layer) -> None:
    """For one mapping on one cluster; the optimum of each mode may differ more. The published mode
    knows no rows left out."""
    layer = replace(layer, zero_rows=0)
    mapping = map_or_skip(machine, layer)
    packed = replace(mapping, pack=kernels_a_row(machine, layer))
    published = count_cycles(machine, layer, mapping, "published").compute
    assert published <= count_cycles(machine, layer, packed, "packed").compute
    serial = count_cycles(machine, layer, mapping, "row-serial").compute
    assert count_cycles(machine, layer, packed, "packed").compute <= serial


def map_or_skip(machine: Machine, layer: Layer) -> Mapping:
    try:
        return map_layer(machine, layer, "row-serial", 1, "one-cluster")
    except (FitError, UnsupportedError):
        assume(False)
        raise


@given(machines(), layers(), st.sampled_from(["row-serial", "packed"]))
def test_tiles_hold_every_kernel_once_and_work_as_charged(
    machine: Machine, layer: Layer, mode: Mode
) -> None:
    """Walk over all the tiles: rows fit, weights are complete, the busiest is charged."""
    mapping = mapped(machine, layer, mode)
    held: Counter[tuple[int, int, int]] = Counter()
    loaded: Counter[int] = Counter()
    busy: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for tile in tile_contents(machine, layer, mapping):
        assert tile.tile < machine.tiles_per_cluster
        assert tile.cluster < machine.clusters
        rows = ceil_div(len(tile.kernel_rows), mapping.pack)
        assert rows <= machine.rows
        assert len(tile.elements) <= row_elements(machine, layer) // mapping.pack
        for row in tile.kernel_rows:
            held[row, tile.stripe, tile.share] += len(tile.elements)
        busy[tile.cluster][tile.wave] = max(busy[tile.cluster][tile.wave], rows)
        if tile.stripe == tile.link == 0:
            loaded[tile.cluster] += len(tile.kernel_rows)
    rows = layer.kernels * len(machine.weight_slices(layer.weight_bits)) - layer.zero_rows
    assert len(held) == rows * mapping.stripes * mapping.shares
    assert set(held.values()) == {layer.kernel_elements}
    part = largest_part(machine, layer, mapping.stripes, mapping.shares)
    passes = len(machine.activation_slices(layer.activation_bits))
    walked = max(sum(waves.values()) for waves in busy.values()) * part * passes * layer.repeats
    fill = layer.repeats * mapping.waves * (mapping.chains - 1) * machine.chain_hop_cycles
    cycles = count_cycles(machine, layer, mapping, mode)
    assert cycles.load * machine.load_port_bits >= Fraction(
        layer.load_bits * max(loaded.values()), rows
    )
    charged = cycles.compute
    assert walked + fill <= charged
    if machine.clusters == 1:
        assert walked + fill == charged


def layer(**changes: object) -> Layer:
    base = Layer("wide", 224, (3, 3), 64, (14, 14), 4, 4)
    return replace(base, **changes)


ST = load_machine("st-dimc")


def test_a_kernel_wider_than_all_chains_is_refused() -> None:
    with pytest.raises(FitError) as caught:
        place(Workload("w", "test", (layer(kernel_hw=(5, 5)),)), ST)
    assert str(caught.value) == (
        "layer 'wide': a kernel of 5,600 weights of 4 bits needs a chain of 22 tiles of 1024 bits; "
        "st-dimc has chains of at most 8, 2,048 weights"
    )


def test_a_precision_that_is_not_offered_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="weights of 7 bits are not offered; offered: 1, 2"):
        place(Workload("w", "test", (layer(weight_bits=7),)), ST)


def test_weights_beyond_the_memory_are_refused() -> None:
    small = replace(load_machine("generic-dimc"), weight_memory_bytes=1000)
    with pytest.raises(FitError, match=r"need 1,024 B; generic-dimc has 1,000 B .* 'wide'"):
        place(Workload("w", "test", (layer(in_channels=32, kernel_hw=(1, 1)),)), small)


def test_weights_that_do_not_stay_resident_are_refused() -> None:
    with pytest.raises(FitError, match=r"resident takes .* rows"):
        place(Workload("w", "test", (layer(kernels=4096),)), ST, weights="resident")


@pytest.mark.parametrize("options", [{"mode": "fast"}, {"clusters": 9}, {"objective": "least"}])
def test_unknown_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"mode is|clusters is|objective is"):
        place(Workload("w", "test", (layer(),)), ST, **options)


def test_everything_follows_from_the_description() -> None:
    """Half the row width doubles the chain; half the port doubles the load; half the tiles halve
    the stripes."""
    base = layer(in_channels=16, kernel_hw=(3, 3), kernels=32, out_hw=(64, 64))
    published = map_layer(ST, base, "published", 1, "one-cluster")
    assert (published.stripes, published.chains) == (8, 1)
    narrow = replace(ST, row_bits=512)
    assert map_layer(narrow, base, "published", 1, "one-cluster").chains == 2
    few = replace(ST, tiles_per_cluster=4, chain_lengths=(1, 2, 4))
    assert map_layer(few, base, "published", 1, "one-cluster").stripes == 4
    slow = replace(ST, load_port_bits=32)
    fast_load = count_cycles(ST, base, published, "published").load
    assert count_cycles(slow, base, published, "published").load == 2 * fast_load
