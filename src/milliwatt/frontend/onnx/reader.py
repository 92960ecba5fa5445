# SPDX-License-Identifier: MIT
"""Bytes of an ONNX file to records, with every size checked before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from milliwatt.errors import ModelError, OptionError, UnsupportedError
from milliwatt.frontend.onnx.records import (
    Attribute,
    Dims,
    ModelRecord,
    NodeRecord,
    TensorRecord,
    shown,
)
from milliwatt.frontend.onnx.tensors import Budget, array_of
from milliwatt.ir.types import Array

if TYPE_CHECKING:
    from onnx import AttributeProto, ModelProto, NodeProto, ValueInfoProto

OPSETS = range(7, 29)
"""Versions of ONNX's operators whose meaning is known here; 7 brought NumPy's broadcasting."""

ONNX_DOMAINS = ("", "ai.onnx")
"""Names of the domain of ONNX's own operators."""


def read_model(data: bytes) -> ModelRecord:
    """The records of a file given as bytes.

    ModelError where the file is malformed: no ONNX, no graph, names defined twice or read before
    they are defined (so cycles too), tensors of absurd or wrong size.
    """
    model = _parse(data)
    if not model.HasField("graph") or not model.graph.node:
        raise ModelError("not an ONNX model, or one without nodes")
    opset = _opset(model)
    graph, budget = model.graph, Budget()
    if len(graph.sparse_initializer):
        raise UnsupportedError("sparse initializers")
    stored = [(_text(t.name), array_of(t, budget)) for t in graph.initializer]
    nodes: list[NodeRecord] = []
    for index, proto in enumerate(graph.node):
        node = _node(index, proto, budget)
        if node.kind == "Constant" and not node.domain:
            stored.append(_constant(node))
        else:
            nodes.append(node)
    constants = dict(stored)
    inputs = [t for t in map(_tensor, graph.input) if t.name not in constants]
    outputs = [_tensor(v) for v in graph.output]
    _check_names([name for name, _ in stored], inputs, outputs, nodes)
    declared = {t.name: t for t in map(_tensor, (*graph.value_info, *graph.output))}
    return ModelRecord(opset, inputs, outputs, declared, constants, nodes)


def _parse(data: bytes) -> ModelProto:
    try:
        from google.protobuf.message import DecodeError
        from onnx import ModelProto
    except ImportError as error:
        raise OptionError(
            "reading .onnx files needs the Python package onnx; to install: "
            "pip install 'milliwatt[onnx]'"
        ) from error
    try:
        return ModelProto.FromString(data)
    except DecodeError as error:
        raise ModelError("not an ONNX file, or a damaged one: its protobuf is not valid") from error


def _opset(model: ModelProto) -> int:
    versions = [o.version for o in model.opset_import if _text(o.domain) in ONNX_DOMAINS]
    if len(versions) != 1:
        raise ModelError(f"the file names {len(versions)} versions of ONNX's own operators, not 1")
    if versions[0] not in OPSETS:
        raise UnsupportedError(
            f"operator set {versions[0]}; supported: {OPSETS.start} to {OPSETS.stop - 1}"
        )
    return int(versions[0])


def _node(index: int, node: NodeProto, budget: Budget) -> NodeRecord:
    names = [_text(a.name) for a in node.attribute]
    kind, name = _text(node.op_type), _text(node.name)
    what = f"node {index} {kind} '{shown(name)}'"
    if not kind:
        raise ModelError(f"{what} has no operator")
    if len(set(names)) != len(names):
        raise ModelError(f"{what} has an attribute twice")
    domain = "" if _text(node.domain) in ONNX_DOMAINS else _text(node.domain)
    try:
        values = [_attribute(a, budget) for a in node.attribute]
    except UnsupportedError as error:
        raise UnsupportedError(f"{what}: {error}") from error
    except ModelError as error:
        raise ModelError(f"{what}: {error}") from error
    inputs, outputs = (tuple(_text(v) for v in names) for names in (node.input, node.output))
    attributes = dict(zip(names, values, strict=True))
    return NodeRecord(index, domain, kind, name, inputs, outputs, attributes)


def _attribute(attribute: AttributeProto, budget: Budget) -> Attribute:
    # The numbers are AttributeProto.AttributeType's, in onnx.proto.
    match attribute.type:
        case 1:
            return float(attribute.f)
        case 2:
            return int(attribute.i)
        case 3:
            return _text(attribute.s)
        case 4:
            return array_of(attribute.t, budget)
        case 6:
            return tuple(float(v) for v in attribute.floats)
        case 7:
            return tuple(int(v) for v in attribute.ints)
        case 8:
            return tuple(_text(v) for v in attribute.strings)
        case _:
            return None


def _text(data: str | bytes) -> str:
    """A string of the file; protobuf hands on as bytes what is not UTF-8."""
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"a name is not UTF-8: {data[:40]!r}") from error


def _constant(node: NodeRecord) -> tuple[str, Array]:
    """Name and value of a Constant node, which holds them in one of several attributes."""
    if node.inputs or len(node.outputs) != 1 or len(node.attributes) != 1:
        raise ModelError(f"{node.label}: a constant has one attribute, one output and no inputs")
    (value,) = node.attributes.values()
    if isinstance(value, np.ndarray):
        return node.outputs[0], value
    match [*node.attributes], value:
        case ["value_float"], float() | int():
            return node.outputs[0], np.array(value, np.float32)
        case ["value_int"], int():
            return node.outputs[0], np.array(value, np.int64)
        case ["value_floats"], tuple():
            return node.outputs[0], np.array(value, np.float32)
        case ["value_ints"], tuple():
            return node.outputs[0], np.array(value, np.int64)
        case _:
            raise UnsupportedError(f"{node.label}: a constant of {[*node.attributes]}")


def _tensor(info: ValueInfoProto) -> TensorRecord:
    """What is declared of a value; element type 0 where it is no tensor."""
    if not info.type.HasField("tensor_type"):
        return TensorRecord(_text(info.name), 0, None)
    tensor = info.type.tensor_type
    dims: Dims | None = None
    if tensor.HasField("shape"):
        dims = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    return TensorRecord(_text(info.name), tensor.elem_type, dims)


def _check_names(
    stored: Sequence[str],
    inputs: Sequence[TensorRecord],
    outputs: Sequence[TensorRecord],
    nodes: Sequence[NodeRecord],
) -> None:
    """A ModelError unless every name is defined once, and before it is read."""
    defined: set[str] = set()
    for name in (*stored, *(v.name for v in inputs)):
        _define(defined, name, "an input or a stored tensor")
    for node in nodes:
        for name in node.inputs:
            if name and name not in defined:
                raise ModelError(
                    f"{node.label} reads '{shown(name)}', which nothing before it defines; "
                    "nodes must be in order and without cycles"
                )
        for name in filter(None, node.outputs):
            _define(defined, name, node.label)
    if not outputs:
        raise ModelError("the file has no outputs")
    for record in outputs:
        if record.name not in defined:
            raise ModelError(f"output '{shown(record.name)}' is not defined")


def _define(defined: set[str], name: str, by: str) -> None:
    if not name:
        raise ModelError(f"{by} has no name")
    if name in defined:
        raise ModelError(f"'{shown(name)}' is defined twice, the second time by {by}")
    defined.add(name)
