# SPDX-License-Identifier: MIT
"""A subgraph's tensors as values of the draft, each made when it is first read."""

from __future__ import annotations

from collections.abc import Iterable

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend import uint8
from milliwatt.frontend.draft import Draft
from milliwatt.frontend.names import sanitise
from milliwatt.frontend.tflite import tensors
from milliwatt.frontend.tflite.records import ModelRecord, SubgraphRecord, TensorRecord
from milliwatt.frontend.tflite.states import Key, Variables
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.quantize import Quantize


class ConsequenceError(UnsupportedError):
    """A value is unknown because of a problem reported already; not reported again."""


class Scope:
    """What the tensors of one subgraph stand for, while its operators are converted in order.

    A uint8 tensor has two forms: its int8 value, which operators compute with, and its external
    one, which graph inputs and outputs and the quantising operators see. Either is derived from
    the other by an exact Quantize where it is needed.
    """

    def __init__(
        self,
        draft: Draft,
        variables: Variables,
        model: ModelRecord,
        subgraph: SubgraphRecord,
        *,
        initialising: bool = False,
    ) -> None:
        self.draft = draft
        self.variables = variables
        self.subgraph = subgraph
        self.initialising = initialising
        self.resources: dict[int, tuple[Key, str]] = {}
        # Weights and biases already made, so that operators which share them go on sharing.
        self.shared: dict[tuple[object, ...], tuple[str, Array | None]] = {}
        self._buffers = model.buffers
        self._values: dict[int, str] = {}
        self._external: dict[int, str] = {}
        self._types: dict[int, TensorType] = {}
        self._refused: set[int] = set()

    def record(self, index: int) -> TensorRecord:
        """The stored tensor."""
        return self.subgraph.tensors[index]

    def is_stored(self, index: int) -> bool:
        """Whether the file holds the tensor's data."""
        buffer = self._buffers[self.record(index).buffer]
        return len(buffer.data) > 0 or buffer.external

    def external_type(self, index: int) -> TensorType:
        """The tensor's type as the file declares it."""
        if index not in self._types:
            stored = self.is_stored(index)
            self._types[index] = tensors.tensor_type(self.record(index), is_constant=stored)
        return self._types[index]

    def type(self, index: int) -> TensorType:
        """The tensor's type as operators see it: int8 for uint8."""
        return uint8.signed_type(self.external_type(index))

    def wanted_name(self, index: int, otherwise: str) -> str:
        """The name a value for this tensor should have."""
        return sanitise(self.record(index).name, otherwise)

    def is_computed(self, index: int) -> bool:
        """Whether an operator before this point wrote the tensor, or it is a graph input."""
        return index in self._external or index in self._values

    def define(self, index: int, name: str) -> None:
        """Say which value the tensor holds from now on: a graph input's or an operator's."""
        label = self.record(index).label
        if self.is_computed(index) or index in self._refused:
            raise ModelError(f"{label} is written twice")
        if self.is_stored(index) or self.record(index).variable:
            raise ModelError(f"{label} is written, but the file stores it")
        is_external = self.draft.types[name].dtype is DType.UINT8
        (self._external if is_external else self._values)[index] = name

    def refuse(self, indices: Iterable[int]) -> None:
        """Mark what a refused operator would have written: unknown, but of the declared type.

        So the operators behind it are still checked, and every problem is reported at once.
        """
        for index in indices:
            if self.is_computed(index):
                continue
            try:
                self._values[index] = self.draft.unknown(self.type(index))
            except ModelError:
                self._refused.add(index)

    def value(self, index: int) -> str:
        """The tensor's value as operators see it."""
        if index in self._refused:
            raise ConsequenceError(f"{self.record(index).label} comes from a refused operator")
        if self.record(index).variable:
            return self.variables.read(*self.variable(index), self.type(index))
        if index not in self._values:
            self._values[index] = self._make(index)
        return self._values[index]

    def external(self, index: int) -> str:
        """The tensor's value in the file's own type."""
        if index not in self._external:
            value, external = self.value(index), self.external_type(index)
            if external.dtype is not DType.UINT8:
                return value
            outputs = [(f"{value}_uint8", external)]
            (self._external[index],) = self.draft.apply(Quantize(), [value], outputs)
        return self._external[index]

    def either(self, index: int) -> str:
        """The tensor's value in whichever form exists, for operators that take both."""
        return self._external[index] if index in self._external else self.value(index)

    def names(self) -> dict[int, str]:
        """The value of each tensor so far, in the file's own type where it exists."""
        return {**self._values, **self._external}

    def variable(self, index: int) -> tuple[Key, str]:
        """The key and label of a variable tensor."""
        return (self.subgraph.index, index), self.wanted_name(index, f"state_{index}")

    def stored(self, index: int, stored: TensorType) -> Array:
        """The tensor's data from the file, uint8 already as int8."""
        record = self.record(index)
        self.draft.spend(stored.elements, record.label)
        values = tensors.constant_values(record, stored, self._buffers[record.buffer])
        return uint8.signed_values(values)

    def _make(self, index: int) -> str:
        if index in self._external:
            name = self._external[index]
            outputs = [(f"{name}_int8", self.type(index))]
            return self.draft.apply(Quantize(), [name], outputs)[0]
        if not self.is_stored(index):
            raise ModelError(f"{self.record(index).label} is read before it is written")
        array = self.stored(index, self.external_type(index))
        wanted = self.wanted_name(index, f"constant_{index}")
        return self.draft.constant(wanted, self.type(index), array)
