# SPDX-License-Identifier: MIT
"""Damaging ONNX files at random: their bytes, and what their protobuf says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.frontend.onnx.models import onnx

_NUMBERS = (-(1 << 63), -(1 << 31), -2, -1, 0, 1, 2, 3, 5, 127, 1 << 16, 1 << 31, (1 << 63) - 1)
_REALS = (0.0, -1.0, 1e-45, 1e30, -1e30, float("inf"), float("nan"))
_KINDS = (
    *("Relu", "Add", "Mul", "Conv", "Gemm", "MatMul", "Reshape", "Transpose", "Concat", "Pad"),
    *("QuantizeLinear", "DequantizeLinear", "MaxPool", "AveragePool", "ReduceMean", "Split"),
    *("Slice", "Gather", "Shape", "Softmax", "Clip", "Resize", "Squeeze", "Unsqueeze", "Flatten"),
)


class Mutator:
    """Mutations of one file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def mutate(self, rng: np.random.Generator) -> bytes:
        """The file, damaged once or a few times; one in four times bytes, else fields."""
        if rng.random() < 0.25:
            return self._bytes(rng)
        model = onnx.ModelProto.FromString(self._data)
        for _ in range(rng.integers(1, 4)):
            change = _CHANGES[rng.integers(len(_CHANGES))]
            if len(model.graph.node) and len(model.graph.initializer):
                change(rng, model.graph)
        damaged: bytes = model.SerializeToString()
        return damaged

    def _bytes(self, rng: np.random.Generator) -> bytes:
        damaged = bytearray(self._data)
        if rng.random() < 0.2:
            return bytes(damaged[: rng.integers(len(damaged))])
        for _ in range(rng.integers(1, 5)):
            damaged[rng.integers(len(damaged))] = rng.integers(256)
        return bytes(damaged)


def _pick(rng: np.random.Generator, items: Sequence[Any]) -> Any:
    return items[rng.integers(len(items))]


def _number(rng: np.random.Generator) -> int:
    return int(_pick(rng, _NUMBERS))


def _dims(rng: np.random.Generator, graph: Any) -> None:
    tensor = _pick(rng, graph.initializer)
    if len(tensor.dims):
        tensor.dims[rng.integers(len(tensor.dims))] = _number(rng)
    else:
        tensor.dims.append(_number(rng))


def _merged_dims(rng: np.random.Generator, graph: Any) -> None:
    """The same elements under another rank."""
    tensor = _pick(rng, graph.initializer)
    if len(tensor.dims) > 1:
        first = tensor.dims.pop(0)
        tensor.dims[0] = (tensor.dims[0] * first) % (1 << 62)
    else:
        tensor.dims.append(1)


def _element_type(rng: np.random.Generator, graph: Any) -> None:
    _pick(rng, graph.initializer).data_type = int(rng.integers(0, 25))


def _values(rng: np.random.Generator, graph: Any) -> None:
    """Numbers of a stored tensor: often small ones, which are scales and shapes."""
    tensor = min((_pick(rng, graph.initializer) for _ in range(3)), key=lambda t: len(t.raw_data))
    raw = bytearray(tensor.raw_data)
    width = {1: 4, 7: 8}.get(tensor.data_type, 1)
    if len(raw) < width:
        return
    at = int(rng.integers(len(raw) // width)) * width
    value = {
        1: np.float32(_pick(rng, _REALS)).tobytes(),
        7: np.int64(_number(rng)).tobytes(),
    }.get(tensor.data_type, bytes([int(rng.integers(256))]))
    raw[at : at + width] = value
    tensor.raw_data = bytes(raw)


def _attribute(rng: np.random.Generator, graph: Any) -> None:
    node = _pick(rng, graph.node)
    if not len(node.attribute):
        name = _pick(rng, ["axis", "group", "alpha", "pads", "strides", "to", "axes", "keepdims"])
        node.attribute.add(name=name, type=2, i=_number(rng))
        return
    attribute = _pick(rng, node.attribute)
    if len(attribute.ints):
        attribute.ints[rng.integers(len(attribute.ints))] = _number(rng)
    elif attribute.type == 1:
        attribute.f = _pick(rng, _REALS)
    elif attribute.type == 2:
        attribute.i = _number(rng)
    else:
        attribute.type = int(rng.integers(0, 14))


def _kind(rng: np.random.Generator, graph: Any) -> None:
    _pick(rng, graph.node).op_type = _pick(rng, _KINDS)


def _operand(rng: np.random.Generator, graph: Any) -> None:
    node = _pick(rng, graph.node)
    names = [t.name for t in graph.initializer] + [v for n in graph.node for v in n.output]
    if len(node.input):
        node.input[rng.integers(len(node.input))] = _pick(rng, [*names, ""])


def _operands(rng: np.random.Generator, graph: Any) -> None:
    node = _pick(rng, graph.node)
    if rng.random() < 0.5 and len(node.input):
        node.input.pop()
    else:
        node.input.append(_pick(rng, [t.name for t in graph.initializer]))


def _order(rng: np.random.Generator, graph: Any) -> None:
    first, second = (_pick(rng, graph.node) for _ in range(2))
    copy = type(first)()
    copy.CopyFrom(first)
    first.CopyFrom(second)
    second.CopyFrom(copy)


def _gone(rng: np.random.Generator, graph: Any) -> None:
    del graph.node[rng.integers(len(graph.node))]


def _input(rng: np.random.Generator, graph: Any) -> None:
    kind = _pick(rng, graph.input).type.tensor_type
    if rng.random() < 0.3:
        kind.elem_type = int(rng.integers(0, 25))
    elif len(kind.shape.dim):
        _pick(rng, kind.shape.dim).dim_value = _number(rng)


_CHANGES: tuple[Callable[[np.random.Generator, Any], None], ...] = (
    *(_dims, _merged_dims, _element_type, _values, _values, _attribute, _attribute, _kind),
    *(_operand, _operand, _operands, _order, _gone, _input),
)
