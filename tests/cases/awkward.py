# SPDX-License-Identifier: MIT
"""Shapes and numbers that are awkward for kernels that work in blocks.

1, 3, 14, 51 and 138 channels, maps of one pixel, kernels larger than the map, strides larger than
the kernel, padding on one side, dilation; zero points at both ends, factors far from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests.cases.build import Case
from tests.cases.linear import PLAIN, Numbers, Window

POINTWISE = [
    Window((1, 1, 1, 1), 1),
    Window((1, 1, 3, 3), 14),
    Window((1, 2, 2, 14), 3),
    Window((1, 3, 3, 51), 51),
    Window((1, 5, 5, 138), 7),
    Window((2, 3, 3, 6), 6),
    Window((1, 1, 4, 5), 1),
    Window((1, 7, 1, 8), 2, activation=Activation.RELU),
    Window((1, 3, 6, 16), 10, activation=Activation.RELU6),
]
WINDOWS = [
    Window((1, 7, 5, 3), 4, (3, 3), padding="same"),
    Window((1, 8, 8, 3), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 9, 7, 1), 5, (5, 4), stride=(2, 2), padding="same"),
    Window((1, 1, 1, 9), 6, (3, 3), padding="same"),
    Window((1, 2, 2, 5), 3, (5, 5), padding=Padding(3, 2, 2, 4)),
    Window((1, 9, 10, 3), 3, (2, 3), stride=(4, 5)),
    Window((1, 10, 1, 8), 4, (4, 1), stride=(2, 1), padding=Padding(1, 0, 0, 0)),
    Window((1, 6, 6, 14), 51, (1, 1), stride=(2, 2)),
    Window((1, 3, 3, 138), 2, (2, 2), padding="same"),
    Window((1, 2, 3, 2), 3, (1, 1), stride=(2, 1), padding=Padding(1, 2, 0, 3)),
    Window((1, 9, 2, 4), 3, (2, 1), dilation=(1, 3)),
]
DEPTHWISE = [
    Window((1, 1, 1, 1), 1),
    Window((1, 5, 4, 3), 3, (3, 3), padding="same", activation=Activation.RELU),
    Window((1, 25, 5, 14), 14, (3, 3), padding="same"),
    Window((1, 6, 6, 8), 8, (3, 3), stride=(2, 2), padding="same", activation=Activation.RELU6),
    Window((1, 7, 9, 5), 5, (3, 3), stride=(2, 2), padding="same"),
    Window((1, 5, 5, 4), 8, (3, 3)),
    Window((1, 9, 9, 1), 5, (4, 3), stride=(2, 2), padding="same"),
    Window((1, 3, 3, 51), 51, (5, 5), padding="same"),
    Window((1, 3, 3, 138), 138, (3, 3), padding="same"),
    Window((1, 12, 1, 6), 6, (5, 1)),
    Window((1, 15, 1, 3), 3, (15, 1)),
    Window((1, 2, 2, 3), 3, (5, 4), padding=Padding(3, 2, 3, 1)),
    Window((1, 8, 6, 2), 2, (2, 3), stride=(1, 2), padding=Padding(0, 1, 2, 0)),
    Window((1, 1, 17, 2), 2, (1, 7), padding="same"),
    Window((1, 9, 6, 2), 4, (4, 3), stride=(1, 3)),
    Window((1, 1, 1, 3), 3, (3, 3), padding="same"),
    Window((1, 10, 11, 3), 3, (7, 7), stride=(2, 2), padding="same"),
]
DENSE = [
    *((1, 1, 1), (1, 3, 10), (1, 138, 51), (2, 14, 7), (5, 51, 2), (1, 640, 12), (3, 9, 8)),
    *((1, 4, 3), (2, 2, 5), (1, 128, 1)),
]
"""Rows, inputs, outputs."""
NUMBERS = [
    PLAIN,
    Numbers(x_zero=127, y_zero=127, gain=0.3),
    Numbers(x_zero=5, y_zero=-7, per_channel=False, gain=20.0),
    Numbers(x_zero=-3, y_zero=0, gain=1e-6, per_channel=False),
    Numbers(x_zero=11, y_zero=-128, w_zero=3, per_channel=False),
]

Shape = TypeVar("Shape")


def every(
    make: Callable[[Shape, DType, Numbers, int], Case],
    shapes: Sequence[Shape],
    numbers: Sequence[Numbers],
) -> list[Case]:
    """An int8 layer of each shape with each number format."""
    return [
        make(shape, DType.INT8, one, 100 * i + j)
        for i, shape in enumerate(shapes)
        for j, one in enumerate(numbers)
    ]
