# SPDX-License-Identifier: MIT
"""Writing .tflite files field by field, right or wrong, with nothing but the flatbuffers package.

Options are `{schema.Conv2DOptions.stride_h: 2}`; every index and array goes into the file as given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np

from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.flat import Ref, Scalar

Options = Mapping[Scalar | Ref, Any]


@dataclass(frozen=True)
class T:
    """A tensor; `data` makes it a constant, `scale` quantised."""

    shape: Sequence[int]
    dtype: str = "INT8"
    data: np.ndarray | bytes | None = None
    scale: Sequence[float] = ()
    zero_point: Sequence[int] = (0,)
    axis: int = 0
    name: str = ""
    variable: bool = False
    buffer: int | None = None


@dataclass(frozen=True)
class Op:
    """An operator; `options_class` is one of the classes of `schema`."""

    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Options = field(default_factory=dict)
    options_class: type | None = None
    custom: str = ""
    options_type: int | None = None


@dataclass(frozen=True)
class Graph:
    """A subgraph."""

    tensors: Sequence[T]
    operators: Sequence[Op]
    inputs: Sequence[int]
    outputs: Sequence[int]


def write(*graphs: Graph, version: int = 3, identifier: bytes = b"TFL3") -> bytes:
    """The bytes of a file with these subgraphs; buffer 0 is empty, then one for each constant."""
    return _Writer().file(graphs, version, identifier)


class _Writer:
    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)
        self._buffers: list[bytes] = [b""]
        self._codes: list[tuple[int, str]] = []

    def file(self, graphs: Sequence[Graph], version: int, identifier: bytes) -> bytes:
        subgraphs = self._tables([self._graph(g) for g in graphs])
        buffers = self._tables([self._table({schema.Buffer.data: b}) for b in self._buffers])
        codes = self._tables([self._code(*c) for c in self._codes])
        model = self._table(
            {
                schema.Model.version: version,
                schema.Model.operator_codes: codes,
                schema.Model.subgraphs: subgraphs,
                schema.Model.buffers: buffers,
            }
        )
        self._builder.Finish(model.at, file_identifier=identifier)
        return bytes(self._builder.Output())

    def _graph(self, graph: Graph) -> _At:
        fields = schema.SubGraph
        return self._table(
            {
                fields.tensors: self._tables([self._tensor(t) for t in graph.tensors]),
                fields.inputs: _ints(graph.inputs),
                fields.outputs: _ints(graph.outputs),
                fields.operators: self._tables([self._operator(o) for o in graph.operators]),
            }
        )

    def _tensor(self, t: T) -> _At:
        buffer = t.buffer
        if buffer is None:
            buffer = 0 if t.data is None else len(self._buffers)
        if t.data is not None:
            self._buffers.append(t.data if isinstance(t.data, bytes) else t.data.tobytes())
        fields = schema.Tensor
        values: dict[Scalar | Ref, Any] = {
            fields.shape: _ints(t.shape),
            fields.type: schema.TENSOR_TYPE_NAMES.index(t.dtype),
            fields.buffer: buffer,
            fields.name: t.name,
            fields.is_variable: t.variable,
        }
        if t.scale:
            q = schema.QuantizationParameters
            values[fields.quantization] = self._table(
                {
                    q.scale: np.array(t.scale, "<f4"),
                    q.zero_point: np.array(t.zero_point, "<i8"),
                    q.quantized_dimension: t.axis,
                }
            )
        return self._table(values)

    def _operator(self, op: Op) -> _At:
        code = schema.OPERATOR_NAMES.index(op.kind), op.custom
        if code not in self._codes:
            self._codes.append(code)
        fields = schema.Operator
        values: dict[Scalar | Ref, Any] = {
            fields.opcode_index: self._codes.index(code),
            fields.inputs: _ints(op.inputs),
            fields.outputs: _ints(op.outputs),
        }
        if op.options_class is not None:
            union = op.options_class.union if op.options_type is None else op.options_type  # type: ignore[attr-defined]
            values[fields.builtin_options_type] = union
            values[fields.builtin_options] = self._table(op.options)
        return self._table(values)

    def _code(self, builtin: int, custom: str) -> _At:
        fields = schema.OperatorCode
        return self._table(
            {
                fields.deprecated_builtin_code: min(builtin, 127),
                fields.custom_code: custom,
                fields.builtin_code: builtin,
            }
        )

    def _tables(self, tables: Sequence[_At]) -> _At:
        self._builder.StartVector(4, len(tables), 4)
        for table in reversed(tables):
            self._builder.PrependUOffsetTRelative(table.at)
        return _At(self._builder.EndVector())

    def _table(self, values: Mapping[Scalar | Ref, Any]) -> _At:
        ready = {f: self._stored(v) if isinstance(f, Ref) else v for f, v in values.items()}
        self._builder.StartObject(max((f.index for f in ready), default=0) + 1)
        for f, value in ready.items():
            if isinstance(f, Ref):
                self._builder.PrependUOffsetTRelativeSlot(f.index, value, 0)
            else:
                slot = getattr(self._builder, f"Prepend{f.kind.capitalize()}Slot")
                # Another default than the value, so that it is written out.
                slot(f.index, value, None)
        return _At(self._builder.EndObject())

    def _stored(self, value: Any) -> int:
        if isinstance(value, _At):
            return value.at
        if isinstance(value, str):
            return self._builder.CreateString(value)
        if isinstance(value, bytes):
            return self._builder.CreateByteVector(value)
        return self._builder.CreateNumpyVector(np.asarray(value))


@dataclass(frozen=True)
class _At:
    """Where something already written lies."""

    at: int


def _ints(values: Sequence[int]) -> np.ndarray:
    return np.array(values, "<i4")
