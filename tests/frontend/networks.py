# SPDX-License-Identifier: MIT
"""Small networks as files: what the tests of the importer start from."""

from __future__ import annotations

import numpy as np

from milliwatt.frontend.tflite import schema
from tests.frontend.tflite_file import Graph, Op, T, write

CONV = schema.Conv2DOptions


def conv_tensors() -> list[T]:
    """Input, weights, bias, output of a 3x3 convolution, per channel; and a reshape's shape."""
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, (4, 3, 3, 2)).astype(np.int8)
    bias = rng.integers(-100, 100, 4).astype(np.int32)
    scales = [0.01, 0.02, 0.03, 0.04]
    bias_scales = [0.5 * s for s in scales]
    return [
        T([1, 6, 5, 2], scale=[0.5], zero_point=[3], name="image"),
        T([4, 3, 3, 2], data=weights, scale=scales, zero_point=[0] * 4, name="conv/weights"),
        T([4], "INT32", data=bias, scale=bias_scales, zero_point=[0] * 4, name="conv/bias"),
        T([1, 3, 3, 4], scale=[0.25], zero_point=[-5], name="net/conv;net/relu"),
        T([2], "INT32", data=np.array([1, -1], np.int32), name="shape"),
        T([1, 36], scale=[0.25], zero_point=[-5], name="flat:0"),
    ]


def conv_op(**changes: int) -> Op:
    """The convolution: stride 2, SAME, RELU; `changes` sets options by name."""
    options = {
        CONV.padding: schema.PADDING_SAME,
        CONV.stride_h: 2,
        CONV.stride_w: 2,
        CONV.fused_activation_function: schema.ACTIVATION_NAMES.index("RELU"),
    }
    options |= {getattr(CONV, name): value for name, value in changes.items()}
    return Op("CONV_2D", [0, 1, 2], [3], options, CONV)


def tiny_network() -> bytes:
    """A convolution and a reshape."""
    reshape = Op("RESHAPE", [3, 4], [5], {}, schema.ReshapeOptions)
    return write(Graph(conv_tensors(), [conv_op(), reshape], [0], [5]))
