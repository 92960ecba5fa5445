# SPDX-License-Identifier: MIT
"""What moves around the tiles, what the host takes, and what both cost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from milliwatt.backend.dimc.activity import FULL
from milliwatt.backend.dimc.array_model import TECHNOLOGY_28NM, macro_row_energy_fj
from milliwatt.backend.dimc.cycles import MODES, Mode
from milliwatt.backend.dimc.energy import LEVELS, Level
from milliwatt.backend.dimc.estimate import estimate
from milliwatt.backend.dimc.host import host_work
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placement import Placement, place
from milliwatt.backend.dimc.traffic import external_traffic, layer_traffic
from milliwatt.backend.dimc.workload import Workload, load_workload
from milliwatt.errors import FitError, UnsupportedError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph
from milliwatt.passes.pipeline import run_pipeline
from tests.backend.dimc.networks import layers, machines
from tests.support import shared_file

GENERIC, ST = load_machine("generic-dimc"), load_machine("st-dimc")
ON_TILES = ("multipliers", "adder trees", "accumulators")
AROUND = ("kernel load", "feature reads", "feature writes", "partial sums", "clocks", "leakage")
BEYOND = ("kernels off chip", "features off chip")


def one(layer: Layer, machine: Machine = GENERIC, mode: Mode = "row-serial") -> Placement:
    return place(Workload("one", "test", (layer,)), machine, mode=mode)


def parts(placement: Placement, level: Level) -> dict[str, float]:
    return estimate(placement, activity=FULL, level=level).energy_by_component_pj


LAYER = Layer("layer", 16, (3, 3), 24, (12, 12), 4, 4)


def test_every_level_adds_its_own_components() -> None:
    placement = one(LAYER)
    tile, imnpu, system = (parts(placement, level) for level in LEVELS)
    assert tuple(tile) == ON_TILES
    assert tuple(imnpu) == ON_TILES + AROUND
    assert set(system) == {*ON_TILES, *AROUND, *BEYOND}
    assert all(imnpu[name] == tile[name] for name in ON_TILES)
    assert all(system[name] == imnpu[name] for name in ON_TILES + AROUND)


def test_prices_are_those_of_the_description() -> None:
    """Each component is bits times the price of a bit, from the machine's file."""
    placement = one(LAYER)
    traffic, memory = layer_traffic(placement, placement.layers[0]), GENERIC.memory
    assert memory is not None
    assert memory.kernel_read is not None
    found = parts(placement, "imnpu")
    copies = placement.layers[0].mapping.stripes * placement.layers[0].mapping.shares
    bits = LAYER.kernels * LAYER.kernel_bits
    load_fj = bits * (memory.kernel_read.value + copies * memory.tile_write.value)
    assert found["kernel load"] == pytest.approx(load_fj * 1e-3)
    assert traffic.written_bits == LAYER.output_bits
    assert found["feature reads"] == traffic.read_bits * memory.feature_read.value * 1e-3
    assert found["feature writes"] == traffic.written_bits * memory.feature_write.value * 1e-3
    assert found["partial sums"] == traffic.partial_sum_bits * memory.partial_sum.value * 1e-3
    background, cost = GENERIC.background, estimate(placement)
    assert background is not None
    assert found["clocks"] == cost.cycles * background.clock_fj_per_cycle.value * 1e-3
    assert found["leakage"] == pytest.approx(cost.seconds * background.leakage_w.value * 1e12)


def test_inputs_come_in_every_round_and_twice_under_a_seam() -> None:
    """144 x 4-bit weights a kernel in 256-bit rows: three tiles of a chain of four; 16 channels of
    12 x 12 in each of the rounds; three partial sums handed on for each of 24 x 144 results."""
    placement = one(LAYER)
    (item,) = placement.layers
    traffic = layer_traffic(placement, item)
    assert (item.mapping.stripes, item.mapping.chains) == (1, 3)
    assert traffic.read_bits == item.mapping.rounds * 12 * 12 * 16 * 4
    assert traffic.partial_sum_bits == 2 * 24 * 144 * GENERIC.accumulator_bits
    striped = replace(LAYER, in_channels=4, kernels=4)
    (cut,) = one(striped).layers
    assert (cut.mapping.stripes, cut.mapping.chains) == (4, 1)
    seams = 3 * 2
    assert layer_traffic(one(striped), cut).read_bits == (12 + seams) * 12 * 4 * 4


