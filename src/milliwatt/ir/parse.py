# SPDX-License-Identifier: MIT
"""Reading the text form of a graph (milliwatt.ir.text describes it)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.attributes import Record, Value, operator
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.lexer import Token, tokens
from milliwatt.ir.types import Array, DType, Quant, TensorType

_MAX_DEPTH = 8


def from_text(text: str) -> Graph:
    """The graph that `to_text` printed; a ModelError with the line number where it is not one.

    The graph is not verified.
    """
    return _Parser(tokens(text)).graph()


@dataclass
class _Draft:
    """A graph's parts in the order they are read."""

    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    states: list[State] = field(default_factory=list)


class _Parser:
    """Recursive descent; each method reads one thing and leaves the position behind it."""

    def __init__(self, stream: list[Token]) -> None:
        self._tokens = stream
        self._position = 0
        self._depth = 0

    def graph(self) -> Graph:
        self._expect("graph")
        name = self._string()
        self._expect("{")
        draft = _Draft()
        while not self._accept("}"):
            self._statement(draft)
        if self._next.kind != "end":
            self._fail("text after the graph")
        return Graph(
            name=name,
            nodes=tuple(draft.nodes),
            types=draft.types,
            constants=draft.constants,
            inputs=tuple(draft.inputs),
            outputs=tuple(draft.outputs),
            states=tuple(draft.states),
        )

    def _statement(self, draft: _Draft) -> None:
        if self._accept("input"):
            draft.inputs.append(self._typed(draft))
        elif self._accept("output"):
            draft.outputs.append(self._name())
        elif self._accept("constant"):
            name = self._typed(draft)
            self._expect("=")
            draft.constants[name] = self._constant(draft.types[name])
        elif self._accept("state"):
            name = self._typed(draft)
            self._expect("=")
            initial = self._constant(draft.types[name])
            self._expect("then")
            draft.states.append(State(name, self._name(), initial))
        else:
            draft.nodes.append(self._node(draft))

    def _node(self, draft: _Draft) -> Node:
        results = [self._typed(draft)]
        while self._accept(","):
            results.append(self._typed(draft))
        self._expect("=")
        line, kind = self._next.line, self._word("an operator")
        self._expect("(")
        operands: list[str] = []
        while not self._accept(")"):
            if operands:
                self._expect(",")
            operands.append(self._name())
        attributes = self._fields("}") if self._accept("{") else {}
        self._expect("@")
        name = self._string()
        try:
            op = operator(kind, attributes)
        except ModelError as error:
            raise ModelError(f"line {line}: {error}") from error
        return Node(name, op, tuple(operands), tuple(results))

    def _typed(self, draft: _Draft) -> str:
        line, name = self._next.line, self._name()
        if name in draft.types:
            raise ModelError(f"line {line}: %{name} is defined twice")
        self._expect(":")
        word = self._word("an element type")
        try:
            dtype = DType(word)
        except ValueError:
            names = ", ".join(d.value for d in DType)
            raise ModelError(f"line {line}: no element type '{word}'; there are {names}") from None
        shape = tuple(self._integer(v) for v in self._list("["))
        try:
            draft.types[name] = TensorType(shape, dtype, self._quant())
        except ModelError as error:
            raise ModelError(f"line {line}: %{name}: {error}") from error
        return name

    def _quant(self) -> Quant | None:
        if not self._accept("scale"):
            return None
        self._expect("=")
        scales = self._one_or_many()
        self._expect("zero")
        self._expect("=")
        zeros = self._one_or_many()
        axis: int | None = None
        if self._accept("axis"):
            self._expect("=")
            axis = self._integer(self._value())
        full = zeros * len(scales) if len(zeros) == 1 else zeros
        return Quant(
            tuple(self._number(s) for s in scales), tuple(self._integer(z) for z in full), axis
        )

    def _one_or_many(self) -> list[Value]:
        return self._list("[") if self._next.text == "[" else [self._value()]

    def _constant(self, kind: TensorType) -> Array:
        if self._next.text == "<":
            self._fail("this constant was elided when the graph was printed")
        if self._accept("base64"):
            return self._bytes(kind)
        values = self._list("[")
        if len(values) != kind.elements:
            self._fail(f"{len(values)} elements for {kind}")
        numbers = [self._number(v) if kind.dtype.is_float else self._integer(v) for v in values]
        try:
            return np.array(numbers, kind.dtype.numpy).reshape(kind.shape)
        except OverflowError:
            return self._fail(f"an element is out of {kind.dtype.value}'s range")

    def _bytes(self, kind: TensorType) -> Array:
        try:
            raw = base64.b64decode(self._string(), validate=True)
        except binascii.Error as error:
            return self._fail(f"not base64: {error}")
        dtype = kind.dtype.numpy.newbyteorder("<")
        if len(raw) != kind.elements * dtype.itemsize:
            self._fail(f"{len(raw)} bytes for {kind}")
        return np.frombuffer(raw, dtype).astype(kind.dtype.numpy).reshape(kind.shape)

    def _fields(self, closing: str) -> dict[str, Value]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail("brackets nested too deeply")
        found: dict[str, Value] = {}
        while not self._accept(closing):
            if found:
                self._expect(",")
            name = self._word("an attribute")
            if name in found:
                self._fail(f"attribute {name} is given twice")
            self._expect("=")
            found[name] = self._value()
        self._depth -= 1
        return found

    def _value(self) -> Value:
        token = self._next
        if token.text == "(":
            return tuple(self._list("("))
        if token.kind == "number":
            self._position += 1
            text = token.text
            return int(text) if text.lstrip("-").isdigit() else float(text)
        word = self._word("a value")
        if word in ("true", "false"):
            return word == "true"
        if word == "nan":
            return float(word)
        return Record(word, self._fields(")")) if self._accept("(") else word

    def _list(self, opening: str) -> list[Value]:
        self._expect(opening)
        closing = {"[": "]", "(": ")"}[opening]
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail("brackets nested too deeply")
        values: list[Value] = []
        while not self._accept(closing):
            if values:
                self._expect(",")
            values.append(self._value())
        self._depth -= 1
        return values

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _accept(self, text: str) -> bool:
        found = self._next.kind != "string" and self._next.text == text
        self._position += found
        return found

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            self._fail(f"expected '{text}'")

    def _name(self) -> str:
        if self._next.kind != "name":
            self._fail("expected a value's name, like %x")
        text = self._take()[1:]
        return json.loads(text) if text.startswith('"') else text

    def _string(self) -> str:
        if self._next.kind != "string":
            self._fail("expected a string in double quotes")
        return json.loads(self._take())

    def _word(self, what: str) -> str:
        if self._next.kind != "word":
            self._fail(f"expected {what}")
        return self._take()

    def _take(self) -> str:
        self._position += 1
        return self._tokens[self._position - 1].text

    def _integer(self, value: Value) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            return self._fail(f"expected an integer, not {value}")
        return value

    def _number(self, value: Value) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._fail(f"expected a number, not {value}")
        return float(value)

    def _fail(self, message: str) -> NoReturn:
        token = self._next
        shown = "the end of the text" if token.kind == "end" else f"'{token.text[:40]}'"
        raise ModelError(f"line {token.line}, at {shown}: {message}")
