# SPDX-License-Identifier: MIT
"""References on cases small enough to work out by hand."""

import numpy as np
import pytest

from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack

NONE = Activation.NONE


def s8(shape: tuple[int, ...], scale: float = 1.0, zero: int = 0) -> TensorType:
    return TensorType(shape, DType.INT8, Quant.per_tensor(scale, zero))


def applied(
    op: Op, operands: list[tuple[TensorType, object]], scale: float = 1.0, zero: int = 0
) -> Array:
    """The only output, int8 of this scale and zero point."""
    kinds = [kind for kind, _ in operands]
    values = [np.array(v, k.dtype.numpy).reshape(k.shape) for k, v in operands]
    y = s8(op.infer(kinds)[0], scale, zero)
    op.check(kinds, [y])
    (result,) = op.reference(values, kinds, [y])
    assert (result.shape, result.dtype) == (y.shape, np.int8)
    return result


def bias(*values: int) -> tuple[TensorType, object]:
    return TensorType((len(values),), DType.INT32), values


def test_convolution() -> None:
    x = (s8((1, 2, 2, 1), zero=1), [2, 3, 4, 5])  # reals 1 2 3 4
    weights = (s8((1, 2, 2, 1)), [1, 10, 2, 20])
    op = Conv2D((1, 1), (1, 1), Padding(1, 0, 1, 0), NONE)
    # The window hangs over the top left corner; what is outside counts 0, not the raw 0.
    assert applied(op, [x, weights, bias(-5)], zero=2).ravel().tolist() == [
        1 * 20 - 5 + 2,
        1 * 2 + 2 * 20 - 5 + 2,
        1 * 10 + 3 * 20 - 5 + 2,
        1 * 1 + 2 * 10 + 3 * 2 + 4 * 20 - 5 + 2,
    ]


def test_convolution_with_a_scale_for_each_channel_and_relu() -> None:
    x = (s8((1, 1, 1, 2), 0.5), [10, -20])
    quant = Quant((0.5, 0.25), (0, 0), 0)
    weights = (TensorType((2, 1, 1, 2), DType.INT8, quant), [1, 2, -3, 4])
    op = Conv2D((1, 1), (1, 1), Padding(), Activation.RELU)
    # Sums -30 and -110 with the biases 50 and 300: 20 * 0.25 = 5, 190 * 0.125 = 23.75.
    assert applied(op, [x, weights, bias(50, 300)]).ravel().tolist() == [5, 24]


def test_depthwise_convolution_with_a_multiplier() -> None:
    x = (s8((1, 1, 1, 2)), [3, 5])
    weights = (s8((1, 1, 1, 4)), [1, 2, 3, 4])
    op = DepthwiseConv2D((1, 1), (1, 1), Padding(), NONE)
    assert applied(op, [x, weights, bias(0, 0, 0, 1)]).ravel().tolist() == [3, 6, 15, 21]


def test_transposed_convolution_leaves_gaps() -> None:
    x = (s8((1, 1, 2, 1)), [3, 5])
    weights = (s8((1, 1, 2, 1)), [1, 2])
    op = TransposeConv2D((1, 3), Padding(left=1), (1, 5), NONE)
    assert applied(op, [x, weights, bias(7)]).ravel().tolist() == [13, 7, 12, 17, 7]


def test_fully_connected_rounds_twice() -> None:
    # The accumulator 1 with a factor just below 1/2: the first rounding takes it to 1/2 exactly,
    # the second away from zero. One rounding would give 0.
    x, weights = (s8((1, 1), 0.5), [1]), (s8((1, 1)), [1])
    scale = float(np.nextafter(np.float32(1.0), np.float32(2.0)))
    op = FullyConnected(NONE, False)
    assert applied(op, [x, weights, bias(0)], scale).item() == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 2, 2, 2], 2), ([1, 1, 2, 2], 2), ([-1, -1, -2, -2], -2), ([1, 1, 1, 2], 1)],
)
def test_average_pool_rounds_ties_away_from_zero(values: list[int], expected: int) -> None:
    op = AveragePool2D((2, 2), (1, 1), Padding(), NONE)
    assert applied(op, [(s8((1, 2, 2, 1)), values)]).item() == expected


def test_pools_see_no_padding() -> None:
    x = (s8((1, 2, 1, 1), zero=50), [-100, -40])
    padding = Padding(1, 1, 0, 0)
    average = AveragePool2D((2, 1), (1, 1), padding, NONE)
    largest = MaxPool2D((2, 1), (1, 1), padding, NONE)
    assert applied(average, [x], zero=50).ravel().tolist() == [-100, -70, -40]
    assert applied(largest, [x], zero=50).ravel().tolist() == [-100, -40, -40]


def test_pooled_relu_clamps_at_the_zero_point() -> None:
    op = MaxPool2D((1, 1), (1, 1), Padding(), Activation.RELU)
    assert applied(op, [(s8((1, 1, 2, 1), zero=5), [-3, 9])], zero=5).ravel().tolist() == [5, 9]


@pytest.mark.parametrize(("values", "expected"), [([1, 2], 2), ([-1, -2], -1), ([3, 4], 4)])
def test_mean_rounds_ties_upwards(values: list[int], expected: int) -> None:
    op = Mean((1,), True)
    assert applied(op, [(s8((1, 2, 1, 1)), values)]).item() == expected