def test_resident_kernels_are_not_loaded() -> None:
    network = Workload("one", "test", (LAYER,))
    resident = place(network, GENERIC, weights="resident", mode="packed")
    assert parts(resident, "imnpu")["kernel load"] == 0
    assert parts(one(LAYER, mode="packed"), "imnpu")["kernel load"] > 0


def test_what_does_not_fit_is_paid_off_the_chip() -> None:
    small = replace(GENERIC, feature_memory_bytes=512)
    placement = one(LAYER, small)
    outside = external_traffic(placement)["layer"]
    assert outside.written_bits == LAYER.output_bits
    assert outside.read_bits >= LAYER.input_bits
    assert GENERIC.memory is not None
    paid = outside.read_bits * GENERIC.memory.external_read.value
    paid += outside.written_bits * GENERIC.memory.external_write.value
    assert parts(placement, "system")["features off chip"] == pytest.approx(paid * 1e-3)
    assert parts(one(LAYER), "system")["features off chip"] == 0


def test_fusion_saves_energy_off_the_chip() -> None:
    """1600 bytes hold what two layers need row by row, not with the 576 bytes between them whole;
    tiles of 8 rows do not hold both layers' kernels, so that map goes off the chip and back."""
    first = replace(LAYER, name="first", kernels=8)
    second = replace(LAYER, name="second", in_channels=8, kernels=4)
    network = Workload("two", "test", (first, second))
    machine = replace(GENERIC, feature_memory_bytes=1600)
    together, apart = (place(network, m) for m in (machine, replace(machine, rows=8)))
    assert parts(together, "system")["features off chip"] == 0
    assert GENERIC.memory is not None
    prices = GENERIC.memory.external_read.value + GENERIC.memory.external_write.value
    assert parts(apart, "system")["features off chip"] == pytest.approx(8 * 576 * prices * 1e-3)
    assert together.layers[0].cycles.compute == apart.layers[0].cycles.compute


def test_a_measured_machine_counts_no_memory_twice() -> None:
    """Its figures hold on-chip movement; kernel loads, fitted apart, are a component of their own.
    The printed 46.8 TOPS/W is met with it, and prices a bit are refused beside it."""
    vgg = place(
        load_workload("st-vgg16-tiny"), ST, mode="published", clusters=1, objective="one-cluster"
    )
    found = estimate(vgg).energy_by_component_pj
    assert set(found) == {"array", "data movement, clocks and leakage", "kernel load"}
    energy = ST.measured_energy()
    bits = sum(item.layer.load_bits for item in vgg.layers)
    assert found["kernel load"] == pytest.approx(bits * energy.kernel_load_fj_per_bit.value * 1e-3)
    assert ST.memory is None


def resnet() -> Graph:
    return run_pipeline(load_model(shared_file("models", "mlperf_tiny", "ic_resnet8_int8.tflite")))


WIDE = replace(GENERIC, tiles_per_cluster=32, chain_lengths=tuple(range(1, 33)))


def test_the_host_s_nodes_take_time_and_energy() -> None:
    """ResNet-8: three additions, pooling and softmax, at the description's cycles an element."""
    graph = resnet()
    work = host_work(graph)
    assert len(work) == 5
    additions = [3 * 16_384, 3 * 8_192, 3 * 4_096]
    assert [w.elements for w in work] == [*additions, 4_096 + 64, 20]
    placement = place(graph, WIDE)
    cost = estimate(placement, level="system")
    host = WIDE.host
    assert host is not None
    assert host.pj_per_cycle is not None
    cycles = host.cycles_per_element.value * sum(w.elements for w in work)
    rows = cost.rows[len(placement.layers) :]
    assert all(row.node.endswith(" (host)") for row in rows)
    assert sum(row.cycles for row in rows) == pytest.approx(cycles)
    assert cost.cycles == pytest.approx(float(placement.cycles))
    assert cost.energy_by_component_pj["host"] == pytest.approx(cycles * host.pj_per_cycle.value)
    measured = place(graph, replace(ST, tiles_per_cluster=32, chain_lengths=tuple(range(1, 33))))
    parts_of_all = estimate(measured, level="system").energy_by_component_pj
    assert parts_of_all["host"] == pytest.approx(cycles * host.pj_per_cycle.value)
    assert "host" not in estimate(measured).energy_by_component_pj
    alone = place(graph, replace(WIDE, host=None))
    assert float(placement.cycles - alone.cycles) == pytest.approx(cycles)
    assert "not counted" in estimate(alone).source


