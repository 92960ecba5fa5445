# SPDX-License-Identifier: MIT
"""Noisy inference: exact without errors, and each error as large as its formula says."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.aimc.converters import through_adc, through_dac
from milliwatt.backend.aimc.crossbar import (
    NO_ERRORS,
    Error,
    effective_digits,
    multiply,
    program_tile,
)
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.mobilenet import mobilenet_v2_layers
from milliwatt.backend.aimc.place import Options, place, place_layers
from milliwatt.backend.aimc.placement import Weights
from milliwatt.backend.aimc.simulate import age_chip, program_chip, run_chip, simulate
from milliwatt.backend.aimc.weights import digits, stored
from milliwatt.errors import DataError, OptionError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.interpret import run
from milliwatt.ir.types import DType
from milliwatt.units import ceil_div
from tests.backend.aimc.strategies import resized
from tests.ops.draws import FAMILIES

ON_ARRAYS = (
    ("conv", "arrays"),
    ("pointwise", "arrays"),
    ("depthwise", "arrays"),
    ("dense", "arrays"),
)


def layer_graph(family: str, dtype: DType, seed: int) -> Graph:
    """One random layer with constant weights."""
    made = FAMILIES[family][0](dtype, np.random.default_rng(seed))
    inputs = tuple(f"in{i}" for i in range(len(made.inputs)))
    types = dict(zip([*inputs, "y"], [*made.inputs, *made.outputs], strict=True))
    rng = np.random.default_rng([seed, 1])
    constants = {inputs[i]: value for i, value in made.constant.items()}
    for name in inputs[1:]:
        if name not in constants:
            low, high = types[name].dtype.integer_range
            constants[name] = rng.integers(
                max(low, -1000), min(high, 1000), types[name].shape, types[name].dtype.numpy
            )
    return Graph(family, (Node("n", made.op, inputs, ("y",)),), types, constants, ("in0",), ("y",))


def samples(graph: Graph, count: int, seed: int = 0) -> np.ndarray:
    kind = graph.types[graph.inputs[0]]
    low, high = kind.dtype.integer_range
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (count, *kind.shape), kind.dtype.numpy, endpoint=True)


@given(
    st.sampled_from(["conv2d", "depthwise", "dense"]),
    st.sampled_from([DType.INT8, DType.INT16]),
    st.integers(0, 10**6),
    st.sampled_from(["pcm-cluster", "reram-wan2022", "diana"]),
    st.integers(5, 40),
    st.integers(12, 40),
    st.booleans(),
)
def test_without_errors_the_chip_is_the_reference(
    family: str, dtype: DType, seed: int, name: str, rows: int, columns: int, continuous: bool
) -> None:
    graph = layer_graph(family, dtype, seed)
    machine = resized(name, rows=rows, columns=columns, arrays=3)
    weights: Weights = "continuous" if continuous and name != "diana" else "sliced"
    options = Options(pinned=ON_ARRAYS, overflow="reprogram", weights=weights)
    placement = place(graph, machine, options)
    assert all(a.unit == "arrays" for a in placement.assignments)
    x = samples(graph, 2, seed)
    chip = age_chip(program_chip(placement, 0, NO_ERRORS), 1e6)
    expected = [run(graph, [one]).outputs[0] for one in x]
    assert np.array_equal(run_chip(chip, [x])[0], expected)


@given(st.integers(1, 8), st.integers(1, 9))
def test_digits_recombine_and_fit_their_cells(cell_bits: int, weight_bits: int) -> None:
    half = 1 << (weight_bits - 1)
    values = np.arange(-half, half)
    slices = ceil_div(weight_bits, cell_bits)
    parts = digits(values, cell_bits, slices)
    assert np.abs(parts).max() <= 1 << (cell_bits - 1)
    assert np.array_equal(parts @ (2.0**cell_bits) ** np.arange(slices), values)


def test_rounded_weights_are_within_half_a_digit() -> None:
    values = np.arange(-127, 128)
    held, (factor,) = stored(values, "rounded", 8, 4, 1)
    assert np.abs(held).max() <= 8
    assert np.abs(held[:, 0] * factor - values).max() <= factor / 2


def test_the_same_seed_is_the_same_chip() -> None:
    graph = layer_graph("dense", DType.INT8, 3)
    placement = place(graph, load_machine("pcm-cluster"), Options(pinned=ON_ARRAYS))
    x = samples(graph, 1)[0]
    first, again = (simulate(placement, [x], 5, 60.0)[0] for _ in range(2))
    assert np.array_equal(first, again)


def programmed(errors: frozenset[Error], time_s: float, seed: int = 0) -> np.ndarray:
    machine = load_machine("pcm-cluster")
    held = np.tile(np.arange(-8.0, 9.0), (200, 60))
    rng = np.random.default_rng(seed)
    tile = program_tile(held, machine, errors, 0, rng)
    return effective_digits(tile, machine, errors, time_s, rng) / np.where(held == 0, 1, held)


def test_drift_compensation_restores_the_mean() -> None:
    """A year of drift shrinks weights by about 50 %; one factor a tile brings the mean back."""
    machine = load_machine("pcm-cluster")
    assert machine.circuit_noise.drift_compensation
    drift: frozenset[Error] = frozenset({"drift"})
    held = np.tile([4.0, 8.0], (100, 100))
    rng = np.random.default_rng(0)
    tile = program_tile(held, machine, drift, 0, rng)
    found = effective_digits(tile, machine, drift, 3.15e7, rng)
    assert np.abs(found).sum() == pytest.approx(np.abs(held).sum())
    assert (found / held).std() > 0.02


def test_errors_grow_with_time() -> None:
    errors: frozenset[Error] = frozenset({"programming", "drift", "read"})
    spreads = [float(programmed(errors, t).std()) for t in (1.0, 86400.0, 3.15e7)]
    assert spreads == sorted(spreads)


def test_output_noise_has_its_stated_size() -> None:
    """0.04 of a full cell at the largest input: 0.04 · 8 · 255."""
    machine = load_machine("pcm-cluster")
    rng = np.random.default_rng(0)
    vectors, held = np.zeros((2000, 4)), np.ones((4, 50))
    found = multiply(vectors, held, machine, frozenset({"output"}), 255.0, None, rng)
    assert found.std() == pytest.approx(0.04 * 8 * 255, rel=0.01)
    assert abs(found.mean()) < 5 * 0.04 * 8 * 255 / found.size**0.5


def test_short_term_noise_grows_with_the_input() -> None:
    """Every cell's weight errs by 0.0175 of a full one: σ = 0.0175 · 8 · ‖x‖."""
    machine = load_machine("pcm-cluster")
    rng = np.random.default_rng(0)
    vectors, held = np.full((2000, 9), 10.0), np.zeros((9, 50))
    found = multiply(vectors, held, machine, frozenset({"short-term"}), 255.0, None, rng)
    assert found.std() == pytest.approx(0.0175 * 8 * 30, rel=0.01)


