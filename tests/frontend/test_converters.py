# SPDX-License-Identifier: MIT
"""Each converter on a file of one operator, run beside TFLM; and what the converters refuse.

The published networks use most operators already; here are the others, and the odd options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.tflite import load_tflite, schema
from milliwatt.ir.interpret import run
from milliwatt.ir.types import DType
from milliwatt.ops.base import Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.shape import Reshape, Slice
from tests.frontend.tflite_file import Graph, Op, T, write
from tests.oracles.tflm import Tflm

QUANT = {"scale": [0.5], "zero_point": [3]}
OTHER = {"scale": [0.3], "zero_point": [-7]}


def ints(*values: int) -> T:
    return T([len(values)], "INT32", data=np.array(values, np.int32))


def one(
    kind: str,
    inputs: list[T],
    output: T | list[T],
    options: type | None = None,
    **values: Any,
) -> bytes:
    """A file of one operator; tensors without data are the graph's inputs."""
    outputs = output if isinstance(output, list) else [output]
    tensors = [*inputs, *outputs]
    fields: Mapping[Any, Any] = {getattr(options, n): v for n, v in values.items()}
    first = len(inputs)
    op = Op(kind, range(first), range(first, len(tensors)), fields, options)
    given = [i for i, t in enumerate(inputs) if t.data is None]
    return write(Graph(tensors, [op], given, range(first, len(tensors))))


def stored(rng: np.random.Generator, *shape: int, **quant: Any) -> T:
    """int8 weights."""
    return T(shape, data=rng.integers(-127, 128, shape).astype(np.int8), **quant)


def bias(rng: np.random.Generator, count: int, **quant: Any) -> T:
    return T([count], "INT32", data=rng.integers(-400, 400, count).astype(np.int32), **quant)


def image(*shape: int) -> T:
    return T(shape, **QUANT)


