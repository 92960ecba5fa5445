# SPDX-License-Identifier: MIT
"""Layers with weights have TFLM's factors to the last bit.

The weights are zero and each bias lies beside a tie of the output's rounding, where a multiplier
one bit off gives another result.
"""

from __future__ import annotations

import numpy as np
import pytest

from milliwatt.ir.types import DType, Quant, Shape, TensorType
from milliwatt.ops.base import Activation, Op, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from tests.oracles.tflite_graph import bias_type, graph_to_tflite, one_operator
from tests.oracles.tflm import run_tflm

pytestmark = pytest.mark.oracle

CHANNELS = 64
SEEDS = 12

LAYERS: dict[str, tuple[Op, Shape, Shape]] = {
    "convolution": (
        Conv2D((1, 1), (1, 1), Padding(), Activation.NONE),
        (1, 1, 1, 2),
        (CHANNELS, 1, 1, 2),
    ),
    "depthwise": (
        DepthwiseConv2D((1, 1), (1, 1), Padding(), Activation.NONE),
        (1, 1, 1, CHANNELS),
        (1, 1, 1, CHANNELS),
    ),
    "transposed": (
        TransposeConv2D((1, 1), Padding(), (1, 1), Activation.NONE),
        (1, 1, 1, 2),
        (CHANNELS, 1, 1, 2),
    ),
    "fully connected": (FullyConnected(Activation.NONE, False), (1, 2), (CHANNELS, 2)),
}


def int8(shape: Shape, scale: float) -> TensorType:
    return TensorType(shape, DType.INT8, Quant.per_tensor(float(np.float32(scale)), 0))


@pytest.mark.parametrize("name", LAYERS)
def test_sums_beside_ties_equal_tflm(name: str) -> None:
    op, x_shape, weights_shape = LAYERS[name]
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        x_scale, weights_scale = rng.uniform(0.001, 0.1, 2)
        x, weights = int8(x_shape, x_scale), int8(weights_shape, weights_scale)
        bias = bias_type(x, weights, CHANNELS, DType.INT32)
        (y_shape,) = op.infer([x, weights, bias])
        y = int8(y_shape, x_scale * weights_scale * 2**23 * rng.uniform(1, 2))
        factor = x.scale * weights.scale / y.scale
        ties = np.round((np.arange(CHANNELS) - CHANNELS / 2 + 0.5) / factor).astype(np.int32)
        zeros = np.zeros(x_shape, np.int8), np.zeros(weights_shape, np.int8)
        model = graph_to_tflite(one_operator(op, [x, weights, bias], [y], {1: zeros[1], 2: ties}))
        (ours,) = op.reference([*zeros, ties], [x, weights, bias], [y])
        np.testing.assert_array_equal(ours, run_tflm(model, [zeros[0]])[0])
