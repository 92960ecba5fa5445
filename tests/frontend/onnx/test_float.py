# SPDX-License-Identifier: MIT
"""Float networks beside ONNX Runtime: within a bound relative to the largest value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from milliwatt.errors import UnsupportedError
from milliwatt.frontend.onnx import load_onnx
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.quant.calibrate import quantize_graph
from tests.frontend.onnx.models import Writer, tiny_float
from tests.oracles.onnx_runtime import Beside

pytestmark = pytest.mark.oracle

BOUND = 1e-5
"""Of the largest value (at least 1): both sum float32 products, in different orders."""


def beside(data: bytes, *, runs: int = 3) -> Graph:
    """Compare random inputs, as imported and after the passes."""
    both, rng = Beside(data), np.random.default_rng(0)
    optimised = run_pipeline(both.imported.graph)
    for _ in range(runs):
        feeds = both.feeds(lambda n, shape, t: rng.normal(0, 2, shape).astype(np.float32))
        compared = both.compare(feeds)
        inputs = both.inputs(feeds)
        for results in (compared.ours, run(optimised, inputs).outputs):
            for ours, theirs in zip(results, compared.theirs, strict=True):
                assert ours.shape == theirs.shape
                allowed = BOUND * max(1.0, float(np.abs(theirs).max()))
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=allowed)
    return both.imported.graph


def one(kind: str, shape: tuple[int, ...], *operands: Any, opset: int = 17, **attributes: Any):
    """A network of one operator of a value and constants."""
    w = Writer(opset)
    names = [o if isinstance(o, str) else w.constant(o) for o in operands]
    w.output(w.node(kind, w.input("x", shape), *names, **attributes))
    return w.data()


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.5, shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


IMAGE = (1, 4, 7, 6)

CASES: dict[str, bytes] = {
    "conv": one("Conv", IMAGE, normal(5, 4, 3, 2), normal(5), strides=[2, 1], pads=[1, 0, 2, 1]),
    "conv, groups": one("Conv", IMAGE, normal(6, 2, 3, 3), group=2),
    "conv, depthwise": one("Conv", IMAGE, normal(8, 1, 3, 3), group=4),
    "conv of a signal": one("Conv", (2, 4, 9), normal(5, 4, 3), normal(5), pads=[1, 0]),
    "conv, same": one("Conv", IMAGE, normal(5, 4, 3, 3), auto_pad="SAME_LOWER", strides=[2, 2]),
    "transposed conv": one(
        "ConvTranspose", IMAGE, normal(4, 3, 3, 3), normal(3), strides=[2, 3], pads=[0, 1, 1, 0]
    ),
    "gemm": one("Gemm", (3, 6), normal(6, 5), normal(1, 5), alpha=0.5, beta=2.0),
    "gemm, one bias": one("Gemm", (3, 6), normal(5, 6), normal(1), transB=1),
    "gemm, beta 0": one("Gemm", (3, 6), normal(5, 6), normal(5), transB=1, beta=0.0),
    "matmul": one("MatMul", (2, 3, 6), normal(6, 5)),
    "add": one("Add", IMAGE, normal(4, 1, 1)),
    "sub": one("Sub", IMAGE, normal(1, 4, 7, 6)),
    "div": one("Div", (2, 3), np.array([2.0, 3.0, 0.7], np.float32)),
    "add that adds dimensions": one("Add", (3, 4), normal(2, 1, 1)),
    "batch normalisation": one(
        "BatchNormalization", IMAGE, normal(4), normal(4), normal(4), normal(4) ** 2, epsilon=0.001
    ),
    "batch normalisation of rows": one(
        "BatchNormalization", (2, 5), normal(5), normal(5), normal(5), normal(5) ** 2
    ),
    "max pool": one("MaxPool", IMAGE, kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[2, 1]),
    "max pool of a signal": one("MaxPool", (2, 4, 9), kernel_shape=[3], strides=[2]),
    "max pool, ceil_mode without effect": one(
        "MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1
    ),
    "average pool": one("AveragePool", IMAGE, kernel_shape=[3, 2], pads=[1, 0, 1, 1]),
    "average pool, padding counted": one(
        "AveragePool", IMAGE, kernel_shape=[3, 2], pads=[1, 0, 1, 1], count_include_pad=1
    ),
    "global average pool": one("GlobalAveragePool", IMAGE),
    "global max pool of a signal": one("GlobalMaxPool", (2, 4, 9)),
    "mean": one("ReduceMean", IMAGE, axes=[2, 3], keepdims=0),
    "mean of all": one("ReduceMean", (3, 4), keepdims=1),
    "mean, axes as an operand": one("ReduceMean", (3, 4, 5), ints(-1), opset=18, keepdims=0),
    "leaky relu": one("LeakyRelu", (3, 4), alpha=0.3),
    "hard sigmoid": one("HardSigmoid", (3, 40), alpha=0.3, beta=0.4),
    "hard swish": one("HardSwish", (1, 3, 4, 5)),
    "relu": one("Relu", (3, 4)),
    "clip": one("Clip", (3, 40), opset=6 + 1, min=0.0, max=6.0),
    "clip, no bounds": one("Clip", (3, 40)),
    "sigmoid": one("Sigmoid", (3, 4)),
    "tanh": one("Tanh", IMAGE),
    "softmax": one("Softmax", (3, 4)),
    "softmax of channels": one("Softmax", IMAGE, axis=1),
    "softmax, opset 11": one("Softmax", (3, 4), opset=11),
    "log softmax": one("LogSoftmax", (2, 3, 4), axis=-1),
    "reshape": one("Reshape", (2, 3, 4), ints(0, -1)),
    "flatten": one("Flatten", IMAGE, axis=2),
    "flatten from the end": one("Flatten", IMAGE, axis=-1),
    "squeeze": one("Squeeze", (1, 3, 1, 4), ints(0, -2)),
    "squeeze, opset 11": one("Squeeze", (1, 3, 1, 4), opset=11, axes=[2]),
    "squeeze of all": one("Squeeze", (1, 3, 1, 4)),
    "unsqueeze": one("Unsqueeze", (3, 4), ints(-1, 0)),
    "transpose": one("Transpose", (2, 3, 4)),
    "transpose of an image": one("Transpose", IMAGE, perm=[0, 2, 1, 3]),
    "slice": one("Slice", IMAGE, ints(-1, 5), ints(-100, 1), ints(2, 3), ints(-2, -1)),
    "slice, opset 9": one("Slice", IMAGE, opset=9, starts=[1, 0], ends=[3, 1000], axes=[1, 2]),
    "gather": one("Gather", (2, 3, 4), np.array(-1), axis=1),
    "gather, kept": one("Gather", (2, 3, 4), ints(2), axis=2),
    "pad": one("Pad", (2, 3), ints(1, 0, 0, 2), np.float32(1.5)),
    "pad, opset 10": one("Pad", (2, 3), opset=10, pads=[1, 0, 0, 2], value=-2.0),
    "pad, axes": one("Pad", (2, 3), ints(1, 2), "", ints(1), opset=18),
    "identity": one("Identity", (2, 3)),
    "dropout": one("Dropout", (2, 3)),
    "cast": one("Cast", (2, 3), to=1),
    "nearest": one(
        "Resize",
        IMAGE,
        "",
        np.array([1, 1, 2, 3], np.float32),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    ),
    "bilinear": one("Resize", IMAGE, "", "", ints(1, 4, 14, 9), mode="linear"),
    "bilinear, asymmetric": one(
        "Resize",
        IMAGE,
        "",
        np.array([1, 1, 2, 2], np.float32),
        mode="linear",
        coordinate_transformation_mode="asymmetric",
    ),
    "bilinear, corners aligned": one(
        "Resize",
        IMAGE,
        "",
        "",
        ints(1, 4, 14, 9),
        mode="linear",
        coordinate_transformation_mode="align_corners",
    ),
    "upsample": one("Upsample", IMAGE, np.array([1, 1, 2, 2], np.float32), opset=9, mode="nearest"),
    "resize, opset 10": one(
        "Resize", IMAGE, np.array([1, 1, 2, 2], np.float32), opset=10, mode="nearest"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_operator(name: str) -> None:
    beside(CASES[name])


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 21])
def test_a_small_network(opset: int) -> None:
    graph = beside(tiny_float(opset))
    assert graph.types[graph.inputs[0]].shape == (1, 8, 8, 3)
    kinds = [n.op.kind for n in run_pipeline(graph).nodes]
    assert kinds == [
        *("Conv2D", "DepthwiseConv2D", "Add", "Mean", "Reshape", "FullyConnected", "Softmax")
    ]


def test_a_small_network_in_int8() -> None:
    graph = run_pipeline(load_onnx(tiny_float()))
    rng = np.random.default_rng(0)
    samples = [(rng.normal(0, 2, (1, 8, 8, 3)).astype(np.float32),) for _ in range(50)]
    integer = quantize_graph(graph, samples)
    assert {t.dtype.value for t in integer.types.values()} == {"int8", "int32"}
    kind = integer.types[integer.inputs[0]]
    agreeing = 0
    for (x,) in samples:
        codes = np.clip(np.rint(x / kind.scale) + kind.zero_point, -128, 127).astype(np.int8)
        real, coded = run(graph, [x]).outputs[0], run(integer, [codes]).outputs[0]
        agreeing += int(real.argmax() == coded.argmax())
    assert agreeing >= 45


def test_two_values() -> None:
    w = Writer()
    image = w.input("image", [1, 3, 5, 4])
    y = w.node("Conv", image, w.constant(normal(2, 3, 1, 1)))
    z = w.node("Reshape", w.input("row", [1, 40]), w.constant(ints(1, 2, 5, 4)))
    y = w.node("Concat", w.node("Mul", y, z), y, axis=1)
    w.output(w.node("Sub", y, w.input("few", [5, 1])))
    graph = beside(w.data())
    assert [graph.types[v].shape for v in graph.inputs] == [(1, 5, 4, 3), (1, 40), (5, 1)]
    assert graph.types[graph.outputs[0]].shape == (1, 5, 4, 4)


@pytest.mark.parametrize("lengths", [None, ints(1, 3)])
def test_split(lengths: np.ndarray | None) -> None:
    w = Writer()
    x = w.input("x", [2, 4])
    operands = [] if lengths is None else [w.constant(lengths)]
    first = w.node("Split", x, *operands, outputs=2, axis=-1)
    w.output(w.node("Relu", first))
    w.output(w.node("Tanh", f"{first}.1"))
    beside(w.data())


def test_an_image_transposed_by_the_file_stays_as_it_is() -> None:
    w = Writer()
    x = w.node("Transpose", w.input("x", [1, 5, 4, 3]), perm=[0, 3, 1, 2])
    y = w.node("Relu", w.node("Conv", x, w.constant(normal(2, 3, 1, 1))))
    w.output(w.node("Transpose", y, perm=[0, 2, 3, 1]))
    graph = beside(w.data())
    assert [n.op.kind for n in graph.nodes] == ["Conv2D", "Relu"]
    assert graph.types[graph.inputs[0]].shape == (1, 5, 4, 3)
    assert graph.types[graph.outputs[0]].shape == (1, 5, 4, 2)


def test_shapes_computed_in_the_file() -> None:
    """What PyTorch writes for x.view(x.shape[0], -1, 4)."""
    w = Writer()
    x = w.node("Conv", w.input("x", ["batch", 3, 5, 4]), w.constant(normal(2, 3, 1, 1)))
    batch = w.node("Gather", w.node("Shape", x), w.constant(np.array(0)))
    parts = [w.node("Unsqueeze", v, w.constant(ints(0))) for v in (batch,)]
    four = w.node("Cast", w.constant(np.array([4.0], np.float32)), to=7)
    shape = w.node("Concat", *parts, w.constant(ints(-1)), four, axis=0)
    w.output(w.node("Reshape", x, shape))
    graph = beside(w.data())
    assert graph.types[graph.outputs[0]].shape == (1, 10, 4)


def test_arithmetic_of_constants() -> None:
    w = Writer()
    half = w.node("Div", w.constant(np.float32([3, 5])), w.constant(np.float32([2])))
    root = w.node("Sqrt", w.node("Pow", half, w.constant(np.float32(3))))
    factor = w.node("Neg", w.node("Mul", root, w.constant(np.float32(0.1))))
    w.output(w.node("Mul", w.input("x", [3, 2]), factor))
    graph = beside(w.data())
    assert [n.op.kind for n in graph.nodes] == ["Mul"]


def test_integers_of_shapes_divide_towards_zero() -> None:
    w = Writer()
    size = w.node("Div", w.constant(ints(-7)), w.constant(ints(2)))
    shape = w.node("Sub", w.constant(ints(3)), size)
    w.output(w.node("Reshape", w.input("x", [2, 3]), shape))
    graph = beside(w.data())
    assert graph.types[graph.outputs[0]].shape == (6,)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (one("MaxPool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), "ceil_mode"),
        (one("MaxPool", IMAGE, kernel_shape=[2, 2], dilations=[2, 1]), "dilation"),
        (one("MaxPool", IMAGE, kernel_shape=[2, 2], storage_order=1), "storage_order"),
        (one("Clip", (2, 3), np.float32(0), np.float32(1)), "clips to 0..1; supported: 0..6"),
        (one("Softmax", IMAGE, axis=2), "over axis 2"),
        (one("Softmax", IMAGE, opset=11), "over several dimensions"),
        (one("Gemm", (6, 3), normal(6, 5), transA=1), "transA"),
        (one("Gemm", (3, 6), normal(6, 5), alpha=-1.0), "alpha -1.0"),
        (one("MatMul", (2, 3), normal(2, 3, 4)), "weights of shape"),
        (one("Cast", (2, 3), to=7), "casts a computed value"),
        (one("Pad", (2, 3), ints(1, 0, 0, 2), mode="reflect"), "mode reflect"),
        (one("Pad", (2, 3), ints(-1, 0, 0, 2)), "negative padding"),
        (one("Gather", (2, 3), ints(0, 1)), "one index"),
        (one("ConvTranspose", IMAGE, normal(4, 1, 3, 3), group=4), "groups"),
        (one("ConvTranspose", IMAGE, normal(4, 2, 3, 3), dilations=[2, 2]), "dilation"),
        (one("ConvTranspose", IMAGE, normal(4, 2, 3, 3), auto_pad="SAME_UPPER"), "auto_pad"),
        (one("ConvTranspose", IMAGE, normal(4, 2, 3, 3), output_shape=[9, 8]), "output_shape"),
        (one("Resize", IMAGE, "", np.float32([1, 1, 2, 2])), "nearest, half_pixel"),
        (one("Resize", IMAGE, "", np.float32([1, 1, 2, 2]), mode="cubic"), "mode cubic"),
        (one("Resize", IMAGE, "", np.float32([1, 2, 2, 2])), "only rows and columns"),
        (one("Resize", IMAGE, "", np.float32([1, 1, 1.5, 2])), "whole rows and columns"),
        (one("Conv", (1, 4, 3, 3, 3), normal(5, 4, 1, 1, 1)), "images of 4 dimensions"),
        (one("BatchNormalization", IMAGE, *[normal(4)] * 4, training_mode=1), "training mode"),
        (one("Dropout", (2, 3), np.float32(0.5), np.array(True)), "training mode"),
        (one("Erf", (2, 3)), "this operator is not supported"),
        (one("Pow", (2, 3), np.float32(2)), "supported for constants alone"),
        (one("ReduceMean", (), keepdims=0), "a single number"),
    ],
)
def test_what_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        load_onnx(data)
    assert len(caught.value.problems) == 1
    assert reason in caught.value.problems[0]
