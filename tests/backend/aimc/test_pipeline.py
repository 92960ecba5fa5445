# SPDX-License-Identifier: MIT
"""Inferences one behind another, and graphs that keep states between calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.aimc.crossbar import ALL_ERRORS, NO_ERRORS
from milliwatt.backend.aimc.estimate import estimate
from milliwatt.backend.aimc.layers import Layer
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.pipeline import pipelined
from milliwatt.backend.aimc.place import Options, place, place_layers
from milliwatt.backend.aimc.simulate import age_chip, calibrate_chip, program_chip, run_chip
from milliwatt.errors import UnsupportedError
from milliwatt.frontend.load import load_model
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array
from milliwatt.passes.pipeline import run_pipeline
from tests.backend.aimc.strategies import figure, layers, resized
from tests.support import shared_file

ON_ARRAYS = Options(
    pinned=tuple((kind, "arrays") for kind in ("conv", "pointwise", "depthwise", "dense"))
)


def conv(name: str, rows: int, columns: int, vectors: int) -> Layer:
    macs = rows * columns * vectors
    values = (rows * vectors, columns * vectors)
    return Layer(name, "conv", rows, columns, 1, vectors, 4, macs, *values)


def test_the_slowest_layer_sets_the_pace_and_all_of_them_the_latency() -> None:
    machine = resized("reram-wan2022", arrays=8)
    network = [conv("a", 256, 256, 300), conv("b", 256, 256, 1000), conv("c", 256, 256, 200)]
    placement = place_layers(network, machine, Options(replicate=False))
    cost = estimate(placement)
    found = pipelined(placement, cost)
    rows = [row.cycles / cost.clock_hz for row in cost.rows]
    assert found.latency_s == pytest.approx(sum(rows))
    assert found.interval_s == pytest.approx(max(rows)) == pytest.approx(rows[1])
    assert found.bottleneck in ("layer 'b'", "array 1")
    # Base power is drawn all the time, and 1000 of 1500 products long for an inference.
    base_pj = cost.energy_by_component_pj["system base"]
    assert found.energy_pj == pytest.approx(cost.energy_pj - base_pj / 3)
    assert found.map_bytes == 2 * 256 * 1500


def test_one_interface_leaves_nothing_to_overlap_but_units() -> None:
    machine = load_machine("pcm-cluster")
    network = [conv("a", 256, 256, 300), conv("b", 256, 256, 1000)]
    placement = place_layers(network, machine)
    cost = estimate(placement)
    assert pipelined(placement, cost).interval_s == pytest.approx(cost.seconds)
    depthwise = Layer("d", "depthwise", 9, 1, 96, 49, 4, 9 * 96 * 49, 96 * 49, 96 * 49)
    placement = place_layers([*network, depthwise], machine)
    cost = estimate(placement)
    engine_s = cost.rows[2].cycles / cost.clock_hz
    assert pipelined(placement, cost).interval_s == pytest.approx(cost.seconds - engine_s)


def test_layers_that_share_an_array_wait_for_one_another() -> None:
    machine = resized("reram-wan2022", arrays=8)
    network = [conv("a", 128, 64, 100), conv("b", 128, 64, 100)]
    placement = place_layers(network, machine, Options(replicate=False))
    assert placement.arrays_used == 1
    found = pipelined(placement, estimate(placement))
    assert found.bottleneck == "array 0"
    assert found.interval_s == pytest.approx(found.latency_s)


@given(st.lists(layers(), min_size=1, max_size=6, unique_by=lambda layer: layer.name))
def test_a_pipeline_is_no_slower_than_one_after_another_and_no_faster_than_a_layer(
    network: list[Layer],
) -> None:
    machine = resized("reram-wan2022", arrays=40)
    placement = place_layers(network, machine)
    cost = estimate(placement)
    found = pipelined(placement, cost)
    slowest = max(row.cycles for row in cost.rows) / cost.clock_hz
    assert slowest * (1 - 1e-9) <= found.interval_s <= cost.seconds * (1 + 1e-9)
    assert found.energy_pj <= cost.energy_pj * (1 + 1e-9)


def test_arrays_that_are_rewritten_cannot_be_pipelined() -> None:
    machine = resized("pcm-cluster", arrays=1)
    network = [conv("a", 256, 256, 3), conv("b", 256, 256, 3)]
    placement = place_layers(network, machine, Options(overflow="reprogram"))
    with pytest.raises(UnsupportedError, match="2 rounds an inference"):
        pipelined(placement, estimate(placement))


def test_the_next_memory_bounds_the_pace() -> None:
    machine = load_machine("pcm-cluster")
    memory = machine.system.next_memory
    assert memory is not None
    slow = replace(memory, bus_bits=figure(1))
    machine = replace(machine, system=replace(machine.system, next_memory=slow))
    placement = place_layers([conv("a", 256, 256, 4096)], machine)
    found = pipelined(placement, estimate(placement))
    assert found.bottleneck in ("the next memory", "layer 'a'")
    assert found.interval_s == pytest.approx(8 * (2 * 256 * 4096 - 524_288) / 500e6)


def streamed(name: str, calls: int) -> tuple[list[Array], Array]:
    """The reference's outputs of successive calls, and the inputs [calls, *shape]."""
    graph = run_pipeline(load_model(shared_file("models", "esphome", f"{name}.tflite")))
    kind = graph.types[graph.inputs[0]]
    low, high = kind.dtype.integer_range
    rng = np.random.default_rng(0)
    inputs = rng.integers(low, high, (calls, *kind.shape), kind.dtype.numpy, endpoint=True)
    outputs: list[Array] = []
    states = None
    for one in inputs:
        result = run(graph, [one], states)
        states = result.states
        outputs.append(result.outputs[0])
    return outputs, inputs


@pytest.mark.parametrize("options", [Options(), ON_ARRAYS], ids=["fastest", "all on arrays"])
def test_states_are_carried_from_call_to_call(options: Options) -> None:
    expected, inputs = streamed("vad", 30)
    assert len(np.unique(expected)) > 5
    assert not np.array_equal(expected, [expected[0]] * 30)
    graph = run_pipeline(load_model(shared_file("models", "esphome", "vad.tflite")))
    chip = program_chip(place(graph, load_machine("pcm-cluster"), options), 0, NO_ERRORS)
    assert np.array_equal(run_chip(age_chip(chip, 60.0), [inputs])[0], expected)


def test_a_noisy_stream_with_calibrated_converters() -> None:
    expected, inputs = streamed("hey_jarvis", 12)
    graph = run_pipeline(load_model(shared_file("models", "esphome", "hey_jarvis.tflite")))
    placement = place(graph, load_machine("pcm-cluster"))
    chip = calibrate_chip(program_chip(placement, 0, ALL_ERRORS), [inputs])
    first, again = (run_chip(age_chip(chip, 60.0), [inputs])[0] for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == np.stack(expected).shape
