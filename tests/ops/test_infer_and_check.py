# SPDX-License-Identifier: MIT
"""What operators refuse, and what they say: infer for shapes, check for number formats."""

import pytest

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.ir.types import DType, Quant, Shape, TensorType
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, Mean
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.resize import ResizeBilinear
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack

NONE = Activation.NONE
HALF = Quant.per_tensor(0.5, 3)


def f32(*shape: int) -> TensorType:
    return TensorType(shape, DType.FLOAT32)


def s8(*shape: int, quant: Quant | None = HALF) -> TensorType:
    return TensorType(shape, DType.INT8, quant)


def conv(stride: int = 1, dilation: int = 1, padding: Padding = Padding()) -> Conv2D:  # noqa: B008
    return Conv2D((stride, stride), (dilation, dilation), padding, NONE)


SHAPES: list[tuple[Op, list[TensorType], tuple[Shape, ...]]] = [
    (conv(), [f32(2, 5, 6, 3), f32(8, 2, 3, 3), f32(8)], ((2, 4, 4, 8),)),
    (conv(2, 2, Padding(1, 0, 0, 2)), [f32(1, 6, 6, 4), f32(6, 3, 3, 2), f32(6)], ((1, 2, 2, 6),)),
    (
        DepthwiseConv2D((2, 1), (1, 1), Padding(), NONE),
        [f32(1, 5, 5, 2), f32(1, 3, 3, 6), f32(6)],
        ((1, 2, 3, 6),),
    ),
    (
        TransposeConv2D((2, 2), Padding(), (7, 9), NONE),
        [f32(1, 3, 4, 2), f32(5, 3, 3, 2), f32(5)],
        ((1, 7, 9, 5),),
    ),
    (FullyConnected(NONE, False), [f32(2, 3, 4), f32(5, 12), f32(5)], ((2, 5),)),
    (FullyConnected(NONE, True), [f32(2, 3, 4), f32(5, 4), f32(5)], ((2, 3, 5),)),
    (Mean((1, 2), True), [f32(1, 4, 5, 6)], ((1, 1, 1, 6),)),
    (Mean((1, 2), False), [f32(1, 4, 5, 6)], ((1, 6),)),
    (Add(NONE), [f32(2, 1, 4), f32(3, 1)], ((2, 3, 4),)),
    (Transpose((2, 0, 1)), [f32(2, 3, 4)], ((4, 2, 3),)),
    (Concat(1), [f32(2, 3), f32(2, 4)], ((2, 7),)),
    (Split(1, 2), [f32(2, 6)], ((2, 3), (2, 3))),
    (Slice((5, 0), (3, 2), (-2, 1)), [f32(6, 2)], ((3, 2),)),
    (Pad(((1, 2), (0, 3)), 0.0), [f32(4, 5)], ((7, 8),)),
    (Pack(1), [f32(2, 3), f32(2, 3)], ((2, 2, 3),)),
    (Unpack(0), [f32(2, 3)], ((3,), (3,))),
    (ResizeBilinear((7, 9), False, False), [f32(1, 2, 3, 4)], ((1, 7, 9, 4),)),
]


@pytest.mark.parametrize(("op", "inputs", "expected"), SHAPES)
def test_inferred_shapes(op: Op, inputs: list[TensorType], expected: tuple[Shape, ...]) -> None:
    assert op.infer(inputs) == expected


MALFORMED: list[tuple[Op, list[TensorType], str]] = [
    (conv(), [f32(1, 4, 4, 3), f32(8, 1, 1, 3)], "Conv2D takes 3 operands, not 2"),
    (conv(), [f32(4, 4, 3), f32(8, 1, 1, 3), f32(8)], "input float32[4,4,3] must have 4 dimen"),
    (conv(), [f32(1, 4, 4, 3), f32(8, 1, 1, 2), f32(8)], "do not go together"),
    (conv(), [f32(1, 4, 4, 4), f32(7, 1, 1, 2), f32(7)], "do not go together"),
    (conv(), [f32(1, 4, 4, 3), f32(8, 1, 1, 3), f32(7)], "must have 8 elements"),
    (conv(), [f32(1, 2, 2, 3), f32(8, 3, 3, 3), f32(8)], "does not fit the (2, 2) input"),
    (conv(0), [f32(1, 4, 4, 3), f32(8, 1, 1, 3), f32(8)], "must be positive"),
    (conv(1, 1, Padding(-1)), [f32(1, 4, 4, 3), f32(8, 1, 1, 3), f32(8)], "must not be negative"),
    (
        DepthwiseConv2D((1, 1), (1, 1), Padding(), NONE),
        [f32(1, 4, 4, 3), f32(1, 1, 1, 4), f32(4)],
        "do not go together",
    ),
    (
        TransposeConv2D((1, 1), Padding(), (0, 1), NONE),
        [f32(1, 3, 4, 2), f32(5, 3, 3, 2), f32(5)],
        "must be positive",
    ),
    (FullyConnected(NONE, True), [f32(2, 6), f32(5, 3), f32(5)], "must end in 3 elements"),
    (FullyConnected(NONE, False), [f32(2, 5), f32(5, 3), f32(5)], "rows of 3"),
    (
        AveragePool2D((2, 2), (1, 1), Padding(2, 0, 0, 0), NONE),
        [f32(1, 4, 4, 1)],
        "without elements",
    ),
    (Mean((), True), [f32(2, 2)], "must be ascending and not empty"),
    (Mean((1, 0), True), [f32(2, 2)], "must be ascending"),
    (Mean((2,), True), [f32(2, 2)], "axis 2 is outside 0..1"),
    (Add(NONE), [f32(2), f32(3)], "do not broadcast"),
    (Reshape((2, 4)), [f32(9)], "does not fill shape [2, 4]"),
    (Transpose((0, 0)), [f32(2, 2)], "does not permute"),
    (Concat(0), [], "needs at least one operand"),
    (Concat(0), [f32(2, 3), f32(2, 4)], "differ outside axis 0"),
    (Split(0, 2), [f32(3)], "does not split into 2 equal parts"),
    (Slice((0,), (3,), (2,)), [f32(4)], "leave axis 0"),
    (Slice((0,), (2,), (-1,)), [f32(4)], "leave axis 0"),
    (Slice((0,), (1,), (0,)), [f32(4)], "leave axis 0"),
    (Slice((0, 0), (1,), (1,)), [f32(4)], "must cover"),
    (Pad(((0, -1),), 0.0), [f32(4)], "does not pad"),
    (Pack(0), [f32(2), f32(3)], "differ in shape"),
    (Unpack(1), [f32(2)], "axis 1 is outside 0..0"),
    (ResizeBilinear((0, 1), False, False), [f32(1, 2, 2, 1)], "must be positive"),
]


