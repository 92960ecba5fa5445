# SPDX-License-Identifier: MIT
"""The closed set of operators."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Op
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack

_CLASSES: tuple[type[Op], ...] = (
    Conv2D,
    DepthwiseConv2D,
    TransposeConv2D,
    FullyConnected,
    AveragePool2D,
    MaxPool2D,
    Mean,
    Add,
    Sub,
    Mul,
    Relu,
    LeakyRelu,
    Logistic,
    Tanh,
    Softmax,
    LogSoftmax,
    Quantize,
    Dequantize,
    Reshape,
    Transpose,
    Concat,
    Split,
    Slice,
    Pad,
    Pack,
    Unpack,
    ResizeNearest,
    ResizeBilinear,
    Svdf,
    UnidirectionalLstm,
)

OPERATORS: Mapping[str, type[Op]] = MappingProxyType({c.__name__: c for c in _CLASSES})
"""Every operator class by its kind."""
