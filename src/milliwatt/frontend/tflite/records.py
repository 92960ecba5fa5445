# SPDX-License-Identifier: MIT
"""What a .tflite file says, as plain records: indices and enumerations still TFLite's own."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.frontend.names import shown
from milliwatt.frontend.tflite.flat import Table
from milliwatt.frontend.tflite.operator_names import OPERATOR_NAMES
from milliwatt.frontend.tflite.schema import CUSTOM_OPERATOR
from milliwatt.ir.types import Array


@dataclass(frozen=True, slots=True)
class QuantRecord:
    """Quantisation as stored: the arrays may disagree in length, the axis may be out of range."""

    scale: Array
    zero_point: Array
    axis: int
    custom: bool


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A tensor as stored; `label` names it in messages, `name` is the file's own or empty."""

    index: int
    name: str
    shape: tuple[int, ...]
    type_code: int
    buffer: int
    quant: QuantRecord | None
    variable: bool
    sparse: bool

    @property
    def label(self) -> str:
        return f"tensor {self.index}" + (f" '{shown(self.name)}'" if self.name else "")


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator as stored: tensors by index, -1 for an operand left out."""

    index: int
    code: int
    custom: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: int
    options: Table | None

    @property
    def kind(self) -> str:
        """The builtin's name, or `CUSTOM`."""
        if 0 <= self.code < len(OPERATOR_NAMES):
            return OPERATOR_NAMES[self.code]
        return f"builtin {self.code}"

    @property
    def is_custom(self) -> bool:
        return self.code == CUSTOM_OPERATOR


@dataclass(frozen=True, slots=True)
class SubgraphRecord:
    """A subgraph as stored."""

    index: int
    tensors: tuple[TensorRecord, ...]
    operators: tuple[OperatorRecord, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BufferRecord:
    """Bytes of a constant inside the file; `external` where the file keeps them elsewhere."""

    data: memoryview
    external: bool


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A whole file; every index in it has been checked."""

    subgraphs: tuple[SubgraphRecord, ...]
    buffers: tuple[BufferRecord, ...]
