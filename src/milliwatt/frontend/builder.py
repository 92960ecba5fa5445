# SPDX-License-Identifier: MIT
"""A float graph under construction, node by node."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, Shape, TensorType
from milliwatt.ops.base import Op


class FloatGraphBuilder:
    """Collects float32 nodes and constants; every value's shape is inferred as it is added."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Node] = []
        self._types: dict[str, TensorType] = {}
        self._constants: dict[str, Array] = {}
        self._inputs: list[str] = []

    def shape(self, value: str) -> Shape:
        return self._types[value].shape

    def add_input(self, name: str, shape: Shape) -> str:
        self._types[name] = TensorType(shape, DType.FLOAT32)
        self._inputs.append(name)
        return name

    def add_constant(self, name: str, array: Array) -> str:
        unique = self._unique(name)
        data = np.ascontiguousarray(array, dtype=np.float32)
        self._constants[unique] = data
        self._types[unique] = TensorType(data.shape, DType.FLOAT32)
        return unique

    def add_node(self, name: str, op: Op, *inputs: str) -> str:
        """Append an operator with one output; returns the output's name."""
        return self.add_node_with_outputs(name, op, *inputs)[0]

    def add_node_with_outputs(self, name: str, op: Op, *inputs: str) -> tuple[str, ...]:
        """Append an operator; returns the names of its outputs."""
        shapes = op.infer([self._types[v] for v in inputs])
        outputs: list[str] = []
        for i, shape in enumerate(shapes):
            output = self._unique(name if i == 0 else f"{name}.{i}")
            self._types[output] = TensorType(shape, DType.FLOAT32)
            outputs.append(output)
        self._nodes.append(Node(outputs[0], op, tuple(inputs), tuple(outputs)))
        return tuple(outputs)

    def finish(self, outputs: tuple[str, ...]) -> Graph:
        """The graph; constants nobody reads are dropped."""
        graph = Graph(self._name, (), self._types, self._constants, tuple(self._inputs), outputs)
        return graph.with_nodes(self._nodes)

    def _unique(self, name: str) -> str:
        candidate, i = name, 1
        while candidate in self._types:
            candidate, i = f"{name}_{i}", i + 1
        return candidate