@pytest.mark.parametrize(("op", "inputs", "message"), MALFORMED)
def test_operands_that_do_not_go_together(op: Op, inputs: list[TensorType], message: str) -> None:
    with pytest.raises(ModelError) as error:
        op.infer(inputs)
    assert message in str(error.value)
    assert op.kind in str(error.value)


W = TensorType((2, 1, 1, 3), DType.INT8, Quant((0.5, 0.25), (0, 0), 0))
B = TensorType((2,), DType.INT32)
X, Y = s8(1, 1, 1, 3), s8(1, 1, 1, 2)
X16 = TensorType((1, 1, 1, 3), DType.INT16, Quant.per_tensor(0.5, 0))

REFUSED: list[tuple[Op, list[TensorType], TensorType, str]] = [
    (conv(), [f32(1, 1, 1, 3), W, B], Y, "weights is int8[2,1,1,3]; supported: float32"),
    (conv(), [X, W, B], f32(1, 1, 1, 2), "output is float32[1,1,1,2]; supported: int8"),
    (conv(), [X, W, TensorType((2,), DType.INT64)], Y, "bias is int64[2]; supported: int32"),
    (conv(), [s8(1, 1, 1, 3, quant=None), W, B], Y, "needs one scale"),
    (conv(), [X, TensorType(W.shape, DType.INT8), B], Y, "have no quantisation"),
    (
        conv(),
        [X, TensorType(W.shape, DType.INT8, Quant((0.5,) * 3, (0,) * 3, 3)), B],
        Y,
        "along axis 3; supported: 0",
    ),
    (
        conv(),
        [X, TensorType(W.shape, DType.INT8, Quant((0.5,) * 2, (0, 1), 0)), B],
        Y,
        "must have zero points 0",
    ),
    (
        conv(),
        [TensorType(X16.shape, DType.INT16, Quant.per_tensor(0.5, 7)), W, B],
        TensorType((1, 1, 1, 2), DType.INT16, HALF),
        "zero point 7; int16 needs 0",
    ),
    (
        AveragePool2D((1, 1), (1, 1), Padding(), NONE),
        [X],
        s8(1, 1, 1, 3, quant=Quant.per_tensor(0.25, 3)),
        "must agree",
    ),
    (Concat(0), [s8(1), s8(1, quant=Quant.per_tensor(0.25, 3))], s8(2), "must agree"),
    (Add(NONE), [s8(1), f32(1)], s8(1), "second operand is float32[1]; supported: int8"),
    (Quantize(), [f32(1)], f32(1), "output is float32[1]"),
    (Quantize(), [f32(1)], s8(1, quant=None), "needs one scale"),
    (Dequantize(), [f32(1)], f32(1), "input is float32[1]"),
    (ResizeBilinear((1, 1), True, True), [X], X, "align_corners excludes half_pixel_centers"),
]


@pytest.mark.parametrize(("op", "inputs", "output", "message"), REFUSED)
def test_number_formats_not_taken(
    op: Op, inputs: list[TensorType], output: TensorType, message: str
) -> None:
    with pytest.raises(UnsupportedError) as error:
        op.check(inputs, [output])
    assert message in str(error.value)


def test_multiply_accumulates() -> None:
    inputs = [f32(1, 5, 6, 4), f32(8, 2, 3, 2), f32(8)]
    assert conv().macs(inputs, [f32(1, 4, 4, 8)]) == 4 * 4 * 8 * 2 * 3 * 2
    depthwise = DepthwiseConv2D((1, 1), (1, 1), Padding(), NONE)
    assert depthwise.macs([f32(1, 5, 5, 2), f32(1, 3, 3, 6), f32(6)], [f32(1, 3, 3, 6)]) == 486
    transposed = TransposeConv2D((2, 2), Padding(), (7, 9), NONE)
    inputs = [f32(1, 3, 4, 2), f32(5, 3, 3, 2), f32(5)]
    assert transposed.macs(inputs, [f32(1, 7, 9, 5)]) == 3 * 4 * 2 * 5 * 9
    dense = FullyConnected(NONE, False)
    assert dense.macs([f32(2, 12), f32(5, 12), f32(5)], [f32(2, 5)]) == 120
    assert Reshape((4,)).macs([f32(2, 2)], [f32(4)]) == 0
