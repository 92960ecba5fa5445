# SPDX-License-Identifier: MIT
"""A graph under construction: values, constants, nodes; copies of constants are folded."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.errors import ModelError
from milliwatt.frontend.names import Names
from milliwatt.ir.graph import Node
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Op
from milliwatt.ops.quantize import Dequantize
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack

FOLDED = (Concat, Dequantize, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack)
"""Evaluated here where every operand is constant: what computes shapes, and stored weights."""

MAX_CONSTANT_ELEMENTS = 1 << 24
"""Elements of all constants and states together, stored, unpacked or folded."""


class Draft:
    """Collects a graph; every name it hands out is unique."""

    def __init__(self) -> None:
        self.names = Names()
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {}
        self.constants: dict[str, Array] = {}
        self._unknown: set[str] = set()
        self._elements_left = MAX_CONSTANT_ELEMENTS

    def value(self, wanted: str, value: TensorType) -> str:
        """A new value; returns its name."""
        name = self.names.unique(wanted)
        self.types[name] = value
        return name

    def constant(self, wanted: str, value: TensorType, array: Array) -> str:
        """A new constant; returns its name."""
        name = self.value(wanted, value)
        self.constants[name] = array
        return name

    def unknown(self, value: TensorType) -> str:
        """A value that nothing computes, standing for a refused operator's result."""
        name = self.value("refused", value)
        self._unknown.add(name)
        return name

    def is_unknown(self, name: str) -> bool:
        """Whether the value stands for a refused operator's result."""
        return name in self._unknown

    def spend(self, elements: int, what: str) -> None:
        """Count elements of a constant about to be made; a ModelError beyond the limit."""
        self._elements_left -= elements
        if self._elements_left < 0:
            raise ModelError(
                f"{what}: the constants have more than {MAX_CONSTANT_ELEMENTS} elements"
            )

    def apply(
        self, op: Op, inputs: Sequence[str], outputs: Sequence[tuple[str, TensorType]]
    ) -> tuple[str, ...]:
        """Apply `op`: `outputs` are the wanted names and types; returns the names given.

        ModelError where the declared shapes are not the operator's, UnsupportedError where it
        does not take these types.
        """
        operands = [self.types[v] for v in inputs]
        results = [value for _, value in outputs]
        inferred = op.infer(operands)
        declared = tuple(value.shape for value in results)
        if inferred != declared:
            raise ModelError(
                f"{op.kind} yields {[list(s) for s in inferred]}, the file declares "
                f"{[list(s) for s in declared]}"
            )
        op.check(operands, results)
        if isinstance(op, FOLDED) and all(v in self.constants for v in inputs):
            return self._fold(op, inputs, outputs)
        names = tuple(self.value(wanted, value) for wanted, value in outputs)
        self.nodes.append(Node(names[0], op, tuple(inputs), names))
        return names

    def _fold(
        self, op: Op, inputs: Sequence[str], outputs: Sequence[tuple[str, TensorType]]
    ) -> tuple[str, ...]:
        self.spend(sum(value.elements for _, value in outputs), op.kind)
        arrays = op.reference(
            [self.constants[v] for v in inputs],
            [self.types[v] for v in inputs],
            [value for _, value in outputs],
        )
        return tuple(
            self.constant(wanted, value, array)
            for (wanted, value), array in zip(outputs, arrays, strict=True)
        )

    def copy(self, name: str) -> str:
        """A value of its own that equals `name`, computed by a node."""
        value = self.types[name]
        result = self.value(name, value)
        self.nodes.append(Node(result, Reshape(value.shape), (name,), (result,)))
        return result

    def computed(self) -> set[str]:
        """The values that nodes compute."""
        return {v for node in self.nodes for v in node.outputs}
