# SPDX-License-Identifier: MIT
"""Ranges, and float graphs brought to int8."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import DataError, OptionError, UnsupportedError
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.activation import LeakyRelu, Softmax
from milliwatt.ops.arith import Add, Mul
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import MaxPool2D
from milliwatt.ops.shape import Concat, Pad, Reshape
from milliwatt.quant.calibrate import quantize_graph, weight_scales
from milliwatt.quant.ranges import Range, find_range
from tests.passes.graphs import NONE, float32, make_graph


class TestRanges:
    @given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
    def test_zero_has_an_exact_code_and_the_ends_are_reached(self, a: float, b: float) -> None:
        found = find_range(np.array([a, b]), "minmax")
        quant = found.int8()
        scale, zero = quant.scale[0], quant.zero_point[0]
        assert -128 <= zero <= 127
        assert scale > 0
        assert (-128 - zero) * scale <= found.low + scale
        assert (127 - zero) * scale >= found.high - scale

    def test_min_max_is_the_extremes_with_zero(self) -> None:
        assert find_range(np.array([2.0, 5.0]), "minmax") == Range(0.0, 5.0)
        assert find_range(np.array([-2.0, 5.0]), "minmax") == Range(-2.0, 5.0)
        assert find_range(np.zeros(3), "minmax") == Range(0.0, 1.0)

    def test_entropy_clips_a_lone_outlier_and_keeps_a_uniform_range(self) -> None:
        rng = np.random.default_rng(0)
        bell = np.append(rng.normal(size=20_000), 40.0)
        assert 2.5 < find_range(bell, "entropy").high < 12.0
        flat = rng.uniform(-1, 1, 20_000)
        assert find_range(flat, "entropy").high > 0.95

    def test_bad_input_is_refused(self) -> None:
        with pytest.raises(DataError, match="not finite"):
            find_range(np.array([1.0, np.nan]), "minmax")
        with pytest.raises(OptionError, match="unknown range method 'best'; there are: minmax"):
            find_range(np.ones(2), "best")  # type: ignore[arg-type]


def network(seed: int = 0) -> tuple[Graph, list[tuple[Array]]]:
    """Every weighted operator, a residual sum, a concatenation, padding, pooling, softmax."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> tuple[Array, TensorType]:
        return rng.normal(size=shape).astype(np.float32) * 0.4, float32(*shape)

    def bias(n: int) -> tuple[Array, TensorType]:
        return rng.normal(size=n).astype(np.float32) * 0.2, float32(n)

    relu = Activation.RELU
    same = Padding(1, 1, 1, 1)
    graph = make_graph(
        {"x": float32(1, 6, 6, 3)},
        [
            ("p", Pad(((0, 0), (1, 1), (1, 1), (0, 0)), 0.0), ["x"], float32(1, 8, 8, 3)),
            ("a", Conv2D((1, 1), (1, 1), Padding(), relu), ["p", "wa", "ba"], float32(1, 6, 6, 8)),
            (
                "d",
                DepthwiseConv2D((1, 1), (1, 1), same, relu),
                ["a", "wd", "bd"],
                float32(1, 6, 6, 8),
            ),
            ("s", Add(NONE), ["a", "d"], float32(1, 6, 6, 8)),
            ("c", Concat(3), ["s", "a"], float32(1, 6, 6, 16)),
            ("m", Mul(NONE), ["c", "k"], float32(1, 6, 6, 16)),
            ("q", MaxPool2D((2, 2), (2, 2), Padding(), NONE), ["m"], float32(1, 3, 3, 16)),
            ("r", Reshape((1, 144)), ["q"], float32(1, 144)),
            ("f", FullyConnected(NONE, False), ["r", "wf", "bf"], float32(1, 5)),
            ("y", Softmax(1.0), ["f"], float32(1, 5)),
        ],
        constants={
            "wa": weights(8, 3, 3, 3),
            "ba": bias(8),
            "wd": weights(1, 3, 3, 8),
            "bd": bias(8),
            "k": weights(1, 1, 1, 16),
            "wf": weights(5, 144),
            "bf": bias(5),
        },
    )
    samples = [(rng.normal(size=(1, 6, 6, 3)).astype(np.float32),) for _ in range(40)]
    return graph, samples


@pytest.mark.parametrize("method", ["minmax", "entropy"])
def test_the_int8_network_stays_close_to_the_float_one(method: str) -> None:
    graph, samples = network()
    quantised = quantize_graph(graph, samples, method)  # type: ignore[arg-type]
    verify(quantised)
    x, y = quantised.types[quantised.inputs[0]], quantised.types[quantised.outputs[0]]
    assert {t.dtype for t in quantised.types.values()} == {DType.INT8, DType.INT32}
    errors: list[float] = []
    for (sample,) in samples:
        codes = np.clip(np.round(sample / x.scale) + x.zero_point, -128, 127).astype(np.int8)
        got = (run(quantised, [codes]).outputs[0].astype(np.float64) - y.zero_point) * y.scale
        errors.append(float(np.abs(got - run(graph, [sample]).outputs[0]).max()))
    assert np.mean(errors) < 0.05


def test_weights_are_symmetric_per_channel_and_biases_match_their_accumulator() -> None:
    graph, samples = network()
    quantised = quantize_graph(graph, samples)
    for node in quantised.nodes:
        if not isinstance(node.op, Conv2D | DepthwiseConv2D | FullyConnected):
            continue
        x, w, b = quantised.input_types(node)
        assert w.quant is not None
        assert b.quant is not None
        assert set(w.quant.zero_point) == {0}
        assert quantised.constants[node.inputs[1]].min() >= -127
        expected = [np.float32(x.scale) * np.float32(s) for s in w.quant.scale]
        np.testing.assert_allclose(b.quant.scale, expected, rtol=1e-6)


def test_scales_grow_for_a_large_bias_and_survive_zero_weights() -> None:
    weights = np.array([[0.0, 0.0], [1.0, -2.0]], np.float32)
    scales = weight_scales(weights, 0, np.array([0.0, 1e9], np.float32), 1e-3)
    assert scales[0] == 1.0
    assert abs(1e9 / (1e-3 * scales[1])) < 2**31


def test_what_has_no_int8_form_is_listed_at_once() -> None:
    kind = float32(1, 4)
    graph = make_graph(
        {"x": kind},
        [("a", LeakyRelu(0.1), ["x"], kind), ("y", LeakyRelu(0.2), ["a"], kind)],
    )
    with pytest.raises(UnsupportedError) as caught:
        quantize_graph(graph, [(np.ones((1, 4), np.float32),)])
    assert caught.value.problems == ("'a': LeakyRelu", "'y': LeakyRelu")


def test_no_samples_is_an_error() -> None:
    graph, _ = network()
    with pytest.raises(DataError, match="at least one sample"):
        quantize_graph(graph, [])