def test_mean_rescales() -> None:
    x = (s8((1, 2, 2, 1), 0.5, 10), [10, 12, 14, 16])  # reals 0 1 2 3, mean 1.5
    assert applied(Mean((1, 2), False), [x], 0.25, -4).ravel().tolist() == [2]


def test_arithmetic_with_three_scales() -> None:
    a, b = (s8((2,), 0.5, 1), [5, 127]), (s8((1,), 0.25, -2), [6])  # reals 2 63 and 2
    assert applied(Add(NONE), [a, b], 1.0, 3).tolist() == [7, 68]
    assert applied(Sub(NONE), [a, b], 1.0, 3).tolist() == [3, 64]
    assert applied(Mul(NONE), [a, b], 2.0, 3).tolist() == [5, 66]
    assert applied(Sub(NONE), [b, a], 1.0, 3).tolist() == [3, -58]
    assert applied(Add(Activation.RELU6), [a, b], 1.0, 3).tolist() == [7, 9]


F32 = TensorType((7,), DType.FLOAT32)


def test_quantize_from_float() -> None:
    x = (F32, [0.25, 0.75, -0.25, -0.75, 1e30, -1e30, float("nan")])
    assert applied(Quantize(), [x], 0.5, 1).tolist() == [2, 3, 0, -1, 127, -128, -128]


def test_quantize_between_integers() -> None:
    u8 = TensorType((3,), DType.UINT8, Quant.per_tensor(0.5, 128))
    assert applied(Quantize(), [(u8, [0, 128, 255])], 0.5, 0).tolist() == [-128, 0, 127]
    s32 = TensorType((3,), DType.INT32, Quant.per_tensor(0.5, 0))
    assert applied(Quantize(), [(s32, [5, -5, 1 << 30])], 1.0, 0).tolist() == [3, -2, 127]


def test_dequantize() -> None:
    x = s8((3,), 0.5, -3)
    y = TensorType((3,), DType.FLOAT32)
    (result,) = Dequantize().reference([np.array([-128, -3, 127], np.int8)], [x], [y])
    assert result.tolist() == [-62.5, 0.0, 65.0]
    assert result.dtype == np.float32


def resized(op: Op) -> list[int]:
    return applied(op, [(s8((1, 1, 3, 1)), [10, 20, 40])]).ravel().tolist()


def test_resize_nearest() -> None:
    assert resized(ResizeNearest((1, 6), False, False)) == [10, 10, 20, 20, 40, 40]
    assert resized(ResizeNearest((1, 2), False, True)) == [10, 40]
    assert resized(ResizeNearest((1, 5), True, False)) == [10, 20, 20, 40, 40]


def test_resize_bilinear() -> None:
    assert resized(ResizeBilinear((1, 6), False, False)) == [10, 15, 20, 30, 40, 40]
    assert resized(ResizeBilinear((1, 5), True, False)) == [10, 15, 20, 30, 40]
    assert resized(ResizeBilinear((1, 6), False, True)) == [10, 13, 18, 25, 35, 40]


def test_moves() -> None:
    x = (s8((2, 3)), [1, 2, 3, 4, 5, 6])
    assert applied(Reshape((3, 2)), [x]).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert applied(Transpose((1, 0)), [x]).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert applied(Concat(0), [x, (s8((1, 3)), [7, 8, 9])]).tolist() == [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
    ]
    assert applied(Slice((1, 2), (2, 2), (-1, -2)), [x]).tolist() == [[6, 4], [3, 1]]
    assert applied(Pad(((0, 1), (2, 0)), -7), [x]).tolist() == [
        [-7, -7, 1, 2, 3],
        [-7, -7, 4, 5, 6],
        [-7, -7, -7, -7, -7],
    ]
    assert applied(Pack(1), [x, x]).tolist() == [
        [[1, 2, 3], [1, 2, 3]],
        [[4, 5, 6], [4, 5, 6]],
    ]


def test_partings() -> None:
    x = s8((2, 2))
    value = np.array([[1, 2], [3, 4]], np.int8)
    columns = Split(1, 2).reference([value], [x], [s8((2, 1))] * 2)
    assert [c.tolist() for c in columns] == [[[1], [3]], [[2], [4]]]
    rows = Unpack(0).reference([value], [x], [s8((2,))] * 2)
    assert [r.tolist() for r in rows] == [[1, 2], [3, 4]]


def test_reshape_may_give_the_integers_another_meaning() -> None:
    assert applied(Reshape((2,)), [(s8((1, 2), 0.5, 3), [7, 8])], 0.25, -1).tolist() == [7, 8]


def test_sixty_four_bit_accumulators_take_a_sixteen_bit_multiplier() -> None:
    s16 = TensorType((1, 1), DType.INT16, Quant.per_tensor(1.0, 0))
    weights = TensorType((1, 1), DType.INT8, Quant.per_tensor(float(np.float32(1 / 43)), 0))
    op = FullyConnected(NONE, False)
    results: list[int] = []
    for dtype in (DType.INT32, DType.INT64):
        kinds = [s16, weights, TensorType((1,), dtype)]
        x, w = np.array([[32767]], np.int16), np.array([[43]], np.int8)
        (y,) = op.reference([x, w, np.zeros(1, dtype.numpy)], kinds, [s16])
        results.append(int(y.item()))
    # 1/43 is 24385.49 / 2**20; the multiplier keeps 24385.
    assert results == [32767, round(32767 * 43 * 24385 / 2**20)] == [32767, 32766]
