# SPDX-License-Identifier: MIT
"""An ONNX file as plain records, checked for form but not yet for meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milliwatt.ir.types import Array

Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | Array | None
"""None stands for a kind of attribute that no supported operator has (graphs, sparse tensors)."""

Dims = tuple[int | None, ...]
"""A declared shape; None where a dimension is symbolic or absent."""


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A graph input, output or intermediate value as declared."""

    name: str
    element_type: int
    dims: Dims | None


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node; absent optional inputs and outputs have empty names."""

    index: int
    domain: str
    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    @property
    def label(self) -> str:
        """What messages call the node."""
        kind = f"{self.domain}.{self.kind}" if self.domain else self.kind
        named = self.name or next((v for v in self.outputs if v), "")
        return f"node {self.index} {kind}" + (f" '{shown(named)}'" if named else "")


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The main graph of a file: `constants` are initializers and what Constant nodes hold.

    Nodes are in topological order and every name is defined once.
    """

    opset: int
    inputs: Sequence[TensorRecord]
    outputs: Sequence[TensorRecord]
    declared: Mapping[str, TensorRecord]
    constants: Mapping[str, Array]
    nodes: Sequence[NodeRecord]


_MAX_SHOWN = 80


def shown(name: str) -> str:
    """A name for messages, its end where it is long."""
    return name if len(name) <= _MAX_SHOWN else f"...{name[-_MAX_SHOWN:]}"
