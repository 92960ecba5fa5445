# SPDX-License-Identifier: MIT
"""Cutting, packing and placing: every weight lies somewhere once, nothing overlaps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.aimc.estimate import estimate, peak_tops
from milliwatt.backend.aimc.layers import Kind, Layer
from milliwatt.backend.aimc.lists import listed_layers
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.model import Machine
from milliwatt.backend.aimc.packing import pack
from milliwatt.backend.aimc.pipeline import pipelined
from milliwatt.backend.aimc.place import Options, arrays_needed, place_layers
from milliwatt.backend.aimc.placement import Unit
from milliwatt.backend.aimc.tiling import cut
from milliwatt.backend.dimc.workload import load_workload
from milliwatt.errors import FitError, OptionError
from tests.backend.aimc.strategies import figure, layers, resized
from tests.support import REPOSITORY

ON_ARRAYS = (("conv", "arrays"), ("depthwise", "arrays"))


def conv(name: str, rows: int, columns: int, vectors: int, bits: int = 4) -> Layer:
    macs = rows * columns * vectors
    return Layer(
        name, "conv", rows, columns, 1, vectors, bits, macs, rows * vectors, columns * vectors
    )


@given(layers(), st.integers(1, 2), st.integers(16, 256), st.integers(16, 256))
def test_tiles_cover_the_matrix_once(layer: Layer, slices: int, rows: int, columns: int) -> None:
    covered = np.zeros((layer.groups, layer.rows, layer.columns), np.int32)
    for tile in cut(layer, slices, rows, columns):
        assert tile.height <= rows
        assert tile.width <= columns
        here = np.s_[
            tile.group : tile.group + tile.groups,
            tile.row : tile.row + tile.rows,
            tile.column : tile.column + tile.columns,
        ]
        covered[here] += 1
    assert (covered == 1).all()


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), max_size=40))
def test_packed_rectangles_do_not_overlap(sizes: list[tuple[int, int]]) -> None:
    spots = pack(sizes, (20, 20))
    taken: Counter[tuple[int, int, int]] = Counter()
    for spot, (rows, columns) in zip(spots, sizes, strict=True):
        assert spot.row + rows <= 20
        assert spot.column + columns <= 20
        for row in range(rows):
            for column in range(columns):
                taken[spot.array, spot.row + row, spot.column + column] += 1
    assert all(count == 1 for count in taken.values())


def test_packing_fills_what_divides_evenly() -> None:
    spots = pack([(10, 10)] * 8 + [(20, 10)] * 2, (20, 20))
    assert max(spot.array for spot in spots) + 1 == 3


@given(st.lists(layers(), min_size=1, max_size=6, unique_by=lambda layer: layer.name))
def test_cycles_are_never_below_macs_over_peak(network: list[Layer]) -> None:
    machine = resized("pcm-cluster", rows=64, columns=48, arrays=20)
    for options in (Options(), Options(pinned=ON_ARRAYS, overflow="reprogram")):
        placement = place_layers(network, machine, options)
        cost = estimate(placement)
        peak = peak_tops(machine) * 1e12 / 2 / machine.system.clock_hz.value
        on_arrays = {a.layer.name for a in placement.assignments if a.unit == "arrays"}
        for row in cost.rows:
            if row.node in on_arrays:
                assert row.cycles >= row.macs / peak
                assert 0 <= row.utilisation <= 1
        assert cost.macs == sum(layer.macs for layer in network)
        assert cost.energy_pj == pytest.approx(sum(row.energy_pj for row in cost.rows))


def test_depthwise_on_the_diagonal_is_said_to_be_bad() -> None:
    layer = Layer("dw", "depthwise", 9, 1, 96, 49, 4, 9 * 96 * 49, 96 * 49, 96 * 49)
    machine = load_machine("pcm-cluster")
    placement = place_layers([layer], machine, Options(pinned=(("depthwise", "arrays"),)))
    assignment = placement.assignment("dw")
    assert [p.tile.groups for p in assignment.tiles] == [28, 28, 28, 12]
    assert assignment.fill == pytest.approx(96 * 9 / (9 * (3 * 28 * 28 + 12 * 12)))
    assert any("badly" in note for note in placement.notes)
    assert place_layers([layer], machine).assignment("dw").unit == "depthwise engine"


def test_replicas_share_the_vectors() -> None:
    machine = resized("reram-wan2022", arrays=8)
    layer = conv("c", 200, 200, 1000)
    alone = place_layers([layer], machine, Options(replicate=False))
    copied = place_layers([layer], machine)
    assert copied.assignment("c").replicas == 8
    assert estimate(alone).cycles == pytest.approx(8 * estimate(copied).cycles)
    assert copied.arrays_used == 8


def test_replicas_are_useless_behind_one_interface() -> None:
    placement = place_layers([conv("c", 200, 200, 1000)], load_machine("pcm-cluster"))
    assert placement.assignment("c").replicas == 1


def test_weights_beyond_the_arrays_are_rewritten_and_costed() -> None:
    machine = resized("pcm-cluster", arrays=2)
    network = [conv(f"c{i}", 256, 256, 10) for i in range(5)]
    placement = place_layers(network, machine, Options(overflow="reprogram"))
    assert (placement.rounds, placement.rewritten_arrays) == (3, 5)
    rewriting = estimate(placement).rows[-1]
    # Weights of 4 bits come from the next memory, 8 bytes a cycle.
    assert rewriting.cycles == pytest.approx(5 * 256 * 256 / 2 / 8)
    known = replace(machine, system=replace(machine.system, next_memory=None))
    rewriting = estimate(replace(placement, machine=known)).rows[-1]
    # 25 products of 130 ns at 500 MHz for each of the five arrays.
    assert rewriting.cycles == pytest.approx(5 * 25 * 65)
    assert rewriting.energy_by_component_pj["reprogramming"] == pytest.approx(5 * 312e3)


def test_what_does_not_fit_goes_to_the_cores_least_rewarding_first() -> None:
    machine = resized("pcm-cluster", arrays=1)
    network = [conv("often", 256, 256, 1000), conv("seldom", 256, 256, 10)]
    placement = place_layers(network, machine)
    assert placement.assignment("often").unit == "arrays"
    assert placement.assignment("seldom").unit == "cores"
    assert any("seldom" in note for note in placement.notes)


def test_a_machine_that_can_do_neither_refuses_and_says_why() -> None:
    machine = resized("pcm-cluster", arrays=1)
    machine = replace(
        machine,
        crossbar=replace(machine.crossbar, rewrite_mvms=None),
        system=replace(machine.system, cores=None, depthwise_engine=None),
    )
    with pytest.raises(FitError, match=r"need 2 arrays of 256 x 256 cells.*has 1.*'big'"):
        place_layers([conv("big", 256, 256, 1), conv("small", 10, 10, 1)], machine)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(pinned=(("conv", "depthwise engine"),)), "cannot be pinned"),
        (Options(pinned=(("other", "arrays"),)), "cannot be pinned"),
        (Options(pinned=(("pointwize", "arrays"),)), "allowed: conv, pointwise"),
        (Options(pinned=(("conv", "core"),)), "allowed: arrays, cores"),
        (Options(weights="packed"), "allowed: sliced, rounded, continuous"),
        (Options(overflow="drop"), "allowed: auto, cores, reprogram"),
    ],
)
def test_impossible_wishes_are_refused(options: Options, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        place_layers([conv("c", 4, 4, 1)], load_machine("pcm-cluster"), options)


def test_no_engine_no_pinning_to_it() -> None:
    options = Options(pinned=(("depthwise", "depthwise engine"),))
    with pytest.raises(OptionError, match="no depthwise engine"):
        place_layers([conv("c", 4, 4, 1)], load_machine("diana"), options)


def test_wider_weights_take_more_columns() -> None:
    machine = load_machine("pcm-cluster")
    layer = conv("c", 256, 256, 1, bits=8)
    assert arrays_needed([layer], machine) == 2
    assert arrays_needed([layer], machine, Options(weights="rounded")) == 1


def on_arrays(network: list[Layer], machine: Machine, chosen: set[str]) -> float:
    """Cycles with exactly these layers on arrays and the others on the cores."""
    named = [replace(x, kind="pointwise" if x.name in chosen else "conv") for x in network]
    pinned = (("pointwise", "arrays"), ("conv", "cores"))
    placement = place_layers(named, machine, Options(pinned=pinned))
    if any(a.layer.kind == "pointwise" and a.unit != "arrays" for a in placement.assignments):
        return float("inf")
    return estimate(placement).cycles


@given(
    st.lists(
        st.tuples(st.integers(30, 300), st.integers(30, 300), st.integers(1, 400)),
        min_size=1,
        max_size=5,
    )
)
def test_the_choice_of_layers_is_the_best_of_all(shapes: list[tuple[int, int, int]]) -> None:
    machine = resized("pcm-cluster", arrays=2)
    network = [conv(f"c{i}", *shape) for i, shape in enumerate(shapes)]
    names = [layer.name for layer in network]
    subsets = (set(s) for n in range(len(names) + 1) for s in combinations(names, n))
    best = min(on_arrays(network, machine, chosen) for chosen in subsets)
    assert estimate(place_layers(network, machine)).cycles == pytest.approx(best)


def test_a_partly_filled_array_is_rewritten_in_part() -> None:
    """Rows that hold nothing are not written, nor cells beside the tile."""
    machine = resized("pcm-cluster", arrays=1)
    network = [conv("full", 256, 256, 10), conv("small", 64, 128, 10)]
    placement = place_layers(network, machine, Options(overflow="reprogram"))
    assert (placement.rounds, placement.rewritten_arrays, placement.rewritten_rows) == (2, 2, 320)
    rewriting = estimate(placement).rows[-1]
    memory = machine.system.next_memory
    assert memory is not None
    # Fetching 4-bit weights takes longer here than writing: 8 bytes a cycle.
    weights_bytes = (256 * 256 + 64 * 128) // 2
    assert rewriting.cycles == pytest.approx(max(1.25 * 25 * 65, weights_bytes / 8))
    energy = rewriting.energy_by_component_pj
    assert energy["reprogramming"] == pytest.approx(312e3 * (1 + 64 * 128 / 65536))
    assert energy["next memory"] == pytest.approx(weights_bytes * memory.pj_per_byte.value)


def moved(machine: Machine, network: list[Layer], options: Options) -> int:
    return sum(row.bytes_moved for row in estimate(place_layers(network, machine, options)).rows)


@pytest.mark.parametrize(("rows", "bits"), [(256, 4), (600, 4), (600, 8)])
def test_accumulated_sums_cross_the_bus_once(rows: int, bits: int) -> None:
    """Inputs reach every column block; finished sums leave once, whatever slices and blocks."""
    machine = load_machine("pcm-cluster")
    plain = replace(machine, system=replace(machine.system, partial_sums="moved"))
    layer, options = conv("c", rows, 200, 10, bits), Options()
    blocks, slices = -(-rows // 256), bits // 4
    column_blocks = -(-200 * slices // 256)
    assert moved(machine, [layer], options) == 10 * (rows * column_blocks + 200)
    assert moved(plain, [layer], options) == 10 * (rows * column_blocks + blocks * slices * 200)


def test_sums_of_another_round_are_fetched_and_sent_as_accumulators() -> None:
    machine = resized("pcm-cluster", arrays=1)
    layer = conv("c", 512, 256, 10)
    placement = place_layers([layer], machine, Options(overflow="reprogram"))
    first, second, _ = estimate(placement).rows
    assert first.bytes_moved == 10 * (256 + 4 * 256)
    assert second.bytes_moved == 10 * (256 + 4 * 256 + 256)


def test_what_the_memory_cannot_hold_goes_to_the_next() -> None:
    machine = load_machine("pcm-cluster")
    layer = conv("c", 256, 256, 4096)
    over = 2 * 256 * 4096 - 524_288
    row = estimate(place_layers([layer], machine)).rows[0]
    assert row.energy_by_component_pj["next memory"] == pytest.approx(12.4 * over)
    unknown = replace(machine, system=replace(machine.system, next_memory=None))
    placement = place_layers([layer], unknown)
    assert "next memory" not in estimate(placement).rows[0].energy_by_component_pj
    assert any("1 layer (first: 'c')" in n and "more than is known" in n for n in placement.notes)


def test_sram_is_rewritten_where_that_is_better_and_phase_change_cells_are_not() -> None:
    network = [conv("a", 1152, 512, 400, bits=1), conv("b", 1152, 512, 400, bits=1)]
    machine = load_machine("diana")
    either = [place_layers(network, machine, Options(overflow=o)) for o in ("cores", "reprogram")]
    costs = [estimate(placement) for placement in either]
    best = min(costs, key=lambda cost: cost.seconds * cost.energy_pj)
    assert best is costs[1]
    assert estimate(place_layers(network, machine)) == best
    cells = [conv("a", 256, 256, 400), conv("b", 256, 256, 400)]
    assert place_layers(cells, resized("pcm-cluster", arrays=1)).rounds == 1


def test_resnet18_on_512_arrays_beside_the_published_rate() -> None:
    """Bruschi et al. (arXiv 2211.12877): 512 clusters with an array each reach 20.2 TOPS.

    Ours is an upper bound: nothing of pooling, additions and what goes between the clusters.
    """
    machine = load_machine("pcm-cluster")
    system = replace(machine.system, concurrent_arrays=figure(512), next_memory=None)
    machine = replace(machine, arrays=figure(512), system=system)
    resnet = listed_layers(load_workload(REPOSITORY / "bench/imc/workloads/resnet18.toml"))
    macs = sum(layer.macs for layer in resnet)
    assert macs == 1_814_073_344
    pinned: tuple[tuple[Kind, Unit], ...] = tuple(
        (k, "arrays") for k in ("conv", "pointwise", "dense")
    )
    tops: dict[int, float] = {}
    for bits in (4, 8):
        layers_of_bits = [replace(layer, weight_bits=bits) for layer in resnet]
        placement = place_layers(layers_of_bits, machine, Options(pinned=pinned))
        assert placement.rounds == 1
        found = pipelined(placement, estimate(placement))
        tops[bits] = 2 * macs * found.inferences_per_second / 1e12
    assert tops[4] == pytest.approx(38.1, abs=0.1)
    assert tops[8] == pytest.approx(21.3, abs=0.1)
