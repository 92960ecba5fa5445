# SPDX-License-Identifier: MIT
"""ONNX files written node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from milliwatt.ir.types import Array

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")

FLOAT, UINT8, INT8, INT16 = 1, 2, 3, 5


class Writer:
    """A model under construction; every method returns the name of what it adds."""

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.declared: list[Any] = []
        self.domains = [onnx.helper.make_opsetid("", opset)]
        self._count = 0

    def input(self, name: str, shape: Sequence[int | str], element: int = FLOAT) -> str:
        self.inputs.append(onnx.helper.make_tensor_value_info(name, element, shape))
        return name

    def constant(self, array: Array, name: str = "") -> str:
        name = name or self._name("constant")
        self.initializers.append(onnx.numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """A node; of several outputs the first is returned, the others end in .1, .2..."""
        name = self._name(kind.lower())
        names = [name, *(f"{name}.{i}" for i in range(1, outputs))]
        self.nodes.append(onnx.helper.make_node(kind, inputs, names, name=name, **attributes))
        return name

    def quantize(self, x: str, scale: float, zero: int, dtype: Any = np.int8) -> str:
        """QuantizeLinear and DequantizeLinear."""
        parameters = self._parameters(scale, zero, dtype)
        q = self.node("QuantizeLinear", x, *parameters)
        return self.node("DequantizeLinear", q, *parameters)

    def dequantized(
        self, values: Array, scale: Array | float, zero: Array | int = 0, axis: int | None = None
    ) -> str:
        """DequantizeLinear of a constant."""
        scale = np.asarray(scale, np.float32)
        zeros = np.broadcast_to(np.asarray(zero), scale.shape).astype(values.dtype)
        names = [self.constant(a) for a in (values, scale, zeros)]
        attributes = {} if axis is None else {"axis": axis}
        return self.node("DequantizeLinear", *names, **attributes)

    def output(self, name: str, element: int = FLOAT) -> None:
        self.outputs.append(onnx.helper.make_tensor_value_info(name, element, None))

    def model(self) -> Any:
        graph = onnx.helper.make_graph(
            self.nodes, "graph", self.inputs, self.outputs, self.initializers
        )
        graph.value_info.extend(self.declared)
        return onnx.helper.make_model(graph, opset_imports=self.domains, ir_version=8)

    def data(self) -> bytes:
        data: bytes = self.model().SerializeToString()
        return data

    def _parameters(self, scale: float, zero: int, dtype: Any) -> tuple[str, str]:
        return (
            self.constant(np.array(scale, np.float32)),
            self.constant(np.array(zero, dtype)),
        )

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def tiny_qdq(dtype: Any = np.int8, zero: int = -128) -> bytes:
    """Convolution with Relu, pool, dense layer and softmax; quantised where tools do it."""
    rng, w = np.random.default_rng(0), Writer()
    x = w.quantize(w.input("image", [1, 2, 6, 6]), 0.02, zero + 128, dtype)
    kernel = w.dequantized(
        rng.integers(-127, 128, (4, 2, 3, 3)).astype(np.int8), rng.uniform(0.002, 0.01, 4), axis=0
    )
    bias = w.constant(rng.normal(0, 0.3, 4).astype(np.float32))
    y = w.node("Relu", w.node("Conv", x, kernel, bias, pads=[1, 1, 1, 1]))
    y = w.quantize(y, 0.03, zero, dtype)
    y = w.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = w.node("Flatten", w.quantize(y, 0.03, zero, dtype))
    weights = w.dequantized(rng.integers(-127, 128, (3, 36)).astype(np.int8), 0.01)
    y = w.quantize(w.node("Gemm", y, weights, transB=1), 0.1, zero + 128, dtype)
    w.output(w.node("Softmax", y))
    return w.data()


def tiny_float(opset: int = 17) -> bytes:
    """Convolution with batch normalisation, depthwise, a residual, a pool, a dense layer."""
    rng, w = np.random.default_rng(1), Writer(opset)

    def normal(*shape: int) -> str:
        return w.constant(rng.normal(0, 0.5, shape).astype(np.float32))

    x = w.input("image", ["N", 3, 8, 8])
    y = w.node("Conv", x, normal(4, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2])
    statistics = [rng.uniform(0.5, 2, 4).astype(np.float32) for _ in range(4)]
    y = w.node("BatchNormalization", y, *(w.constant(s) for s in statistics))
    y = w.node("Relu", y)
    z = w.node("Conv", y, normal(4, 1, 3, 3), normal(4), group=4, pads=[1, 1, 1, 1])
    y = w.node("Add", y, z)
    y = w.node("Flatten", w.node("GlobalAveragePool", y))
    y = w.node("Gemm", y, normal(4, 5), normal(5))
    w.output(w.node("Softmax", y))
    return w.data()
