# SPDX-License-Identifier: MIT
"""What was published, held against what is computed here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milliwatt.backend.aimc.estimate import estimate, peak_tops, system_tops_per_watt
from milliwatt.backend.aimc.layers import Layer
from milliwatt.backend.aimc.lists import listed_layers
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.mobilenet import bottleneck, mobilenet_v2_layers
from milliwatt.backend.aimc.place import Options, arrays_needed, place_layers
from milliwatt.backend.aimc.tiling import Tile
from milliwatt.backend.aimc.timing import tile_energy
from milliwatt.backend.api import Cost
from milliwatt.backend.dimc.workload import load_workload
from tests.support import REPOSITORY

AS_PUBLISHED = Options(pinned=(("pointwise", "arrays"), ("depthwise", "depthwise engine")))
FULL = Layer("full", "pointwise", 256, 256, 1, 1000, 4, 256 * 256 * 1000, 256_000, 256_000)


def mobilenet(options: Options = AS_PUBLISHED, *, with_next_memory: bool = True) -> Cost:
    machine, layers = load_machine("pcm-cluster"), mobilenet_v2_layers(weight_bits=4)
    if not with_next_memory:
        machine = replace(machine, system=replace(machine.system, next_memory=None))
    return estimate(place_layers(layers, machine, options))


def test_the_layer_list_has_the_published_size() -> None:
    layers = mobilenet_v2_layers()
    # Sandler et al., table 4: 300 M multiply-adds, 3.4 M parameters.
    assert sum(layer.macs for layer in layers) == pytest.approx(300e6, rel=0.01)
    assert sum(layer.weights for layer in layers) == pytest.approx(3.4e6, rel=0.03)


def test_pointwise_layers_take_the_published_34_arrays() -> None:
    pointwise = [a for a in mobilenet_v2_layers(weight_bits=4) if a.kind == "pointwise"]
    assert arrays_needed(pointwise, load_machine("pcm-cluster")) == 34


@pytest.mark.parametrize("with_next_memory", [True, False])
def test_mobilenet_on_the_pcm_cluster_within_five_per_cent(with_next_memory: bool) -> None:
    """The published figures stop at the tightly coupled memory; ours hold with both readings."""
    cost = mobilenet(with_next_memory=with_next_memory)
    assert cost.seconds == pytest.approx(10.1e-3, rel=0.05)
    assert cost.energy_pj == pytest.approx(482e6, rel=0.05)
    assert cost.error is not None
    assert cost.error >= abs(cost.energy_pj / 482e6 - 1)


def test_peak_of_the_pcm_cluster() -> None:
    machine = load_machine("pcm-cluster")
    assert peak_tops(machine) == pytest.approx(1.008, rel=1e-3)
    cost = estimate(place_layers([FULL], machine, AS_PUBLISHED))
    assert 2 * cost.macs / cost.seconds == pytest.approx(958e9, rel=1e-3)
    assert 2 * cost.macs / cost.energy_pj == pytest.approx(6.39, rel=0.01)


def test_a_full_product_draws_what_the_macro_was_measured_to_draw() -> None:
    full = Tile("full", 0, 1, 0, 256, 0, 256, 1)
    energy = tile_energy(full, load_machine("pcm-cluster"))
    total_pj = energy.dac_pj + energy.adc_pj + energy.array_pj + energy.digital_pj
    assert 2 * 65536 / total_pj == pytest.approx(10.5, rel=0.01)


def test_a_bottleneck_gains_about_what_was_published_over_the_cores() -> None:
    """Published: 11.5 times faster and 9.5 times less energy than 8 cores; its size is not."""
    layers = bottleneck("b", 64, 64, 6, 1, 14, 4)
    machine = load_machine("pcm-cluster")
    with_arrays = estimate(place_layers(layers, machine, AS_PUBLISHED))
    pinned = (("pointwise", "cores"), ("depthwise", "cores"))
    cores = estimate(place_layers(layers, machine, Options(pinned=pinned)))
    assert 8 < cores.cycles / with_arrays.cycles < 16
    assert 6 < cores.energy_pj / with_arrays.energy_pj < 14


def test_diana_draws_what_its_peak_efficiency_says() -> None:
    machine = load_machine("diana")
    energy = tile_energy(Tile("full", 0, 1, 0, 1152, 0, 512, 1), machine)
    total_pj = energy.dac_pj + energy.adc_pj + energy.array_pj + energy.digital_pj
    assert 2 * 1152 * 512 / total_pj == pytest.approx(600, rel=0.01)


def test_a_slower_array_costs_time_in_proportion() -> None:
    machine = load_machine("pcm-cluster")
    latency = machine.crossbar.mvm_latency_ns
    assert latency is not None
    slow = replace(machine.crossbar, mvm_latency_ns=replace(latency, value=1300.0))
    layers = [replace(FULL, name="a")]
    fast_cost = estimate(place_layers(layers, machine, AS_PUBLISHED))
    slow_cost = estimate(place_layers(layers, replace(machine, crossbar=slow), AS_PUBLISHED))
    extra = (slow_cost.seconds - fast_cost.seconds) / 1000
    assert extra == pytest.approx(1170e-9)


def test_diana_around_its_measured_system_efficiency() -> None:
    """ImageNet: 5.56 TOPS/W measured; by who computes what the array cannot hold, 5.5 or 20.1."""
    listed = listed_layers(load_workload(REPOSITORY / "bench/imc/workloads/resnet18.toml"))
    ternary = [replace(x, weight_bits=8 if x.kind == "dense" else 1) for x in listed]
    for options, expected in (
        (Options(overflow="cores"), 5.45),
        (Options(overflow="reprogram"), 20.1),
    ):
        cost = estimate(place_layers(ternary, load_machine("diana"), options))
        assert system_tops_per_watt(cost) == pytest.approx(expected, rel=0.01)
