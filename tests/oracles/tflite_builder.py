# SPDX-License-Identifier: MIT
"""Building small .tflite files: tensors and operators in, bytes out.

    builder = TfliteBuilder()
    x = builder.input(x_type)
    w = builder.constant(weights, w_type)
    (y,) = builder.operator(
        "CONV_2D", [x, w], [y_type], "Conv2DOptions", strideH=1, strideW=1
    )
    model = builder.finish([y])

`graph_to_tflite` (tests.oracles.tflite_graph) does it for a whole milliwatt graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
import pytest

from milliwatt.ir.types import Array, DType, TensorType

OPTIONAL = -1
"""The operand that stands for "not given"."""


def schema() -> Any:
    """The TFLite schema's object API, or skip the calling test."""
    return pytest.importorskip(
        "ai_edge_litert.schema_py_generated",
        reason="needs the TFLite schema: pip install ai-edge-litert",
    )


class TfliteBuilder:
    """One subgraph in the making; every method returns tensor indices."""

    def __init__(self) -> None:
        self._schema = schema()
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [self._schema.BufferT()]
        self._operators: list[Any] = []
        self._codes: list[Any] = []
        self._inputs: list[int] = []

    def input(self, kind: TensorType, name: str | None = None) -> int:
        """A graph input."""
        index = self._tensor(kind, 0, name)
        self._inputs.append(index)
        return index

    def variable(self, kind: TensorType, name: str | None = None) -> int:
        """A tensor that keeps its value between calls (SVDF and LSTM states), zero at first."""
        index = self._tensor(kind, 0, name)
        self._tensors[index].isVariable = True
        return index

    def constant(self, value: Array, kind: TensorType, name: str | None = None) -> int:
        """A tensor with a value; int4 elements are packed, the first in the low half."""
        if tuple(np.shape(value)) != kind.shape:
            raise ValueError(f"value of shape {np.shape(value)} for {kind}")
        data = np.ascontiguousarray(value, kind.dtype.numpy)
        raw = pack_int4(data) if kind.dtype is DType.INT4 else data.tobytes()
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(raw, np.uint8)
        self._buffers.append(buffer)
        return self._tensor(kind, len(self._buffers) - 1, name)

    def integers(self, values: Sequence[int], name: str | None = None) -> int:
        """A constant int32 vector (shapes, axes, paddings, sizes)."""
        array = np.asarray(values, np.int32)
        return self.constant(array, TensorType(array.shape, DType.INT32), name)

    def scalar(self, value: int) -> int:
        """A constant int32 without dimensions."""
        return self.constant(np.asarray(value, np.int32), TensorType((), DType.INT32))

    def operator(
        self,
        builtin: str,
        operands: Sequence[int],
        results: Sequence[TensorType],
        options: str | None = None,
        *,
        version: int = 1,
        intermediates: Sequence[int] = (),
        **fields: Any,
    ) -> list[int]:
        """An operator of the schema's name with the options' fields; its result tensors."""
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._code(builtin, version)
        operator.inputs = list(operands)
        operator.outputs = [self._tensor(kind, 0, None) for kind in results]
        operator.intermediates = list(intermediates)
        if options is not None:
            value = getattr(self._schema, options + "T")()
            for field, setting in fields.items():
                if not hasattr(value, field):
                    raise AttributeError(f"{options} has no {field}")
                setattr(value, field, setting)
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, options)
            operator.builtinOptions = value
        self._operators.append(operator)
        return list(operator.outputs)

    def type_number(self, dtype: DType) -> int:
        """The schema's number of an element type."""
        return getattr(self._schema.TensorType, dtype.name)

    def finish(self, outputs: Sequence[int]) -> bytes:
        """The .tflite file."""
        graph = self._schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = self._inputs, list(outputs)
        graph.name = "main"
        model = self._schema.ModelT()
        model.version = 3
        model.description = "milliwatt test"
        model.operatorCodes, model.subgraphs = self._codes, [graph]
        model.buffers = self._buffers
        writer = flatbuffers.Builder(1024)
        writer.Finish(model.Pack(writer), file_identifier=b"TFL3")
        return bytes(writer.Output())

    def _tensor(self, kind: TensorType, buffer: int, name: str | None) -> int:
        tensor = self._schema.TensorT()
        tensor.shape = list(kind.shape)
        tensor.type = self.type_number(kind.dtype)
        tensor.buffer = buffer
        tensor.name = name or f"t{len(self._tensors)}"
        if kind.quant is not None:
            quant = self._schema.QuantizationParametersT()
            quant.scale = list(kind.quant.scale)
            quant.zeroPoint = list(kind.quant.zero_point)
            quant.quantizedDimension = kind.quant.axis or 0
            tensor.quantization = quant
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _code(self, builtin: str, version: int) -> int:
        number = getattr(self._schema.BuiltinOperator, builtin)
        for index, code in enumerate(self._codes):
            if (code.builtinCode, code.version) == (number, version):
                return index
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.version = number, version
        code.deprecatedBuiltinCode = min(number, 127)
        self._codes.append(code)
        return len(self._codes) - 1


def pack_int4(values: Array) -> bytes:
    """Signed 4-bit values two to a byte, the first in the low half, as TFLite stores them."""
    flat = np.asarray(values, np.int8).ravel().astype(np.uint8) & 0x0F
    if flat.size % 2:
        flat = np.append(flat, np.uint8(0))
    return (flat[0::2] | (flat[1::2] << 4)).astype(np.uint8).tobytes()
