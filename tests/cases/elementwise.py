# SPDX-License-Identifier: MIT
"""Element-wise arithmetic and changes of number format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Activation
from milliwatt.ops.quantize import Dequantize, Quantize
from tests.cases.build import Case, case, tensor, values

SHAPES = [
    ((1, 5, 5, 14), (1, 5, 5, 14)),
    ((1,), (1,)),
    ((2, 3, 4), ()),
    ((1, 1, 1, 1), (1, 6, 5, 3)),
    ((2, 4, 5, 3), (3,)),
    ((4, 1, 5, 1), (1, 3, 1, 2)),
    ((2, 1, 3, 1, 2), (1, 2, 1, 4, 2)),
    ((138,), (51, 1)),
    ((1, 7, 1, 9), (1, 7, 6, 9)),
]
ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)
S8 = [
    # scales and zero points of a, b, y
    ((0.05, -128), (0.05, -128), (0.1, -128)),
    ((0.02, 3), (0.31, -7), (0.04, 127)),
    ((0.5, 127), (0.001, -128), (0.9, 0)),
    ((0.1, 0), (0.1, 0), (0.0004, 5)),
]
S16 = [
    ((0.0005, 0), (0.0005, 0), (0.001, 0)),
    ((0.0001, 0), (0.03, 0), (0.002, 0)),
    ((2**-15, 0), (2**-12, 0), (2**-13, 0)),
]


def _operand(shape: tuple[int, ...], dtype: DType, scale: float, zero: int) -> TensorType:
    if dtype is DType.FLOAT32:
        return tensor(shape, dtype)
    return tensor(shape, dtype, scale, zero)


def binary(op: type[Add] | type[Sub] | type[Mul], dtype: DType) -> Callable[[int], list[Case]]:
    def build(seed: int) -> list[Case]:
        rng = np.random.default_rng(seed)
        formats = {DType.INT8: S8, DType.INT16: S16}.get(dtype, S8[:2])
        found: list[Case] = []
        for i, (first, second) in enumerate(SHAPES):
            for j, (fa, fb, fy) in enumerate(formats):
                a, b = _operand(first, dtype, *fa), _operand(second, dtype, *fb)
                out = np.broadcast_shapes(first, second)
                # A product's scale is near the product of its operands' scales.
                scale = fy[0] if op is not Mul else fy[0] * 0.3
                y = _operand(out, dtype, scale, fy[1])
                operands = [(t, values(t, rng)) for t in (a, b)]
                constant = (1,) if j % 2 else ()
                found.append(case(op(ACTIVATIONS[(i + j) % 4]), operands, [y], constant))
        return found

    return build


def requantize(seed: int) -> list[Case]:
    """Integers to integers."""
    rng = np.random.default_rng(seed)
    integers = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32)
    zeros = {DType.INT8: (-128, 5), DType.UINT8: (0, 200), DType.INT16: (0, 0), DType.INT32: (0, 0)}
    found: list[Case] = []
    for from_ in integers:
        for to in integers:
            for k, ratio in enumerate((1.0, 0.013, 170.0)):
                x = tensor((1, 67, 3), from_, 0.02, zeros[from_][k % 2])
                y = tensor((1, 67, 3), to, 0.02 / ratio, zeros[to][k // 2])
                found.append(case(Quantize(), [(x, values(x, rng))], [y]))
    for zero in (0, -128, 77):
        x = tensor((300,), DType.INT8, 0.1, zero)
        y = tensor((300,), DType.UINT8, 0.1, zero + 128)
        found.append(case(Quantize(), [(x, values(x, rng))], [y]))
        found.append(case(Quantize(), [(y, values(y, rng))], [x]))
    return found


AWKWARD = np.array(
    [
        *(0.0, -0.0, np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-40, -1e-40),
        *(0.5, -0.5, 1.5, -1.5, 2.5, 0.49999997, -0.49999997),
        *(16777215.0, -16777216.0, 8388607.5, 127.5, -128.5, -128.50002),
    ],
    np.float32,
)


def quantize(seed: int) -> list[Case]:
    """float32 to integers, NaN and infinities included."""
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for to, zero in ((DType.INT8, -128), (DType.INT8, 4), (DType.UINT8, 128), (DType.INT16, 0)):
        for scale in (1.0, 0.037, 2.0**-9, 113.0):
            x = tensor((400,), DType.FLOAT32)
            y = tensor((400,), to, scale, zero)
            array: Array = (rng.normal(0, 90, 400) * np.float32(scale)).astype(np.float32)
            array[: AWKWARD.size] = AWKWARD
            found.append(case(Quantize(), [(x, array)], [y]))
    return found


def dequantize(seed: int) -> list[Case]:
    """Integers to float32."""
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for from_, zero in (
        (DType.INT8, -128),
        (DType.UINT8, 3),
        (DType.INT16, 0),
        (DType.INT8, 127),
    ):
        for scale in (1.0, 0.037, 1.1920929e-07):
            x = tensor((1, 300), from_, scale, zero)
            y = tensor((1, 300), DType.FLOAT32)
            found.append(case(Dequantize(), [(x, values(x, rng))], [y]))
    return found


FAMILIES = {
    f"{name}_{suffix}": binary(op, dtype)
    for name, op in (("add", Add), ("sub", Sub), ("mul", Mul))
    for suffix, dtype in (("s8", DType.INT8), ("s16", DType.INT16), ("f32", DType.FLOAT32))
} | {"requantize": requantize, "quantize_f32": quantize, "dequantize": dequantize}
