# SPDX-License-Identifier: MIT
"""A milliwatt graph as a .tflite file, so that any operator can be put before an oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack
from milliwatt.ops.window import same_padding, transpose_same_padding
from tests.oracles.tflite_builder import TfliteBuilder

_ACTIVATION = {
    Activation.NONE: 0,
    Activation.RELU: 1,
    Activation.RELU_N1_TO_1: 2,
    Activation.RELU6: 3,
}
_SAME, _VALID = 0, 1


def one_operator(
    op: Op,
    inputs: Sequence[TensorType],
    outputs: Sequence[TensorType],
    constants: Mapping[int, Array] | None = None,
) -> Graph:
    """A graph of one node; operands in `constants` (by position) are constant, others inputs."""
    given = constants or {}
    names = [f"i{n}" for n in range(len(inputs))]
    results = [f"o{n}" for n in range(len(outputs))]
    return Graph(
        name="one",
        nodes=(Node("node", op, tuple(names), tuple(results)),),
        types=dict(zip([*names, *results], [*inputs, *outputs], strict=True)),
        constants={names[n]: value for n, value in given.items()},
        inputs=tuple(name for n, name in enumerate(names) if n not in given),
        outputs=tuple(results),
    )


def graph_to_tflite(graph: Graph) -> bytes:
    """The graph as a .tflite file; NotImplementedError where TFLite cannot say it."""
    builder = TfliteBuilder()
    index = {v: builder.input(graph.types[v], v) for v in graph.inputs}
    for name, value in graph.constants.items():
        index[name] = builder.constant(value, graph.types[name], name)
    for node in graph.nodes:
        plan = _plan(builder, graph, node, [index[v] for v in node.inputs])
        made = builder.operator(
            plan.builtin, plan.operands, graph.output_types(node), plan.options, **plan.fields
        )
        index.update(zip(node.outputs, made, strict=True))
    return builder.finish([index[v] for v in graph.outputs])


@dataclass
class _Plan:
    builtin: str
    operands: list[int]
    options: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


def _plan(builder: TfliteBuilder, graph: Graph, node: Node, x: list[int]) -> _Plan:
    op = node.op
    inputs = graph.input_types(node)
    if isinstance(op, Conv2D | DepthwiseConv2D | TransposeConv2D | AveragePool2D | MaxPool2D):
        return _plan_windowed(builder, op, inputs, x)
    if isinstance(op, Add | Sub | Mul):
        fields: dict[str, Any] = {"fusedActivationFunction": _ACTIVATION[op.activation]}
        if not isinstance(op, Mul):
            fields["potScaleInt16"] = False
        return _Plan(op.kind.upper(), x, f"{op.kind}Options", fields)
    if isinstance(op, FullyConnected):
        return _Plan(
            "FULLY_CONNECTED",
            x,
            "FullyConnectedOptions",
            {
                "fusedActivationFunction": _ACTIVATION[op.activation],
                "keepNumDims": op.keep_dims,
            },
        )
    if isinstance(op, Mean):
        operands = [*x, builder.integers(op.axes)]
        return _Plan("MEAN", operands, "ReducerOptions", {"keepDims": op.keep_dims})
    if isinstance(op, Quantize):
        return _Plan("QUANTIZE", x, "QuantizeOptions")
    if isinstance(op, Dequantize):
        return _Plan("DEQUANTIZE", x, "DequantizeOptions")
    if isinstance(op, ResizeBilinear | ResizeNearest):
        bilinear = isinstance(op, ResizeBilinear)
        return _Plan(
            "RESIZE_BILINEAR" if bilinear else "RESIZE_NEAREST_NEIGHBOR",
            [*x, builder.integers(op.output_hw)],
            "ResizeBilinearOptions" if bilinear else "ResizeNearestNeighborOptions",
            {"alignCorners": op.align_corners, "halfPixelCenters": op.half_pixel_centers},
        )
    if isinstance(op, Relu | LeakyRelu | Logistic | Tanh | Softmax | LogSoftmax):
        return _plan_activation(op, x)
    return _plan_shape(builder, op, inputs, x)


def _plan_activation(
    op: Relu | LeakyRelu | Logistic | Tanh | Softmax | LogSoftmax, x: list[int]
) -> _Plan:
    if isinstance(op, Relu):
        return _Plan(op.activation.name, x)
    if isinstance(op, LeakyRelu):
        return _Plan("LEAKY_RELU", x, "LeakyReluOptions", {"alpha": op.alpha})
    if isinstance(op, Softmax):
        return _Plan("SOFTMAX", x, "SoftmaxOptions", {"beta": op.beta})
    if isinstance(op, LogSoftmax):
        return _Plan("LOG_SOFTMAX", x, "LogSoftmaxOptions")
    return _Plan(op.kind.upper(), x)


def _plan_windowed(
    builder: TfliteBuilder, op: Op, inputs: Sequence[TensorType], x: list[int]
) -> _Plan:
    fields: dict[str, Any] = {"fusedActivationFunction": _ACTIVATION[op.activation]}
    fields["strideH"], fields["strideW"] = op.stride_hw
    input_hw = inputs[0].shape[1:3]
    if isinstance(op, AveragePool2D | MaxPool2D):
        fields["filterHeight"], fields["filterWidth"] = op.filter_hw
        same = same_padding(input_hw, op.filter_hw, op.stride_hw)
        fields["padding"] = _padding(op.padding, same)
        average = isinstance(op, AveragePool2D)
        return _Plan("AVERAGE_POOL_2D" if average else "MAX_POOL_2D", x, "Pool2DOptions", fields)
    filter_hw = inputs[1].shape[1:3]
    if isinstance(op, TransposeConv2D):
        same = transpose_same_padding(op.output_hw, filter_hw, op.stride_hw)
        fields["padding"] = _padding(op.padding, same)
        shape = builder.integers([inputs[0].shape[0], *op.output_hw, inputs[1].shape[0]])
        operands = [shape, x[1], x[0], *x[2:]]
        return _Plan("TRANSPOSE_CONV", operands, "TransposeConvOptions", fields)
    same = same_padding(input_hw, filter_hw, op.stride_hw, op.dilation_hw)
    fields["padding"] = _padding(op.padding, same)
    fields["dilationHFactor"], fields["dilationWFactor"] = op.dilation_hw
    if isinstance(op, Conv2D):
        fields["quantizedBiasType"] = builder.type_number(inputs[2].dtype)
        return _Plan("CONV_2D", x, "Conv2DOptions", fields)
    fields["depthMultiplier"] = inputs[1].shape[3] // inputs[0].shape[3]
    return _Plan("DEPTHWISE_CONV_2D", x, "DepthwiseConv2DOptions", fields)


def _padding(padding: Padding, same: Padding) -> int:
    if padding == Padding():
        return _VALID
    if padding == same:
        return _SAME
    raise NotImplementedError(f"{padding} is neither VALID nor SAME ({same})")


def _plan_shape(
    builder: TfliteBuilder, op: Op, inputs: Sequence[TensorType], x: list[int]
) -> _Plan:
    if isinstance(op, Reshape):
        return _Plan("RESHAPE", [*x, builder.integers(op.shape)], "ReshapeOptions")
    if isinstance(op, Transpose):
        return _Plan("TRANSPOSE", [*x, builder.integers(op.perm)], "TransposeOptions")
    if isinstance(op, Concat):
        return _Plan("CONCATENATION", x, "ConcatenationOptions", {"axis": op.axis})
    if isinstance(op, Split):
        return _Plan(
            "SPLIT", [builder.scalar(op.axis), *x], "SplitOptions", {"numSplits": op.parts}
        )
    if isinstance(op, Slice):
        return _plan_slice(builder, op, x)
    if isinstance(op, Pad):
        pads = np.asarray(op.pads, np.int32).reshape(-1, 2)
        operands = [*x, builder.constant(pads, TensorType(pads.shape, DType.INT32))]
        value_type = TensorType((1,), inputs[0].dtype, inputs[0].quant)
        value = np.full((1,), op.value, inputs[0].dtype.numpy)
        return _Plan("PADV2", [*operands, builder.constant(value, value_type)], "PadV2Options")
    if isinstance(op, Pack):
        return _Plan("PACK", x, "PackOptions", {"axis": op.axis, "valuesCount": len(x)})
    if isinstance(op, Unpack):
        count = inputs[0].shape[op.axis]
        return _Plan("UNPACK", x, "UnpackOptions", {"axis": op.axis, "num": count})
    raise NotImplementedError(f"{op.kind} has no TFLite form here")


def _plan_slice(builder: TfliteBuilder, op: Slice, x: list[int]) -> _Plan:
    ends = [
        begin + size * stride
        for begin, size, stride in zip(op.begin, op.size, op.strides, strict=True)
    ]
    # A negative end counts from the back: where a reversed slice runs through element 0, say so
    # with the end mask.
    mask = sum(1 << axis for axis, end in enumerate(ends) if end < 0)
    bounds = [builder.integers(v) for v in (op.begin, [max(e, 0) for e in ends], op.strides)]
    return _Plan("STRIDED_SLICE", [*x, *bounds], "StridedSliceOptions", {"endMask": mask})


def bias_type(x: TensorType, weights: TensorType, channels: int, dtype: DType) -> TensorType:
    """The type of a bias that goes with x and weights: scale x·w for each channel."""
    if dtype.is_float:
        return TensorType((channels,), dtype)
    assert weights.quant is not None
    product = [np.float32(x.scale) * np.float32(w) for w in weights.quant.scale]
    scales = tuple(float(p) for p in product)
    axis = 0 if len(scales) > 1 else None
    return TensorType((channels,), dtype, Quant(scales, (0,) * len(scales), axis))
