# SPDX-License-Identifier: MIT
"""Ranges, and float graphs brought to int8."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import DataError, OptionError, UnsupportedError
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.activation import LeakyRelu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import MaxPool2D, Mean
from milliwatt.ops.quantize import Dequantize
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pad, Reshape
from milliwatt.quant.calibrate import quantize_graph
from milliwatt.quant.ranges import Range, find_range
from milliwatt.quant.to_int8 import codes, weight_scales
from tests.passes.graphs import NONE, float32, int8, make_graph


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
        assert find_range(np.zeros(3), "minmax") == Range(0.0, 0.0)

    def test_nothing_but_zero_has_a_code_too(self) -> None:
        assert Range(0.0, 0.0).int8() == Range(0.0, 1.0).int8()
        assert Range(0.0, 0.0).union(Range(0.0, 0.01)).int8() == Range(0.0, 0.01).int8()

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


def int8_error(graph: Graph, samples: list[tuple[Array, ...]]) -> float:
    """Largest difference of the int8 graph's outputs from the float one's, in steps of theirs."""
    quantised = quantize_graph(graph, samples)
    kinds = [quantised.types[v] for v in quantised.inputs]
    worst = 0.0
    for sample in samples:
        given = [
            codes(x, Quant.per_tensor(t.scale, t.zero_point))
            for x, t in zip(sample, kinds, strict=True)
        ]
        got = run(quantised, given).outputs
        for value, a, b in zip(quantised.outputs, got, run(graph, sample).outputs, strict=True):
            kind = quantised.types[value]
            real = (a.astype(np.float64) - kind.zero_point) * kind.scale
            worst = max(worst, float(np.abs(real - b).max()) / kind.scale)
    return worst


def sample_of(*shape: int, low: float = -1.0, high: float = 1.0) -> tuple[Array]:
    rng = np.random.default_rng(3)
    array = rng.uniform(low, high, shape).astype(np.float32)
    array.flat[:2] = low, high
    return (array,)


def test_a_border_that_is_not_zero_keeps_its_value() -> None:
    graph = make_graph(
        {"x": float32(1, 3, 3, 2)},
        [("y", Pad(((0, 0), (1, 1), (0, 0), (0, 0)), 4.0), ["x"], float32(1, 5, 3, 2))],
    )
    assert int8_error(graph, [sample_of(1, 3, 3, 2)]) <= 0.51


def test_a_border_of_zero_takes_no_range() -> None:
    graph = make_graph(
        {"x": float32(1, 3, 3, 2)},
        [("y", Pad(((0, 0), (1, 1), (0, 0), (0, 0)), 0.0), ["x"], float32(1, 5, 3, 2))],
    )
    quantised = quantize_graph(graph, [sample_of(1, 3, 3, 2, low=0.0, high=0.1)])
    assert quantised.types["y"].scale == pytest.approx(0.1 / 255)


def test_an_infinite_border_is_refused() -> None:
    graph = make_graph({"x": float32(2)}, [("y", Pad(((1, 1),), -np.inf), ["x"], float32(4))])
    with pytest.raises(UnsupportedError, match="Pad with -inf"):
        quantize_graph(graph, [sample_of(2)])


def test_a_constant_joined_to_a_value_is_not_clipped() -> None:
    graph = make_graph(
        {"x": float32(1, 4)},
        [("y", Concat(1), ["c", "x"], float32(1, 6))],
        constants={"c": (np.array([[-3.0, 5.0]], np.float32), float32(1, 2))},
    )
    assert int8_error(graph, [sample_of(1, 4)]) <= 0.51


def test_a_constant_of_two_readers_has_codes_for_each() -> None:
    graph = make_graph(
        {"x": float32(1, 2)},
        [
            ("wide", Mul(NONE), ["x", "ten"], float32(1, 2)),
            ("joined", Concat(1), ["wide", "c"], float32(1, 4)),
            ("sum", Add(NONE), ["x", "c"], float32(1, 2)),
        ],
        constants={
            "c": (np.array([[0.011, 0.02]], np.float32), float32(1, 2)),
            "ten": (np.array([[100.0, 100.0]], np.float32), float32(1, 2)),
        },
        outputs=("joined", "sum"),
    )
    assert int8_error(graph, [sample_of(1, 2, low=-0.1, high=0.1)]) <= 1.01


@pytest.mark.parametrize("joined", [["s", "x"], ["x", "s"], ["s", "t"], ["s", "s"]])
def test_results_of_a_fixed_scale_may_be_joined_to_others(joined: list[str]) -> None:
    kind = float32(1, 4)
    graph = make_graph(
        {"x": kind},
        [
            ("s", Softmax(1.0), ["x"], kind),
            ("t", Tanh(), ["x"], kind),
            ("y", Concat(1), joined, float32(1, 8)),
        ],
    )
    assert int8_error(graph, [sample_of(1, 4, low=-3.0, high=3.0)]) <= 1.51
    kinds = [node.op.kind for node in quantize_graph(graph, [sample_of(1, 4)]).nodes]
    assert ("Quantize" in kinds) is (joined != ["s", "s"])


@pytest.mark.parametrize(
    "op",
    [
        LeakyRelu(0.2),
        ResizeBilinear((5, 3), False, False),
        ResizeNearest((5, 3), False, False),
        Mean((1, 2), True),
    ],
)
def test_operators_of_images(op: Op) -> None:
    (shape,) = op.infer([float32(1, 4, 4, 3)])
    graph = make_graph({"x": float32(1, 4, 4, 3)}, [("y", op, ["x"], float32(*shape))])
    assert int8_error(graph, [sample_of(1, 4, 4, 3)]) <= 2.01


def test_transposed_convolution() -> None:
    rng = np.random.default_rng(4)
    arrays = {"w": rng.normal(size=(2, 3, 3, 4)), "b": rng.normal(size=2)}
    constants = {k: (a.astype(np.float32), float32(*a.shape)) for k, a in arrays.items()}
    op = TransposeConv2D((2, 2), Padding(), (7, 7), NONE)
    graph = make_graph(
        {"x": float32(1, 3, 3, 4)},
        [("y", op, ["x", "w", "b"], float32(1, 7, 7, 2))],
        constants=constants,
    )
    assert int8_error(graph, [sample_of(1, 3, 3, 4)]) <= 3


def test_layers_of_one_name_have_weights_of_their_own() -> None:
    """A node's name is for messages, and may occur twice."""
    graph, samples = network()
    same = replace(graph, nodes=tuple(replace(n, name="layer") for n in graph.nodes))
    expected, got = (run_int8(g, samples) for g in (graph, same))
    np.testing.assert_array_equal(expected, got)


def run_int8(graph: Graph, samples: list[tuple[Array]]) -> Array:
    quantised = quantize_graph(graph, samples)
    kind = quantised.types["x"]
    given = codes(samples[0][0], Quant.per_tensor(kind.scale, kind.zero_point))
    return run(quantised, [given]).outputs[0]


def test_what_has_no_int8_form_is_listed_at_once() -> None:
    kind = float32(1, 4)
    graph = make_graph(
        {"x": kind, "codes": int8(1, 4)},
        [
            ("a", Dequantize(), ["codes"], kind),
            ("y", FullyConnected(NONE, False), ["a", "w", "x"], kind),
        ],
        constants={"w": (np.eye(4, dtype=np.float32), float32(4, 4))},
    )
    graph = replace(graph, outputs=("y", "w"))
    with pytest.raises(UnsupportedError) as caught:
        quantize_graph(graph, [])
    assert caught.value.problems == (
        "'codes' is int8[1,4]",
        "output 'w' is a constant",
        "'a': Dequantize",
        "'y': weights and bias must be constants",
    )


def test_no_samples_is_an_error() -> None:
    graph, _ = network()
    with pytest.raises(DataError, match="at least one sample"):
        quantize_graph(graph, [])
