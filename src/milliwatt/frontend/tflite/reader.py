# SPDX-License-Identifier: MIT
"""A .tflite file's bytes as records, with every offset and index checked."""

from __future__ import annotations

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.tflite import schema
from milliwatt.frontend.tflite.flat import FlatBuffer, Ref, Table
from milliwatt.frontend.tflite.records import (
    BufferRecord,
    ModelRecord,
    OperatorRecord,
    QuantRecord,
    SubgraphRecord,
    TensorRecord,
)

MAX_RANK = 8
"""Dimensions of a tensor at most; TFLite's own kernels stop at 5 or 6."""


_MAX_NAME = 512
"""Characters kept of a name; fused operators' names can run to thousands."""


def read_model(data: bytes) -> ModelRecord:
    """The records of a TFLite flatbuffer; ModelError where it is malformed."""
    if len(data) < 8 or data[4:8] != schema.FILE_IDENTIFIER:
        raise ModelError("not a TFLite file: bytes 4 to 8 are not 'TFL3'")
    root = FlatBuffer(data).root()
    version = root.integer(schema.Model.version)
    if version != schema.SCHEMA_VERSION:
        raise UnsupportedError(f"TFLite schema version {version}; supported: 3")
    buffers = tuple(_buffer(t) for t in root.tables(schema.Model.buffers, "buffer"))
    codes = [_operator_code(t) for t in root.tables(schema.Model.operator_codes, "operator code")]
    subgraphs = root.tables(schema.Model.subgraphs, "subgraph")
    if not subgraphs:
        raise ModelError("the file holds no subgraph")
    return ModelRecord(
        tuple(_subgraph(i, t, codes, len(buffers)) for i, t in enumerate(subgraphs)), buffers
    )


def _buffer(table: Table) -> BufferRecord:
    # Offset 1 is the writers' placeholder for "not set"; real ones lie behind the flatbuffer.
    external = table.integer(schema.Buffer.offset) > 1
    return BufferRecord(table.raw(schema.Buffer.data, "data"), external)


def _operator_code(table: Table) -> tuple[int, str]:
    code = max(
        table.integer(schema.OperatorCode.builtin_code),
        table.integer(schema.OperatorCode.deprecated_builtin_code),
    )
    return code, table.text(schema.OperatorCode.custom_code, "custom code")[:_MAX_NAME]


def _subgraph(
    index: int, table: Table, codes: list[tuple[int, str]], buffers: int
) -> SubgraphRecord:
    tensors = tuple(
        _tensor(i, t, buffers)
        for i, t in enumerate(table.tables(schema.SubGraph.tensors, "tensor"))
    )
    operators = tuple(
        _operator(i, t, codes, len(tensors))
        for i, t in enumerate(table.tables(schema.SubGraph.operators, "operator"))
    )
    inputs = _indices(table, schema.SubGraph.inputs, "inputs", len(tensors))
    outputs = _indices(table, schema.SubGraph.outputs, "outputs", len(tensors))
    return SubgraphRecord(index, tensors, operators, inputs, outputs)


def _tensor(index: int, table: Table, buffers: int) -> TensorRecord:
    shape = table.array(schema.Tensor.shape, "int32", "shape")
    if len(shape) > MAX_RANK:
        raise ModelError(f"{table.what}: {len(shape)} dimensions; at most {MAX_RANK}")
    buffer = table.integer(schema.Tensor.buffer)
    if not 0 <= buffer < buffers:
        raise ModelError(f"{table.what}: buffer {buffer} is outside the file's {buffers}")
    quant = table.table(schema.Tensor.quantization, "quantisation")
    return TensorRecord(
        index,
        table.text(schema.Tensor.name, "name")[:_MAX_NAME],
        tuple(int(d) for d in shape),
        table.integer(schema.Tensor.type),
        buffer,
        None if quant is None else _quantization(quant),
        table.flag(schema.Tensor.is_variable),
        table.present(schema.Tensor.sparsity),
    )


def _quantization(table: Table) -> QuantRecord | None:
    fields = schema.QuantizationParameters
    scale = table.array(fields.scale, "float32", "scale")
    if len(scale) == 0:
        return None
    return QuantRecord(
        scale,
        table.array(fields.zero_point, "int64", "zero point"),
        table.integer(fields.quantized_dimension),
        table.integer(fields.details_type) != 0,
    )


def _operator(
    index: int, table: Table, codes: list[tuple[int, str]], tensors: int
) -> OperatorRecord:
    opcode = table.integer(schema.Operator.opcode_index)
    if opcode >= len(codes):
        raise ModelError(f"{table.what}: operator code {opcode} is outside the file's {len(codes)}")
    code, custom = codes[opcode]
    return OperatorRecord(
        index,
        code,
        custom,
        _indices(table, schema.Operator.inputs, "inputs", tensors, optional=True),
        _indices(table, schema.Operator.outputs, "outputs", tensors),
        table.integer(schema.Operator.builtin_options_type),
        table.table(schema.Operator.builtin_options, "options"),
    )


def _indices(
    table: Table, field: Ref, what: str, count: int, optional: bool = False
) -> tuple[int, ...]:
    indices = tuple(int(i) for i in table.array(field, "int32", what))
    lowest = -1 if optional else 0
    for i in indices:
        if not lowest <= i < count:
            raise ModelError(f"{table.what}: {what} name tensor {i}, but there are {count}")
    return indices
