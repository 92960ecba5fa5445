# SPDX-License-Identifier: MIT
"""Small integer graphs for the tests of passes and plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D

Q = Quant.per_tensor(0.5, -3)
NONE = Activation.NONE


def int8(*shape: int, quant: Quant = Q) -> TensorType:
    return TensorType(shape, DType.INT8, quant)


def float32(*shape: int) -> TensorType:
    return TensorType(shape, DType.FLOAT32)


def make_graph(
    inputs: Mapping[str, TensorType],
    steps: Sequence[tuple[str, Op, Sequence[str], TensorType]],
    *,
    constants: Mapping[str, tuple[Array, TensorType]] | None = None,
    outputs: Sequence[str] | None = None,
) -> Graph:
    """A graph of one-output nodes, each named after its value; the last one is the output."""
    known = constants or {}
    types = dict(inputs) | {name: kind for name, _, _, kind in steps}
    types |= {name: kind for name, (_, kind) in known.items()}
    return Graph(
        name="case",
        nodes=tuple(Node(name, op, tuple(reads), (name,)) for name, op, reads, _ in steps),
        types=types,
        constants={name: array for name, (array, _) in known.items()},
        inputs=tuple(inputs),
        outputs=tuple(outputs or [steps[-1][0]]),
    )


def conv_constants(
    channels: int, filters: int, taps: int, *, scale: float = 0.02, seed: int = 1
) -> dict[str, tuple[Array, TensorType]]:
    """Weights `w` and bias `b` of a convolution with int8 weights."""
    rng = np.random.default_rng(seed)
    shape = (filters, taps, taps, channels)
    weights = TensorType(shape, DType.INT8, Quant.per_tensor(scale, 0))
    bias = TensorType((filters,), DType.INT32, Quant.per_tensor(scale * Q.scale[0], 0))
    return {
        "w": (rng.integers(-127, 128, shape).astype(np.int8), weights),
        "b": (rng.integers(-500, 500, filters).astype(np.int32), bias),
    }


def conv(padding: Padding | None = None, activation: Activation = NONE, stride: int = 1) -> Conv2D:
    return Conv2D((stride, stride), (1, 1), padding or Padding(), activation)
