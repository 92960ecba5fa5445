# SPDX-License-Identifier: MIT
"""The text form of a graph: what `to_text` prints, `from_text` reads back.

    graph "example" {
      input %x: int8[1,1,1,4] scale=0.5 zero=-3
      constant %w: int8[2,1,1,4] scale=[0.25,0.5] zero=0 axis=0 = [1,2,3,4,5,6,7,8]
      constant %b: int32[2] = [0,0]
      %y: int8[1,1,1,2] scale=1.5 zero=7 = Conv2D(%x, %w, %b) {...} @ "first"
      output %y
    }

An operator's attributes are its dataclass's fields, `{stride_hw=(1, 1), padding=Padding(top=0,
bottom=0, left=0, right=0), activation=relu}`.
A state reads `state %before: TYPE = VALUE then %after`. Constants of more than 32 elements are
base64 of their little-endian bytes, int4 and int2 one element to a byte. Names with other
characters than letters, digits, `_`, `.`, `/` and `-` are JSON strings after the `%`.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.parse import from_text
from milliwatt.ir.types import Array, Quant, TensorType

__all__ = ["from_text", "to_text"]

_LITERAL_ELEMENTS = 32
_SHOWN_SCALES = 2
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_./-]+")


def to_text(graph: Graph, *, elide: bool = False) -> str:
    """The graph as text, one value a line, equal for equal graphs.

    With `elide` large constants show their hash alone, and long lists of scales the first two:
    for people, not to be read back.
    """
    lines = [f"graph {json.dumps(graph.name)} {{", *_lines(graph, elide), "}"]
    return "\n".join(lines) + "\n"


def _lines(graph: Graph, elide: bool) -> Iterator[str]:
    for name in graph.inputs:
        yield f"  input {_typed(graph, name, elide)}"
    for name, value in graph.constants.items():
        yield f"  constant {_typed(graph, name, elide)} = {_constant(value, elide)}"
    for state in graph.states:
        yield _state_line(graph, state, elide)
    for node in graph.nodes:
        yield _node_line(graph, node, elide)
    for name in graph.outputs:
        yield f"  output {_name(name)}"


def _state_line(graph: Graph, state: State, elide: bool) -> str:
    initial = _constant(state.initial, elide)
    before = _typed(graph, state.before, elide)
    return f"  state {before} = {initial} then {_name(state.after)}"


def _node_line(graph: Graph, node: Node, elide: bool) -> str:
    results = ", ".join(_typed(graph, v, elide) for v in node.outputs)
    operands = ", ".join(_name(v) for v in node.inputs)
    attributes = _fields(node.op)
    braces = f" {{{attributes}}}" if attributes else ""
    return f"  {results} = {node.op.kind}({operands}){braces} @ {json.dumps(node.name)}"


def _name(value: str) -> str:
    return f"%{value}" if _PLAIN_NAME.fullmatch(value) else f"%{json.dumps(value)}"


def _typed(graph: Graph, value: str, elide: bool) -> str:
    kind: TensorType = graph.types[value]
    quant = "" if kind.quant is None else f" {_quant(kind.quant, elide)}"
    return f"{_name(value)}: {kind}{quant}"


def _quant(quant: Quant, elide: bool) -> str:
    zeros = set(quant.zero_point)
    zero = str(quant.zero_point[0]) if len(zeros) == 1 else _list(quant.zero_point, elide)
    if quant.axis is None:
        return f"scale={quant.scale[0]!r} zero={zero}"
    return f"scale={_list(quant.scale, elide)} zero={zero} axis={quant.axis}"


def _list(values: tuple[float, ...] | tuple[int, ...], elide: bool) -> str:
    if elide and len(values) > _SHOWN_SCALES:
        shown = ",".join(map(repr, values[:_SHOWN_SCALES]))
        return f"[{shown},<{len(values) - _SHOWN_SCALES} more>]"
    return f"[{','.join(map(repr, values))}]"


def _fields(value: object) -> str:
    if not is_dataclass(value):
        raise ModelError(f"{type(value).__name__} is no dataclass and has no text form")
    return ", ".join(f"{f.name}={_attribute(getattr(value, f.name))}" for f in fields(value))


def _attribute(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, tuple):
        return f"({', '.join(_attribute(v) for v in value)})"
    return f"{type(value).__name__}({_fields(value)})"


def _constant(value: Array, elide: bool) -> str:
    plain = value.dtype.kind in "iu" or (value.dtype.kind == "f" and np.isfinite(value).all())
    if value.size <= _LITERAL_ELEMENTS and plain:
        return f"[{','.join(repr(v) for v in value.ravel().tolist())}]"
    raw = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
    if elide:
        return f"<{len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()[:12]}>"
    return f'base64 "{base64.b64encode(raw).decode()}"'
