# SPDX-License-Identifier: MIT
"""Operators that move elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.base import Op
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack
from tests.cases.build import Case, case, tensor, values

Shape = tuple[int, ...]
DTYPES = (DType.INT8, DType.INT16, DType.FLOAT32, DType.INT32, DType.UINT8)

OPS: list[tuple[Op, list[Shape]]] = [
    (Reshape((5, 6)), [(1, 2, 5, 3)]),
    (Transpose((0, 3, 1, 2)), [(2, 3, 4, 5)]),
    (Transpose((1, 0)), [(51, 7)]),
    (Transpose((0, 2, 1)), [(1, 4, 14)]),
    (Transpose((4, 2, 0, 3, 1)), [(2, 3, 2, 2, 3)]),
    (Transpose((0, 1)), [(3, 4)]),
    (Transpose((0, 2, 1, 3)), [(2, 3, 4, 5)]),
    (Concat(3), [(1, 2, 2, 3), (1, 2, 2, 14)]),
    (Concat(1), [(2, 1, 3), (2, 4, 3), (2, 2, 3)]),
    (Concat(0), [(1, 5)]),
    (Concat(1), [(3, 1)] * 4),
    (Concat(1), [(2, i + 1) for i in range(9)]),
    (Concat(0), [(i % 3 + 1, 4) for i in range(16)]),
    (Split(1, 2), [(3, 8)]),
    (Split(3, 4), [(1, 3, 2, 12)]),
    (Split(1, 3), [(2, 9, 2)]),
    (Split(0, 5), [(5, 3)]),
    (Split(1, 1), [(2, 3)]),
    (Split(1, 16), [(2, 32)]),
    (Slice((0, 1, 0, 2), (1, 2, 3, 4), (1, 1, 1, 1)), [(1, 4, 3, 7)]),
    (Slice((1, 5), (2, 3), (2, -2)), [(4, 6)]),
    (Slice((3,), (4,), (-1,)), [(9,)]),
    (Slice((0, 0, 1), (2, 2, 2), (1, 2, 3)), [(2, 4, 6)]),
    (Slice((0, 2, 0), (1, 4, 5), (1, 1, 1)), [(1, 8, 5)]),
    (Slice((1, 0, 1, 0, 1), (1, 2, 2, 2, 1), (1, 1, 1, 2, 1)), [(2, 2, 3, 4, 2)]),
    (Pad(((0, 0), (1, 2), (3, 0), (0, 0)), -7), [(2, 3, 2, 4)]),
    (Pad(((0, 0), (0, 0), (0, 0), (1, 4)), 3), [(1, 3, 2, 5)]),
    (Pad(((2, 1),), 11), [(6,)]),
    (Pad(((1, 1), (0, 2), (1, 0), (2, 3)), 5), [(2, 3, 2, 4)]),
    (Pad(((0, 0), (0, 0)), 1), [(3, 5)]),
    (Pad(((0, 0), (1, 1), (1, 1), (0, 0), (0, 0)), 2), [(2, 2, 3, 2, 2)]),
    (Pack(0), [(3, 4), (3, 4)]),
    (Pack(2), [(2, 5)] * 3),
    (Pack(1), [(2, 3)] * 7),
    (Unpack(0), [(3, 4)]),
    (Unpack(1), [(2, 6, 3)]),
    (Unpack(2), [(2, 2, 2)]),
    (ResizeNearest((6, 8), False, False), [(1, 3, 4, 5)]),
    (ResizeNearest((7, 5), True, False), [(2, 3, 4, 1)]),
    (ResizeNearest((3, 9), False, True), [(1, 7, 3, 14)]),
    (ResizeNearest((1, 1), False, False), [(1, 7, 3, 3)]),
]


def movers(seed: int) -> list[Case]:
    """Every operator above with every element type it may meet."""
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    for op, shapes in OPS:
        for dtype in DTYPES:
            if isinstance(op, ResizeNearest) and dtype in (DType.INT32, DType.UINT8):
                continue
            if isinstance(op, Pad) and dtype is DType.UINT8 and op.value < 0:
                continue
            zero = -3 if dtype is DType.INT8 else 0
            scale = None if dtype in (DType.FLOAT32, DType.INT32) else 0.1
            kinds = [tensor(shape, dtype, scale, zero) for shape in shapes]
            found.append(_mover(op, kinds, rng))
    return found


def _mover(op: Op, kinds: Sequence[TensorType], rng: np.random.Generator) -> Case:
    outputs = [TensorType(shape, kinds[0].dtype, kinds[0].quant) for shape in op.infer(kinds)]
    return case(op, [(t, values(t, rng)) for t in kinds], outputs)


BILINEAR = [
    ((1, 3, 4, 5), (6, 8), False, False),
    ((2, 3, 4, 1), (7, 5), True, False),
    ((1, 7, 3, 14), (3, 9), False, True),
    ((1, 1, 1, 3), (4, 5), False, True),
    ((1, 6, 6, 2), (1, 1), True, False),
    ((1, 5, 4, 3), (5, 4), False, True),
]


def bilinear(dtype: DType) -> Callable[[int], list[Case]]:
    """Bilinear resizing of one element type."""

    def build(seed: int) -> list[Case]:
        rng = np.random.default_rng(seed)
        scale = None if dtype is DType.FLOAT32 else 0.1
        return [
            _mover(ResizeBilinear(out, *flags), [tensor(shape, dtype, scale)], rng)
            for shape, out, *flags in BILINEAR
        ]

    return build


FAMILIES = {
    "movers": movers,
    "bilinear_s8": bilinear(DType.INT8),
    "bilinear_s16": bilinear(DType.INT16),
    "bilinear_f32": bilinear(DType.FLOAT32),
}