def test_the_adc_rounds_and_clips() -> None:
    machine = load_machine("pcm-cluster")
    full_scale = 10 * 8 * 255
    step = 2 * full_scale / 254
    vectors = np.linspace(-3000, 3000, 501)[:, None]
    rng = np.random.default_rng(0)
    found = multiply(vectors, np.full((1, 1), 8.0), machine, frozenset({"adc"}), 255.0, None, rng)
    assert np.abs(found).max() == pytest.approx(full_scale)
    inside = np.abs(vectors * 8) < full_scale
    assert np.abs(found - vectors * 8)[inside].max() <= step / 2 * (1 + 1e-9)


def test_converters_err_evenly_within_a_step() -> None:
    """Of inputs and sums that lie anywhere, the error has mean 0 and variance step² / 12."""
    values = np.random.default_rng(0).uniform(-900.0, 900.0, 200_000)
    for step, found in (
        (7.0, through_dac(values, 7.0)),
        (2 * 1000 / 254, through_adc(values, 1000.0, 8)),
    ):
        error = found - values
        assert abs(error.mean()) < 5 * step / (12 * len(values)) ** 0.5
        assert error.var() == pytest.approx(step**2 / 12, rel=0.01)


def test_a_narrow_dac_rounds_the_inputs_of_a_layer() -> None:
    """Four bits over the 256 codes of an input leave steps of 17."""
    graph = layer_graph("dense", DType.INT8, 8)
    machine = resized("pcm-cluster", dac_bits=4, dac_bits_per_pulse=4)
    placement = place(graph, machine, Options(pinned=ON_ARRAYS))
    x = np.clip(samples(graph, 20), -110, 110)
    chip = age_chip(program_chip(placement, 0, frozenset({"dac"})), 0.0)
    zero = graph.types["in0"].zero_point
    rounded = np.round((x.astype(np.int64) - zero) / 17) * 17 + zero
    expected = [run(graph, [one.astype(np.int8)]).outputs[0] for one in rounded]
    assert len(np.unique(expected)) > 10
    assert np.array_equal(run_chip(chip, [x])[0], expected)


def test_layers_without_weights_cannot_be_run() -> None:
    placement = place_layers(mobilenet_v2_layers(4), load_machine("pcm-cluster"))
    with pytest.raises(OptionError, match="without weights"):
        program_chip(placement, 0)


def test_wrong_inputs_and_times_are_refused() -> None:
    graph = layer_graph("dense", DType.INT8, 3)
    placement = place(graph, load_machine("pcm-cluster"), Options(pinned=ON_ARRAYS))
    with pytest.raises(DataError, match="must be"):
        simulate(placement, [np.zeros((7, 7, 7), np.int8)])
    with pytest.raises(DataError, match="takes 1 inputs"):
        simulate(placement, [])
    with pytest.raises(OptionError, match="from 0 to"):
        simulate(placement, [samples(graph, 1)[0]], 0, -1.0)
    with pytest.raises(OptionError, match="seed must not be negative"):
        simulate(placement, [samples(graph, 1)[0]], -1)
    with pytest.raises(OptionError, match=r"unknown errors.*allowed: adc, dac"):
        program_chip(placement, 0, cast("Any", frozenset({"rust"})))
