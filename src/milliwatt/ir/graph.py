# SPDX-License-Identifier: MIT
"""The graph: immutable, in single-assignment form, one name a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Op


@dataclass(frozen=True, slots=True)
class Node:
    """One operator applied to named values.

    `name` says where the node came from (for messages); values are identified by `inputs` and
    `outputs`.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A value kept between calls.

    During a call `before` reads what the last call left (`initial` on the first, or after a
    reset); at its end the state becomes the value `after`, which is computed by a node (or is
    `before` itself, unchanged). Both have one type.
    """

    before: str
    after: str
    initial: Array = field(compare=False)


@dataclass(frozen=True, slots=True)
class Graph:
    """A network: nodes in topological order over typed, named values.

    Every value is exactly one of: a graph input, a constant, a state's `before`, or an output of
    one node. `types` has an entry for each value and no other.
    """

    name: str
    nodes: tuple[Node, ...]
    types: Mapping[str, TensorType]
    constants: Mapping[str, Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[State, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", MappingProxyType(dict(self.types)))
        object.__setattr__(self, "constants", MappingProxyType(dict(self.constants)))

    def input_types(self, node: Node) -> tuple[TensorType, ...]:
        return tuple(self.types[v] for v in node.inputs)

    def output_types(self, node: Node) -> tuple[TensorType, ...]:
        return tuple(self.types[v] for v in node.outputs)

    def constant_inputs(self, node: Node) -> tuple[Array | None, ...]:
        """For each input of `node` its constant value, or None where it is computed."""
        return tuple(self.constants.get(v) for v in node.inputs)

    def producers(self) -> dict[str, Node]:
        """The node that computes each computed value."""
        return {v: node for node in self.nodes for v in node.outputs}

    def consumers(self) -> dict[str, list[Node]]:
        """The nodes that read each value (graph outputs and states not included)."""
        readers: dict[str, list[Node]] = {v: [] for v in self.types}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                readers[value].append(node)
        return readers

    def kept_values(self) -> frozenset[str]:
        """Values that outlive the call: graph outputs and what states become."""
        return frozenset(self.outputs) | {s.after for s in self.states}

    def with_nodes(
        self,
        nodes: Sequence[Node],
        *,
        types: Mapping[str, TensorType] | None = None,
        constants: Mapping[str, Array] | None = None,
    ) -> Graph:
        """This graph with other nodes (and types, constants), less constants and types unused."""
        all_types = self.types if types is None else types
        all_constants = self.constants if constants is None else constants
        used = {v for n in nodes for v in (*n.inputs, *n.outputs)}
        used |= {*self.inputs, *self.outputs}
        used |= {v for s in self.states for v in (s.before, s.after)}
        return replace(
            self,
            nodes=tuple(nodes),
            types={v: t for v, t in all_types.items() if v in used},
            constants={v: a for v, a in all_constants.items() if v in used},
        )

    def macs(self) -> int:
        """Multiply-accumulates of one call."""
        return sum(n.op.macs(self.input_types(n), self.output_types(n)) for n in self.nodes)

    def parameter_bytes(self) -> int:
        """Bytes of all constants, sub-byte elements packed."""
        return sum(self.types[v].size_bytes for v in self.constants)