@given(machines(), layers(), st.sampled_from(MODES), st.integers(1, 1 << 16))
def test_energy_adds_up_at_every_level(
    machine: Machine, layer: Layer, mode: Mode, memory_bytes: int
) -> None:
    """Components are not negative, rows sum to the cost, levels climb, traffic has its floor."""
    machine = replace(
        machine,
        energy=None,
        memory=GENERIC.memory,
        background=GENERIC.background,
        feature_memory_bytes=memory_bytes,
        weight_memory_bytes=1 << 30,
    )
    try:
        placement = one(layer, machine, mode)
    except (FitError, UnsupportedError):
        assume(False)
        raise
    costs = [estimate(placement, level=level) for level in LEVELS]
    for cost in costs:
        assert all(v >= 0 for row in cost.rows for v in row.energy_by_component_pj.values())
        assert sum(row.energy_pj for row in cost.rows) == pytest.approx(cost.energy_pj)
        assert cost.cycles == pytest.approx(float(placement.cycles))
        assert all(0 < row.utilisation <= 1 for row in cost.rows)
    assert costs[0].energy_pj <= costs[1].energy_pj <= costs[2].energy_pj
    traffic = layer_traffic(placement, placement.layers[0])
    assert traffic.read_bits >= layer.input_bits
    assert traffic.kernel_bits >= layer.load_bits
    assert traffic.cell_bits >= traffic.kernel_bits


def test_a_chain_takes_cycles_to_fill() -> None:
    """Three tiles in a chain: two hops a round, in every mode but the published one."""
    base = replace(GENERIC, chain_hop_cycles=0)
    slow = replace(GENERIC, chain_hop_cycles=5)
    rounds = one(LAYER, base).layers[0].mapping.waves
    added = one(LAYER, slow).cycles - one(LAYER, base).cycles
    assert added == 5 * 2 * rounds
    assert one(LAYER, slow, "published").cycles == one(LAYER, base, "published").cycles


def test_serial_inputs_pass_bit_by_bit() -> None:
    """8 bits in slices of 1, 2, 3 and 8: 8, 4, 3 and 1 passes; the gates of one pass each time."""
    eight = replace(LAYER, activation_bits=8)
    passes = {}
    for width in (1, 2, 3, 8):
        machine = replace(GENERIC, activation_bits=(8,), input_slice_bits=width)
        passes[width] = one(eight, machine).layers[0].cycles.compute
        assert sum(machine.activation_slices(8)) == 8
    fill = 2 * one(eight, machine).layers[0].mapping.waves
    once = passes[8] - fill
    assert [(passes[w] - fill) / once for w in (1, 2, 3)] == [8, 4, 3]


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_pass_costs_its_slice(width: int) -> None:
    """The array's energy: passes times the row-cycle of a slice, multipliers weight by slice."""
    machine = replace(GENERIC, activation_bits=(8,), input_slice_bits=width, row_bits=64 * 4)
    full = Layer("full", 64, (1, 1), 16, (4, 4), 4, 8)
    found = parts(one(full, machine), "tile")
    row = macro_row_energy_fj(
        TECHNOLOGY_28NM,
        inputs=64,
        weight_bits=4,
        activation_bits=width,
        accumulator_bits=machine.accumulator_bits,
        supply_v=0.9,
        activity=FULL,
    )
    row_cycles = 16 * 16 * 8 // width
    for name, value in row.items():
        assert found[name] == pytest.approx(row_cycles * value * 1e-3)
    assert row["multipliers"] == pytest.approx(64 * 4 * width * 0.5 * 0.7 * 0.81)
    assert np.isclose(row["accumulators"], 24 * (0.7 * 6 + 2.1) * 0.81)
