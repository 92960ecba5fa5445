# SPDX-License-Identifier: MIT
"""Published files in a form that TFLM runs."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

from milliwatt.frontend.tflite.reader import read_model
from tests.oracles.tflite_builder import schema

_SHAPE_OPERATORS = ("SHAPE", "STRIDED_SLICE", "PACK", "FILL")


def without_computed_fill(model: bytes) -> bytes:
    """The file with FILL's result stored as zeros, and what computed its dimensions removed.

    TFLM refuses a FILL whose dimensions are computed, even from a fixed shape; the unrolled LSTMs
    of Arm's keyword-spotting suite make their initial state that way. Everything else is as it
    was. A file without FILL comes back unchanged.
    """
    if not any(o.kind == "FILL" for o in read_model(model).subgraphs[0].operators):
        return model
    api = schema()
    tree = api.ModelT.InitFromObj(api.Model.GetRootAs(model))
    kinds = [_builtin(api, code) for code in tree.operatorCodes]
    graph = tree.subgraphs[0]
    fills = [o for o in graph.operators if kinds[o.opcodeIndex] == "FILL"]
    for fill in fills:
        value = graph.tensors[fill.inputs[1]]
        if np.any(tree.buffers[value.buffer].data):
            raise ValueError("FILL with another value than 0")
        _store_zeros(api, tree, graph.tensors[fill.outputs[0]])
    graph.operators = [o for o in graph.operators if kinds[o.opcodeIndex] not in _SHAPE_OPERATORS]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _builtin(api: Any, code: Any) -> str:
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    names = {v: n for n, v in vars(api.BuiltinOperator).items() if isinstance(v, int)}
    return names[number]


def _store_zeros(api: Any, tree: Any, tensor: Any) -> None:
    """Make the tensor a constant of raw zeros: what FILL copies, whatever the zero point is."""
    if tensor.type != api.TensorType.INT8:
        raise ValueError("FILL of another type than int8")
    buffer = api.BufferT()
    buffer.data = np.zeros(int(np.prod(tensor.shape)), np.uint8)
    tree.buffers.append(buffer)
    tensor.buffer = len(tree.buffers) - 1
