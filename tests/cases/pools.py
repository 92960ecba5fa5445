# SPDX-License-Identifier: MIT
"""Pooling and averaging."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.window import same_padding
from tests.cases.build import Case, case, tensor, values

POOLS = [
    ((1, 1, 1, 1), (1, 1), (1, 1), "valid"),
    ((1, 4, 4, 3), (2, 2), (2, 2), "valid"),
    ((2, 5, 6, 14), (3, 2), (2, 1), "same"),
    ((1, 25, 5, 64), (25, 5), (25, 5), "valid"),
    ((1, 3, 3, 51), (5, 5), (1, 1), "same"),
    ((1, 9, 7, 2), (2, 3), (4, 5), "valid"),
    ((1, 4, 5, 138), (3, 3), (1, 1), "same"),
    ((1, 6, 6, 1), (3, 3), (2, 2), Padding(2, 1, 0, 2)),
]
MEANS = [
    ((1, 5, 5, 14), (1, 2), False),
    ((2, 3, 4, 3), (1, 2), True),
    ((1, 4, 4, 138), (3,), False),
    ((3, 7), (0,), False),
    ((2, 3, 4, 5), (0, 2), False),
    ((2, 3, 4, 5, 2), (1, 3), True),
    ((2, 3, 4, 5, 2), (0, 2, 4), False),
    ((6,), (0,), True),
    ((2, 3, 4), (0, 1, 2), False),
    ((1, 1, 49, 8), (1, 2), False),
]
ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6)


def _x(shape: tuple[int, ...], dtype: DType, index: int) -> TensorType:
    if dtype is DType.FLOAT32:
        return tensor(shape, dtype)
    if dtype is DType.INT16:
        return tensor(shape, dtype, 0.0007)
    return tensor(shape, dtype, 0.04, (-128, 3, 127)[index % 3])


def _pools(op: type[AveragePool2D] | type[MaxPool2D], dtype: DType) -> Callable[[int], list[Case]]:
    def build(seed: int) -> list[Case]:
        rng = np.random.default_rng(seed)
        found: list[Case] = []
        for i, (shape, kernel, stride, pads) in enumerate(POOLS):
            if pads == "same":
                padding = same_padding(shape[1:3], kernel, stride)
            else:
                padding = pads if isinstance(pads, Padding) else Padding()
            x = _x(shape, dtype, i)
            pool = op(kernel, stride, padding, ACTIVATIONS[i % 3])
            y = TensorType(pool.infer([x])[0], dtype, x.quant)
            found.append(case(pool, [(x, values(x, rng))], [y]))
        return found

    return build


def _means(dtype: DType) -> Callable[[int], list[Case]]:
    def build(seed: int) -> list[Case]:
        rng = np.random.default_rng(seed)
        found: list[Case] = []
        for i, (shape, axes, keep) in enumerate(MEANS):
            x = _x(shape, dtype, i)
            op = Mean(axes, keep)
            (out,) = op.infer([x])
            outputs = [_x(out, dtype, i)]
            if not dtype.is_float:
                outputs.append(tensor(out, dtype, x.scale / 3.7, 9 if dtype is DType.INT8 else 0))
                outputs.append(tensor(out, dtype, x.scale * 60))
            found += [case(op, [(x, values(x, rng))], [y]) for y in outputs]
        return found

    return build


def whole_maps() -> list[Case]:
    """Averages of square maps, whose numbers of rows and columns are one value."""
    rng = np.random.default_rng(0)
    found: list[Case] = []
    for size, channels in ((3, 256), (8, 64), (5, 19), (1, 8)):
        x = tensor((1, size, size, channels), DType.INT8, 0.04, 3)
        op = AveragePool2D((size, size), (size, size), Padding(), Activation.NONE)
        y = tensor(op.infer([x])[0], DType.INT8, 0.04, 3)
        found.append(case(op, [(x, values(x, rng))], [y]))
    return found


FAMILIES = {
    f"{name}_{suffix}": build(dtype)
    for name, build in (
        ("average_pool", lambda dtype: _pools(AveragePool2D, dtype)),
        ("max_pool", lambda dtype: _pools(MaxPool2D, dtype)),
        ("mean", _means),
    )
    for suffix, dtype in (("s8", DType.INT8), ("s16", DType.INT16), ("f32", DType.FLOAT32))
}
