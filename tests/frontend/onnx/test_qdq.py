# SPDX-License-Identifier: MIT
"""QDQ networks beside ONNX Runtime: every layer alone within one step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from milliwatt.ir.graph import Graph
from tests.frontend.onnx.models import INT8, UINT8, Writer, tiny_qdq
from tests.oracles.onnx_runtime import NOTHING, Beside

pytestmark = pytest.mark.oracle

RUNS = 8


def beside(data: bytes, *, kinds: list[str] | None = None, most: float = 0.1) -> Graph:
    """Compare `RUNS` random inputs; the graph computes with the operators `kinds`.

    Integers differ by one step at most, and no more than the share `most` of them: what lies near
    a boundary of rounding, or was rounded twice.
    """
    both, rng, total = Beside(data), np.random.default_rng(0), NOTHING

    def make(name: str, shape: list[int], element: str) -> Any:
        del name
        if "float" in element:
            return rng.uniform(-4, 4, shape).astype(np.float32)
        dtype = np.dtype(element.removeprefix("tensor(").removesuffix(")"))
        bounds = np.iinfo(dtype)
        return rng.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)

    for _ in range(RUNS):
        compared = both.compare(both.feeds(make))
        total += sum(compared.alone.values(), NOTHING)
        for ours, theirs in zip(compared.ours, compared.theirs, strict=True):
            assert ours.shape == theirs.shape
            assert ours.dtype == theirs.dtype
    assert total.elements > 0
    assert total.largest <= 1
    assert total.differing <= most * total.elements + 2
    graph = both.imported.graph
    if kinds is not None:
        assert [n.op.kind for n in graph.nodes] == kinds
    return graph


def ints(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-127, 128, shape).astype(np.int8)


@pytest.mark.parametrize(("dtype", "zero"), [(np.int8, -128), (np.uint8, 0)])
def test_a_small_network(dtype: Any, zero: int) -> None:
    kinds = ["Quantize", "Transpose", "Conv2D", "Relu", "MaxPool2D", "Transpose", "Reshape"]
    kinds += ["FullyConnected", "Dequantize", "Softmax"]
    kinds.remove("Transpose")
    graph = beside(tiny_qdq(dtype, zero), kinds=kinds)
    assert graph.types[graph.inputs[0]].shape == (1, 6, 6, 2)


CONVS = {
    "plain": ((4, 3, 3, 3), {}),
    "1x1": ((5, 3, 1, 1), {}),
    "stride and pads": ((4, 3, 3, 2), {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    "dilated": ((4, 3, 3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}),
    "same upper": ((4, 3, 4, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same lower": ((4, 3, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "valid": ((4, 3, 3, 3), {"auto_pad": "VALID"}),
    "depthwise": ((3, 1, 3, 3), {"group": 3, "pads": [1, 1, 1, 1]}),
    "depthwise, multiplier 2": ((6, 1, 3, 3), {"group": 3}),
}


@pytest.mark.parametrize("name", CONVS)
@pytest.mark.parametrize("per_channel", [True, False])
def test_convolutions(name: str, per_channel: bool) -> None:
    shape, attributes = CONVS[name]
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [1, 3, 9, 8]), 0.031, 5)
    scales = rng.uniform(0.001, 0.02, shape[0]) if per_channel else np.array(0.013)
    weights = w.dequantized(ints(rng, *shape), scales, axis=0 if per_channel else None)
    steps = np.float32(0.031) * np.broadcast_to(scales, shape[:1]).astype(np.float32)
    bias = w.dequantized(rng.integers(-3000, 3000, shape[0]).astype(np.int32), steps, axis=0)
    y = w.node("Conv", x, weights, bias, **attributes)
    w.output(w.quantize(y, 0.11, -3))
    kind = "DepthwiseConv2D" if "group" in attributes else "Conv2D"
    beside(w.data(), kinds=["Quantize", kind, "Dequantize"])


def test_a_channel_of_zeros_gets_an_ordinary_scale() -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [1, 4, 5, 5]), 0.031, 5)
    values, scales = ints(rng, 6, 4, 3, 3), rng.uniform(0.001, 0.02, 6)
    values[2], scales[2] = 0, 1.0
    steps = np.float32(0.031) * scales.astype(np.float32)
    bias = w.dequantized(np.int32([900, -2000, 31, 40, 5, 6]), steps, axis=0)
    y = w.node("Conv", x, w.dequantized(values, scales, axis=0), bias)
    w.output(w.quantize(y, 0.11, -3))
    graph = beside(w.data(), kinds=["Quantize", "Conv2D", "Dequantize"])
    quant = graph.types[graph.nodes[1].inputs[1]].quant
    assert quant is not None
    assert quant.scale[2] == max(quant.scale[:2] + quant.scale[3:])
    found = graph.constants[graph.nodes[1].inputs[2]]
    assert found.tolist() == [900, -2000, round(31 / quant.scale[2]), 40, 5, 6]


def test_a_convolution_in_two_groups() -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [1, 4, 5, 5]), 0.031, 5)
    weights = w.dequantized(ints(rng, 6, 2, 3, 3), rng.uniform(0.001, 0.02, 6), axis=0)
    w.output(w.quantize(w.node("Conv", x, weights, group=2), 0.11, -3))
    beside(w.data(), kinds=["Quantize", "Conv2D", "Dequantize"])


def test_a_convolution_of_signals() -> None:
    rng, w = np.random.default_rng(3), Writer()
    y = w.quantize(w.input("x", [1, 4, 20]), 0.031, 5)
    for kernel, attributes in (((6, 4, 3), {"strides": [2]}), ((6, 1, 3), {"group": 6})):
        weights = w.dequantized(ints(rng, *kernel), rng.uniform(0.001, 0.02, 6), axis=0)
        y = w.quantize(w.node("Relu", w.node("Conv", y, weights, **attributes)), 0.02, -128)
    y = w.node("MaxPool", y, kernel_shape=[2], strides=[2])
    y = w.quantize(w.node("GlobalAveragePool", y), 0.01, -128)
    weights = w.dequantized(ints(rng, 6, 3), 0.02)
    w.output(w.quantize(w.node("MatMul", w.node("Flatten", y), weights), 0.03, 2))
    graph = beside(w.data())
    assert graph.types[graph.inputs[0]].shape == (1, 20, 4)
    assert all(n.op.kind != "Transpose" for n in graph.nodes[:-4])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("output_padding", [0, 1])
def test_transposed_convolutions(bias: bool, output_padding: int) -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [1, 3, 5, 4]), 0.031, 5)
    operands = [w.dequantized(ints(rng, 3, 4, 3, 3), rng.uniform(0.001, 0.02, 4), axis=1)]
    if bias:
        operands.append(w.constant(rng.normal(0, 1, 4).astype(np.float32)))
    y = w.node(
        "ConvTranspose",
        x,
        *operands,
        strides=[2, 2],
        pads=[1, 1, 1, 1],
        output_padding=[output_padding] * 2,
    )
    w.output(w.quantize(y, 0.11, -3))
    beside(w.data(), kinds=["Quantize", "TransposeConv2D", "Dequantize"])


@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("per_channel", [True, False])
def test_gemm(trans_b: int, per_channel: bool) -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [2, 30]), 0.031, 5)
    shape, axis = ((7, 30), 0) if trans_b else ((30, 7), 1)
    scales = rng.uniform(0.001, 0.02, 7) if per_channel else np.array(0.01)
    weights = w.dequantized(ints(rng, *shape), scales, axis=axis if per_channel else None)
    bias = w.constant(rng.normal(0, 0.5, 7).astype(np.float32))
    y = w.node("Gemm", x, weights, bias, transB=trans_b, alpha=0.5, beta=2.0)
    w.output(w.quantize(y, 0.05, 11))
    beside(w.data(), kinds=["Quantize", "FullyConnected", "Dequantize"])


def test_uint8_weights() -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [2, 30]), 0.031, 105, np.uint8)
    weights = w.dequantized(rng.integers(0, 256, (7, 30)).astype(np.uint8), 0.004, 117)
    y = w.node("Gemm", x, weights, transB=1)
    w.output(w.quantize(y, 0.05, 100, np.uint8))
    beside(w.data(), kinds=["Quantize", "FullyConnected", "Dequantize"])


def test_weights_quantised_in_the_file() -> None:
    """Float weights, with QuantizeLinear and DequantizeLinear behind them."""
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [2, 30]), 0.031, 5)
    floats = w.constant(rng.normal(0, 0.4, (7, 30)).astype(np.float32))
    y = w.node("Gemm", x, w.quantize(floats, 0.008, 0), transB=1)
    w.output(w.quantize(y, 0.05, 11))
    beside(w.data(), kinds=["Quantize", "FullyConnected", "Dequantize"])


def test_matmul_with_an_addition_behind_it() -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [2, 4, 30]), 0.031, 5)
    weights = w.dequantized(ints(rng, 30, 7), rng.uniform(0.001, 0.02, 7), axis=1)
    product = w.node("MatMul", x, weights)
    bias = w.dequantized(rng.integers(-3000, 3000, 7).astype(np.int32), 0.0004)
    w.output(w.quantize(w.node("Add", bias, product), 0.05, 11))
    graph = beside(w.data(), kinds=["Quantize", "FullyConnected", "Dequantize"])
    assert graph.types[graph.outputs[0]].shape == (2, 4, 7)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("relu", [True, False])
def test_arithmetic(kind: str, relu: bool) -> None:
    w = Writer()
    a = w.quantize(w.input("a", [1, 3, 4, 5]), 0.031, 5)
    b = w.quantize(w.input("b", [3, 1, 5]), 0.011, -20)
    y = w.node(kind, a, b)
    y = w.node("Relu", y) if relu else y
    w.output(w.quantize(y, 0.06, -128 if relu else 3))
    kinds = ["Quantize", "Quantize", "Reshape", kind, *(["Relu"] if relu else []), "Dequantize"]
    beside(w.data(), kinds=kinds)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("first", [True, False])
def test_arithmetic_with_a_lone_number(kind: str, first: bool) -> None:
    w = Writer()
    a = w.quantize(w.input("a", [1, 3, 4, 5]), 0.031, 5)
    number = w.constant(np.array(-0.37, np.float32))
    w.output(w.quantize(w.node(kind, *((number, a) if first else (a, number))), 0.06, 3))
    beside(w.data(), kinds=["Quantize", kind, "Dequantize"])


def test_arithmetic_with_quantised_constants() -> None:
    rng, w = np.random.default_rng(3), Writer()
    a = w.quantize(w.input("a", [1, 3, 4, 5]), 0.031, 5)
    per_channel = w.dequantized(ints(rng, 3, 1, 1), 0.02)
    w.node("Conv", a, w.dequantized(ints(rng, 3, 3, 1, 1), 0.1))
    w.nodes.pop()
    w.output(w.quantize(w.node("Mul", a, per_channel), 0.06, 3))
    beside(w.data(), kinds=["Quantize", "Mul", "Dequantize"])


def test_constants_without_integers_are_added_in_float() -> None:
    rng, w = np.random.default_rng(3), Writer()
    a = w.quantize(w.input("a", [1, 6]), 0.031, 5)
    b = w.constant(rng.normal(0, 1, 6).astype(np.float32))
    w.output(w.quantize(w.node("Add", a, b), 0.06, 3))
    kinds = ["Quantize", "Dequantize", "Add", "Quantize", "Dequantize"]
    beside(w.data(), kinds=kinds)


POOLS: dict[str, tuple[str, dict[str, Any], float, list[str]]] = {
    "max": ("MaxPool", {"kernel_shape": [3, 2], "pads": [1, 1, 1, 0]}, 0.05, ["MaxPool2D"]),
    "global max": ("GlobalMaxPool", {}, 0.05, ["MaxPool2D"]),
    "same steps": (
        "AveragePool",
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        0.05,
        ["AveragePool2D"],
    ),
    "finer steps": (
        "AveragePool",
        {"kernel_shape": [3, 2], "strides": [2, 1]},
        0.011,
        ["DepthwiseConv2D"],
    ),
    "padded": (
        "AveragePool",
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        0.03,
        ["AveragePool2D", "Quantize"],
    ),
    "padding counted": (
        "AveragePool",
        {"kernel_shape": [3, 3], "pads": [1, 0, 1, 2], "count_include_pad": 1},
        0.011,
        ["Pad", "DepthwiseConv2D"],
    ),
    "whole": ("AveragePool", {"kernel_shape": [6, 7]}, 0.011, ["Mean"]),
    "global": ("GlobalAveragePool", {}, 0.011, ["Mean"]),
    "mean": ("ReduceMean", {"axes": [2, 3], "keepdims": 1}, 0.011, ["Mean"]),
    "mean of channels": ("ReduceMean", {"axes": [1]}, 0.02, ["Mean"]),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools(name: str) -> None:
    kind, attributes, scale, kinds = POOLS[name]
    w = Writer()
    x = w.quantize(w.input("x", [1, 3, 6, 7]), 0.05, 5)
    # The convolution says that x is an image.
    ones = w.dequantized(np.eye(3, dtype=np.int8).reshape(3, 3, 1, 1), 1.0)
    x = w.quantize(w.node("Conv", x, ones), 0.05, 5)
    zero = 5 if scale == 0.05 else 9
    w.output(w.quantize(w.node(kind, x, **attributes), scale, zero))
    most = 0.5 if name == "padded" else 0.1
    beside(w.data(), kinds=["Quantize", "Conv2D", *kinds, "Dequantize"], most=most)


@pytest.mark.parametrize("zero", [-128, 5])
@pytest.mark.parametrize(
    ("kind", "attributes", "opset"),
    [
        ("Relu", {}, 17),
        ("LeakyRelu", {"alpha": 0.2}, 17),
        ("Clip", {"min": 0.0, "max": 6.0}, 10),
        ("Clip", {"min": -1.0, "max": 1.0}, 10),
        ("Sigmoid", {}, 17),
        ("Tanh", {}, 17),
    ],
)
@pytest.mark.parametrize("scale", [0.004, 1 / 256, 1 / 128, 0.03])
def test_activations(
    kind: str, attributes: dict[str, float], opset: int, zero: int, scale: float
) -> None:
    w = Writer(opset)
    x = w.quantize(w.input("x", [1, 60]), 0.031, 5)
    w.output(w.quantize(w.node(kind, x, **attributes), scale, zero))
    beside(w.data(), most=0.2)


def test_a_relu_that_nothing_quantises_is_exact() -> None:
    w = Writer()
    x = w.quantize(w.input("x", [1, 60]), 0.031, 5)
    w.output(w.node("Relu", x))
    both = Beside(w.data())
    x_values = np.linspace(-5, 5, 60, dtype=np.float32)[None]
    compared = both.compare({"x": x_values})
    assert np.array_equal(compared.ours[0], compared.theirs[0])
    assert [n.op.kind for n in both.imported.graph.nodes] == ["Quantize", "Relu", "Dequantize"]


@pytest.mark.parametrize("bounds", [(-100.0, 100.0), (0.0, 3.0e38), (None, 20.0)])
def test_clips_that_the_quantisation_has_anyway(bounds: tuple[float | None, float]) -> None:
    w = Writer()
    x = w.quantize(w.input("x", [1, 60]), 0.031, 5)
    low = "" if bounds[0] is None else w.constant(np.array(bounds[0], np.float32))
    high = w.constant(np.array(bounds[1], np.float32))
    w.output(w.quantize(w.node("Clip", x, low, high), 0.03, -128))
    graph = beside(w.data())
    assert all(n.op.kind in ("Quantize", "Dequantize") for n in graph.nodes)


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_softmax_in_its_own_steps_is_on_integers(kind: str) -> None:
    w = Writer()
    x = w.quantize(w.input("x", [3, 12]), 0.1, 5)
    steps = (1 / 256, -128) if kind == "Softmax" else (1 / 16, 127)
    w.output(w.quantize(w.node(kind, x), *steps))
    beside(w.data(), kinds=["Quantize", kind, "Dequantize"])


@pytest.mark.parametrize(("scale", "steps"), [(1 / 255, "integer"), (1 / 1000, "float")])
def test_softmax_in_other_steps(scale: float, steps: str) -> None:
    w = Writer()
    x = w.quantize(w.input("x", [3, 12]), 0.1, 5)
    w.output(w.quantize(w.node("Softmax", x), scale, -128))
    graph = beside(w.data())
    (node,) = [n for n in graph.nodes if n.op.kind == "Softmax"]
    assert graph.types[node.inputs[0]].dtype.is_float == (steps == "float")


def test_moving_integers() -> None:
    w = Writer()
    x = w.quantize(w.input("x", [1, 4, 6]), 0.031, 5)
    starts, ends, axes = (w.constant(np.array([v])) for v in (1, 3, 2))
    y = w.node("Slice", w.node("Transpose", x, perm=[0, 2, 1]), starts, ends, axes)
    y = w.node("Reshape", y, w.constant(np.array([0, -1, 3])))
    y = w.node("Squeeze", w.node("Unsqueeze", y, w.constant(np.array([0]))))
    y = w.node("Pad", y, w.constant(np.array([1, 0, 0, 2])), w.constant(np.float32(0)))
    w.output(w.quantize(y, 0.031, 5))
    graph = beside(w.data())
    assert {n.op.kind for n in graph.nodes if n.op.kind.endswith("uantize")} == {
        "Quantize",
        "Dequantize",
    }
    assert all(graph.types[n.outputs[0]].dtype.value == "int8" for n in graph.nodes[:-1])


def test_padding_that_no_integer_stands_for_is_float() -> None:
    w = Writer()
    x = w.quantize(w.input("x", [4, 6]), 0.031, 5)
    y = w.node("Pad", x, w.constant(np.array([1, 0, 0, 2])), w.constant(np.float32(0.05)))
    w.output(w.quantize(y, 0.031, 5))
    graph = beside(w.data())
    assert graph.types[graph.nodes[2].outputs[0]].dtype.is_float


@pytest.mark.parametrize("same", [True, False])
def test_concatenation(same: bool) -> None:
    w = Writer()
    x = w.input("x", [1, 3, 4, 4])
    a = w.quantize(x, 0.031, 5)
    b = w.quantize(w.node("MaxPool", a, kernel_shape=[1, 1]), 0.031, 5)
    c = a if same else w.quantize(w.input("c", [1, 2, 4, 4]), 0.05, -10)
    y = w.node("Concat", b, c, axis=1)
    w.output(w.quantize(y, *((0.031, 5) if same else (0.06, 3))))
    graph = beside(w.data())
    (node,) = [n for n in graph.nodes if n.op.kind == "Concat"]
    assert graph.types[node.outputs[0]].dtype.value == "int8"


def test_parts_of_a_split() -> None:
    w = Writer()
    x = w.quantize(w.input("x", [1, 7, 3]), 0.031, 5)
    lengths = w.constant(np.array([2, 5]))
    first = w.node("Split", x, lengths, outputs=2, axis=1)
    for name in (first, f"{first}.1"):
        w.output(w.quantize(name, 0.031, 5))
    graph = beside(w.data())
    assert [n.op.kind for n in graph.nodes].count("Slice") == 2


def test_requantising() -> None:
    w = Writer()
    x = w.quantize(w.input("x", [1, 200]), 0.031, 5)
    w.output(w.quantize(x, 0.017, -30))
    beside(w.data(), kinds=["Quantize", "Quantize", "Dequantize"])


def test_integers_read_with_other_parameters_are_the_same_integers() -> None:
    w = Writer()
    x = w.input("x", [1, 50])
    written = [w.constant(a) for a in (np.float32(0.031), np.int8(5))]
    read = [w.constant(a) for a in (np.float32(0.5), np.int8(-7))]
    y = w.node("DequantizeLinear", w.node("QuantizeLinear", x, *written), *read)
    w.output(w.quantize(y, 0.5, -7))
    beside(w.data())


@pytest.mark.parametrize(
    ("element", "dtype", "zero"), [(INT8, np.int8, 3), (UINT8, np.uint8, 130), (UINT8, np.uint8, 0)]
)
def test_integer_inputs_and_outputs(element: int, dtype: Any, zero: int) -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.input("x", [2, 30], element)
    scale, point = w.constant(np.float32(0.03)), w.constant(np.array(zero, dtype))
    x = w.node("DequantizeLinear", x, scale, point)
    y = w.node("Gemm", x, w.dequantized(ints(rng, 7, 30), 0.01), transB=1)
    w.output(w.node("QuantizeLinear", y, w.constant(np.float32(0.05)), point), element)
    graph = beside(w.data())
    names = [graph.types[v] for v in (*graph.inputs, *graph.outputs)]
    assert {t.dtype.value for t in names} == {np.dtype(dtype).name}
    assert {t.zero_point for t in names} == {zero}


def test_zero_points_left_out() -> None:
    rng, w = np.random.default_rng(3), Writer()
    scale = w.constant(np.float32(0.03))
    x = w.node("DequantizeLinear", w.input("x", [2, 30], INT8), scale)
    weights = w.node("DequantizeLinear", w.constant(ints(rng, 7, 30)), scale)
    y = w.node("Relu", w.node("Gemm", x, weights, transB=1))
    w.output(w.node("QuantizeLinear", y, w.constant(np.float32(0.05))), UINT8)
    graph = beside(w.data())
    assert graph.types[graph.outputs[0]].dtype.value == "uint8"


def test_int16_activations() -> None:
    rng, w = np.random.default_rng(3), Writer(21)
    x = w.quantize(w.input("x", [1, 3, 6, 6]), 0.0001, 0, np.int16)
    weights = w.dequantized(ints(rng, 4, 3, 3, 3), rng.uniform(0.001, 0.02, 4), axis=0)
    y = w.node("Conv", x, weights, w.constant(rng.normal(0, 1, 4).astype(np.float32)))
    w.output(w.quantize(y, 0.001, 0, np.int16))
    graph = beside(w.data(), kinds=["Quantize", "Conv2D", "Dequantize"])
    assert graph.types[graph.nodes[1].inputs[2]].dtype.value == "int64"


@pytest.mark.parametrize("count", [1, 2])
def test_a_value_that_is_read_as_float_too_is_computed_in_float(count: int) -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [2, 30]), 0.03, 5)
    y = w.node("Gemm", x, w.dequantized(ints(rng, 7, 30), 0.01), transB=1)
    for scale in (0.05, 0.04)[:count]:
        w.output(w.quantize(y, scale, 11))
    if count == 1:
        w.output(y)
    graph = beside(w.data())
    (node,) = [n for n in graph.nodes if n.op.kind == "FullyConnected"]
    assert graph.types[node.outputs[0]].dtype.is_float


def test_a_value_quantised_twice_alike_is_one() -> None:
    rng, w = np.random.default_rng(3), Writer()
    x = w.quantize(w.input("x", [2, 30]), 0.03, 5)
    y = w.node("Gemm", x, w.dequantized(ints(rng, 7, 30), 0.01), transB=1)
    w.output(w.quantize(y, 0.05, 11))
    w.output(w.quantize(y, 0.05, 11))
    kinds = ["Quantize", "FullyConnected", "Dequantize", "Reshape"]
    beside(w.data(), kinds=kinds)