def convolution(groups: int = 1, scales: tuple[float, ...] = (0.01,) * 4) -> bytes:
    rng = np.random.default_rng(1)
    per_channel = {"scale": scales, "zero_point": [0] * 4}
    weights = stored(rng, 4, 3, 2, 4 // groups, **per_channel)
    bias_quant = {"scale": [0.5 * s for s in scales], "zero_point": [0] * 4}
    inputs = [image(1, 7, 6, 4), weights, bias(rng, 4, **bias_quant)]
    values = {"padding": 0, "stride_h": 2, "stride_w": 1, "dilation_w_factor": 2}
    return one("CONV_2D", inputs, T([1, 4, 6, 4], **OTHER), schema.Conv2DOptions, **values)


def int4_convolution() -> bytes:
    rng = np.random.default_rng(2)
    values = rng.integers(-7, 8, 2 * 3 * 3 * 2).astype(np.int8)
    packed = (values[0::2] & 15) | (values[1::2] << 4)
    weights = T([2, 3, 3, 2], "INT4", data=packed, scale=[0.1, 0.2], zero_point=[0, 0])
    added = bias(rng, 2, scale=[0.05, 0.1], zero_point=[0, 0])
    options = {"padding": 1, "stride_h": 1, "stride_w": 1}
    inputs = [image(1, 5, 5, 2), weights, added]
    return one("CONV_2D", inputs, T([1, 3, 3, 2], **OTHER), schema.Conv2DOptions, **options)


def depthwise() -> bytes:
    rng = np.random.default_rng(3)
    # The stored axis is wrong, as in TFLM's person_detect; TFLM takes the operator's.
    quant = {"scale": [0.01 * (i + 1) for i in range(6)], "zero_point": [0] * 6, "axis": 3}
    bias_quant = {"scale": [0.005 * (i + 1) for i in range(6)], "zero_point": [0] * 6, "axis": 3}
    inputs = [image(1, 6, 6, 3), stored(rng, 1, 3, 3, 6, **quant), bias(rng, 6, **bias_quant)]
    values = {"padding": 0, "stride_h": 2, "stride_w": 2, "depth_multiplier": 2}
    output = T([1, 3, 3, 6], **OTHER)
    return one("DEPTHWISE_CONV_2D", inputs, output, schema.DepthwiseConv2DOptions, **values)


def transposed(padding: int) -> bytes:
    rng = np.random.default_rng(4)
    rows, columns = (6, 8) if padding == schema.PADDING_SAME else (7, 9)
    quant = {"scale": [0.01] * 2, "zero_point": [0] * 2}
    weights = stored(rng, 2, 3, 3, 5, **quant)
    added = bias(rng, 2, scale=[0.005] * 2, zero_point=[0] * 2)
    inputs = [ints(1, rows, columns, 2), weights, image(1, 3, 4, 5), added]
    output = T([1, rows, columns, 2], **OTHER)
    values = {"padding": padding, "stride_h": 2, "stride_w": 2}
    return one("TRANSPOSE_CONV", inputs, output, schema.TransposeConvOptions, **values)


def dense(keep: bool, output: list[int], *, with_bias: bool = True) -> bytes:
    rng = np.random.default_rng(5)
    weights = stored(rng, 3, 4, scale=[0.01])
    inputs = [image(2, 5, 4), weights, *([bias(rng, 3, scale=[0.005])] if with_bias else [])]
    options = schema.FullyConnectedOptions
    return one("FULLY_CONNECTED", inputs, T(output, **OTHER), options, keep_num_dims=keep)


def pool(kind: str) -> bytes:
    values = {"padding": 0, "stride_h": 2, "stride_w": 3, "filter_height": 3, "filter_width": 2}
    output = T([1, 4, 2, 2], **QUANT)
    return one(kind, [image(1, 7, 6, 2)], output, schema.Pool2DOptions, **values)


def binary(kind: str, options: type, activation: int = 0) -> bytes:
    inputs = [image(2, 3, 4), T([3, 1], **OTHER)]
    output = T([2, 3, 4], scale=[0.7], zero_point=[1])
    return one(kind, inputs, output, options, fused_activation_function=activation)


def strided(masks: Mapping[str, int], begin: T, end: T, strides: T, output: list[int]) -> bytes:
    options = schema.StridedSliceOptions
    inputs = [image(2, 5, 4), begin, end, strides]
    return one("STRIDED_SLICE", inputs, T(output, **QUANT), options, **masks)


X = [1, 4, 6]
ALIKE = T(X, **QUANT)

FILES = {
    "conv": convolution(),
    "conv grouped": convolution(groups=2),
    "conv int4": int4_convolution(),
    "conv negative scales": convolution(scales=(0.01, -0.02, 0.03, -0.005)),
    "depthwise, bad axis": depthwise(),
    "transposed same": transposed(schema.PADDING_SAME),
    "transposed valid": transposed(schema.PADDING_VALID),
    "dense": dense(False, [10, 3]),
    "dense kept": dense(True, [2, 5, 3]),
    "dense declared otherwise": dense(False, [2, 5, 3]),
    "dense without bias": dense(False, [10, 3], with_bias=False),
    "average pool": pool("AVERAGE_POOL_2D"),
    "max pool": pool("MAX_POOL_2D"),
    "add": binary("ADD", schema.AddOptions),
    "sub": binary("SUB", schema.SubOptions, activation=1),
    "mul": binary("MUL", schema.MulOptions, activation=3),
    "relu": one("RELU", [ALIKE], T(X, **OTHER)),
    "relu6": one("RELU6", [ALIKE], ALIKE),
    "leaky relu": one("LEAKY_RELU", [ALIKE], T(X, **OTHER), schema.LeakyReluOptions, alpha=0.1),
    "logistic": one("LOGISTIC", [ALIKE], T(X, scale=[1 / 256], zero_point=[-128])),
    "tanh": one("TANH", [ALIKE], T(X, scale=[1 / 128], zero_point=[0])),
    "softmax": one(
        "SOFTMAX",
        [ALIKE],
        T(X, scale=[1 / 256], zero_point=[-128]),
        schema.SoftmaxOptions,
        beta=1.0,
    ),
    "quantize": one("QUANTIZE", [ALIKE], T(X, **OTHER)),
    "dequantize": one("DEQUANTIZE", [ALIKE], T(X, "FLOAT32")),
    "mean": one(
        "MEAN", [image(1, 4, 6, 3), ints(2, -3)], T([1, 3], **OTHER), schema.ReducerOptions
    ),
    "mean kept": one(
        "MEAN",
        [image(1, 4, 6, 3), ints(1, 2)],
        T([1, 1, 1, 3], **OTHER),
        schema.ReducerOptions,
        keep_dims=True,
    ),
    "reshape by option": one(
        "RESHAPE",
        [ALIKE],
        T([2, 12], **QUANT),
        schema.ReshapeOptions,
        new_shape=np.array([-1, 12], np.int32),
    ),
    "squeeze": one("SQUEEZE", [ALIKE], T([4, 6], **QUANT)),
    "expand dims": one("EXPAND_DIMS", [ALIKE, ints(-1)], T([1, 4, 6, 1], **QUANT)),
    "transpose": one("TRANSPOSE", [ALIKE, ints(2, 0, 1)], T([6, 1, 4], **QUANT)),
    "concat": one(
        "CONCATENATION",
        [ALIKE, T([1, 4, 2], **QUANT)],
        T([1, 4, 8], **QUANT),
        schema.ConcatenationOptions,
        axis=-1,
    ),
    "split": one(
        "SPLIT", [ints(-1), ALIKE], [T([1, 4, 2], **QUANT)] * 3, schema.SplitOptions, num_splits=3
    ),
    "pack": one(
        "PACK", [ALIKE, ALIKE], T([1, 2, 4, 6], **QUANT), schema.PackOptions, axis=1, values_count=2
    ),
    "unpack": one("UNPACK", [ALIKE], [T([1, 6], **QUANT)] * 4, schema.UnpackOptions, num=4, axis=1),
    "pad": one("PAD", [ALIKE, ints(0, 0, 1, 2, 3, 0)], T([1, 7, 9], **QUANT)),
    "padv2": one(
        "PADV2",
        [ALIKE, ints(0, 0, 1, 2, 3, 0), T([], data=b"\x0b", **QUANT)],
        T([1, 7, 9], **QUANT),
    ),
    "slice": one("SLICE", [ALIKE, ints(0, 1, 2), ints(1, 3, -1)], T([1, 3, 4], **QUANT)),
    "strided slice": strided(
        {"begin_mask": 1, "end_mask": 1},
        ints(9, 1, -1),
        ints(9, 5, -5),
        ints(1, 2, -2),
        [2, 2, 2],
    ),
    "strided slice, one index": strided(
        {"begin_mask": 5, "end_mask": 5, "shrink_axis_mask": 2},
        ints(0, 3, 0),
        ints(0, 4, 0),
        ints(1, 1, 1),
        [2, 4],
    ),
    "resize nearest": one(
        "RESIZE_NEAREST_NEIGHBOR",
        [image(1, 3, 4, 2), ints(5, 7)],
        T([1, 5, 7, 2], **QUANT),
        schema.ResizeNearestNeighborOptions,
        half_pixel_centers=True,
    ),
    "resize bilinear": one(
        "RESIZE_BILINEAR",
        [image(1, 3, 4, 2), ints(5, 7)],
        T([1, 5, 7, 2], **QUANT),
        schema.ResizeBilinearOptions,
        align_corners=True,
    ),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", FILES)
def test_equals_tflm(name: str) -> None:
    data = FILES[name]
    graph, tflm = load_tflite(data), Tflm(data)
    rng = np.random.default_rng(7)
    for _ in range(3):
        inputs = [
            rng.integers(-128, 128, graph.types[v].shape).astype(np.int8) for v in graph.inputs
        ]
        theirs = tflm.invoke(inputs)
        ours = run(graph, inputs).outputs
        for a, b in zip(ours, theirs, strict=True):
            assert np.array_equal(a, b)


def test_negative_scales_change_the_sign_of_weights_and_bias() -> None:
    scales = (0.01, -0.02, 0.03, -0.005)
    plain, signed = load_tflite(FILES["conv"]), load_tflite(convolution(scales=scales))
    for name in ("op_0_weights", "op_0_bias"):
        a, b = plain.constants[name], signed.constants[name]
        assert np.array_equal(a[0], b[0])
        assert np.array_equal(a[1], -b[1])
    quant = signed.types["op_0_weights"].quant
    assert quant is not None
    assert quant.scale == tuple(abs(float(np.float32(s))) for s in scales)


def test_a_weight_without_a_negative_is_refused() -> None:
    weights = T([1, 2], data=np.array([-128, 1], np.int8), scale=[-0.5], zero_point=[0])
    inputs = [T([1, 2], **QUANT), weights]
    data = one("FULLY_CONNECTED", inputs, T([1, 1], **OTHER), schema.FullyConnectedOptions)
    with pytest.raises(UnsupportedError, match="-128 has no opposite"):
        load_tflite(data)


def test_a_missing_bias_is_zero_and_of_the_activations_width() -> None:
    weights = T([3, 4], data=bytes(12), scale=[0.01], zero_point=[0])
    for dtype, width in (("INT8", DType.INT32), ("INT16", DType.INT64)):
        x, y = (T(s, dtype, scale=[0.5], zero_point=[0]) for s in ([1, 4], [1, 3]))
        graph = load_tflite(one("FULLY_CONNECTED", [x, weights], y, schema.FullyConnectedOptions))
        name = graph.nodes[0].inputs[2]
        assert graph.types[name].dtype is width
        assert graph.constants[name].tolist() == [0, 0, 0]


def test_operators_that_share_weights_go_on_sharing_them() -> None:
    weights = T([4, 4], data=bytes(16), scale=[0.01], zero_point=[0])
    options = schema.FullyConnectedOptions
    tensors = [T([1, 4], **QUANT), weights, ints(1, 2, 3, 4), T([1, 4], **OTHER), ALIKE]
    tensors[4] = T([1, 4], **QUANT)
    operators = [
        Op("FULLY_CONNECTED", [0, 1, 2], [3], {}, options),
        Op("FULLY_CONNECTED", [3, 1, 2], [4], {}, options),
    ]
    first, second = load_tflite(write(Graph(tensors, operators, [0], [4]))).nodes
    assert first.inputs[1:] == second.inputs[1:]


def test_float16_weights_become_float32() -> None:
    half = np.array([[1.5, -2]], np.float16)
    tensors = [
        T([1, 2], "FLOAT32", name="x"),
        T([1, 2], "FLOAT16", data=half, name="stored"),
        T([1, 2], "FLOAT32", name="weights"),
        T([1, 1], "FLOAT32", name="y"),
    ]
    operators = [
        Op("DEQUANTIZE", [1], [2]),
        Op("FULLY_CONNECTED", [0, 2], [3], {}, schema.FullyConnectedOptions),
    ]
    graph = load_tflite(write(Graph(tensors, operators, [0], [3])))
    (node,) = graph.nodes
    assert graph.constants[node.inputs[1]].tolist() == [[1.5, -2]]
    assert run(graph, [np.array([[2, 1]], np.float32)]).outputs[0].tolist() == [[1.0]]


def test_shapes_computed_from_shapes_are_folded() -> None:
    """What Keras exports for a reshape that keeps the batch: shape, slice, pack, reshape."""
    scalar = T([], "INT32")
    tensors = [
        T([1, 4, 6], **QUANT, name="x"),
        T([3], "INT32"),
        ints(0),
        ints(1),
        scalar,
        T([], "INT32", data=np.array(24, np.int32)),
        T([2], "INT32"),
        T([1, 24], **QUANT, name="y"),
        T([1, 24], **QUANT, name="zeros"),
        T([1, 24], **QUANT, name="sum"),
        T([], data=b"\x05", **QUANT),
    ]
    operators = [
        Op("SHAPE", [0], [1]),
        Op(
            "STRIDED_SLICE",
            [1, 2, 3, 3],
            [4],
            {schema.StridedSliceOptions.shrink_axis_mask: 1},
            schema.StridedSliceOptions,
        ),
        Op("PACK", [4, 5], [6], {schema.PackOptions.values_count: 2}, schema.PackOptions),
        Op("RESHAPE", [0, 6], [7], {}, schema.ReshapeOptions),
        Op("FILL", [6, 10], [8]),
        Op("ADD", [7, 8], [9], {}, schema.AddOptions),
    ]
    graph = load_tflite(write(Graph(tensors, operators, [0], [9])))
    assert [type(n.op).__name__ for n in graph.nodes] == ["Reshape", "Add"]
    assert graph.constants["zeros"].tolist() == [[5] * 24]
    assert set(graph.constants) == {"zeros"}


def test_padding_becomes_explicit() -> None:
    (node,) = load_tflite(FILES["conv"]).nodes
    assert isinstance(node.op, Conv2D)
    assert node.op.padding == Padding(1, 1, 1, 1)


def test_a_slice_that_drops_an_axis_is_a_slice_and_a_reshape() -> None:
    nodes = load_tflite(FILES["strided slice, one index"]).nodes
    assert [n.op for n in nodes] == [Slice((0, 3, 0), (2, 1, 4), (1, 1, 1)), Reshape((2, 4))]


FLOATS = T([1, 4], "FLOAT32")
DENSE = schema.FullyConnectedOptions

REFUSED = {
    "hybrid: float32 activations with int8 weights": one(
        "FULLY_CONNECTED",
        [FLOATS, T([3, 4], data=bytes(12), scale=[0.1])],
        T([1, 3], "FLOAT32"),
        DENSE,
    ),
    "activations with float32 weights": one(
        "FULLY_CONNECTED",
        [T([1, 4], **QUANT), T([3, 4], "FLOAT32", data=bytes(48))],
        T([1, 3], **QUANT),
        DENSE,
    ),
    "the weights must be constant": one(
        "FULLY_CONNECTED", [T([1, 4], **QUANT), T([3, 4], **QUANT)], T([1, 3], **QUANT), DENSE
    ),
    "shuffled weights": one(
        "FULLY_CONNECTED",
        [T([1, 4], **QUANT), T([3, 4], data=bytes(12), scale=[0.1])],
        T([1, 3], **QUANT),
        DENSE,
        weights_format=1,
    ),
    "the new shape must be constant": one(
        "RESHAPE", [ALIKE, T([2], "INT32")], T([4, 6], **QUANT), schema.ReshapeOptions
    ),
    "end given as an offset": strided(
        {"offset": 1}, ints(0, 0, 0), ints(1, 1, 1), ints(1, 1, 1), [1, 1, 1]
    ),
    "every dimension fixed": one("RELU", [T([-1, 4], **QUANT)], T([1, 4], **QUANT)),
    "must be quantised": one("RELU", [T([1, 4], "UINT8")], T([1, 4], "UINT8")),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        load_tflite(REFUSED[message])
    assert len(caught.value.problems) == 1
    assert message in caught.value.problems[0]


MALFORMED = {
    "depth multiplier 3 of 3 channels": one(
        "DEPTHWISE_CONV_2D",
        [image(1, 6, 6, 3), T([1, 3, 3, 6], data=bytes(54), scale=[0.1])],
        T([1, 6, 6, 6], **OTHER),
        schema.DepthwiseConv2DOptions,
        stride_h=1,
        stride_w=1,
        depth_multiplier=3,
    ),
    "bias scale": one(
        "FULLY_CONNECTED",
        [
            T([1, 4], **QUANT),
            T([3, 4], data=bytes(12), scale=[0.1]),
            T([3], "INT32", data=bytes(12), scale=[7.0]),
        ],
        T([1, 3], **QUANT),
        DENSE,
    ),
    "expected int32[3]": one(
        "FULLY_CONNECTED",
        [T([1, 4], **QUANT), T([3, 4], data=bytes(12), scale=[0.1]), ints(1, 2)],
        T([1, 3], **QUANT),
        DENSE,
    ),
    "cannot reshape": one(
        "RESHAPE", [ALIKE, ints(-1, -1)], T([4, 6], **QUANT), schema.ReshapeOptions
    ),
    "does not fill shape": one(
        "RESHAPE", [ALIKE, ints(5, -1)], T([4, 6], **QUANT), schema.ReshapeOptions
    ),
    "does not permute": one("TRANSPOSE", [ALIKE, ints(0, 0, 1)], T([4, 6], **QUANT)),
    "axis 3 of 3 dimensions": one(
        "MEAN", [ALIKE, ints(3)], T([1, 4], **QUANT), schema.ReducerOptions
    ),
    "must be four positive numbers": one(
        "TRANSPOSE_CONV",
        [ints(1, 6, 6), T([2, 3, 3, 5], data=bytes(90), scale=[0.1]), image(1, 3, 3, 5)],
        T([1, 6, 6, 2], **QUANT),
        schema.TransposeConvOptions,
        stride_h=2,
        stride_w=2,
    ),
    "must be positive": one(
        "SOFTMAX", [ALIKE], T(X, scale=[1 / 256], zero_point=[-128]), schema.SoftmaxOptions
    ),
    "must be one number": one("EXPAND_DIMS", [ALIKE, ints(0, 1)], T([1, 1, 4, 6], **QUANT)),
    "0 values; the operator has 2": one(
        "PACK", [ALIKE, ALIKE], T([1, 2, 4, 6], **QUANT), schema.PackOptions
    ),
    "does not come from an image of (3, 4)": one(
        "TRANSPOSE_CONV",
        [ints(1, 9, 8, 2), T([2, 3, 3, 5], data=bytes(90), scale=[0.1]), image(1, 3, 4, 5)],
        T([1, 9, 8, 2], **QUANT),
        schema.TransposeConvOptions,
        stride_h=2,
        stride_w=2,
    ),
    "must be positive and at most": one(
        "MAX_POOL_2D",
        [image(1, 3, 4, 5)],
        T([1, 1, 1, 5], **QUANT),
        schema.Pool2DOptions,
        stride_h=1 << 30,
        stride_w=1,
        filter_height=1,
        filter_width=1,
    ),
    "reaches over": one(
        "DEPTHWISE_CONV_2D",
        [image(1, 6, 6, 3), T([1, 3, 3, 3], data=bytes(27), scale=[0.1])],
        T([1, 6, 6, 3], **OTHER),
        schema.DepthwiseConv2DOptions,
        stride_h=1,
        stride_w=1,
        depth_multiplier=1,
        dilation_h_factor=4000,
    ),
    "to 0.25: corrupt": one(
        "FULLY_CONNECTED",
        [T([1, 4], scale=[1e8]), T([3, 4], data=bytes(12), scale=[1e3])],
        T([1, 3], scale=[0.25]),
        DENSE,
    ),
    "paddings for": one("PAD", [ALIKE, ints(1, 1)], T([1, 4, 6], **QUANT)),
    "must be int32 or int64": one(
        "TRANSPOSE", [ALIKE, T([3], data=b"\0\1\2")], T([1, 4, 6], **QUANT)
    ),
}


@pytest.mark.parametrize("message", MALFORMED)
def test_malformed(message: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_tflite(MALFORMED[message])
    assert message in str(caught.value)
    assert not isinstance(caught.value, UnsupportedError)
