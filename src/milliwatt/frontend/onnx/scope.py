# SPDX-License-Identifier: MIT
"""What the file's names stand for while its nodes are converted, in which layout and format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.draft import Draft
from milliwatt.frontend.names import sanitise
from milliwatt.frontend.onnx.ahead import Ahead
from milliwatt.frontend.onnx.constants import Constant
from milliwatt.frontend.onnx.formats import Format
from milliwatt.frontend.onnx.records import ModelRecord, shown
from milliwatt.frontend.onnx.tensors import FLOAT
from milliwatt.frontend.onnx.values import (
    TO_CHANNELS_FIRST,
    TO_CHANNELS_LAST,
    ConsequenceError,
    Operand,
    Value,
)
from milliwatt.ir.types import Array, DType, Quant, Shape, TensorType
from milliwatt.ops.base import Op
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.shape import Reshape, Transpose

MAX_ELEMENTS = 1 << 26
"""Elements of one computed value."""


class Scope:
    """The draft being built, and the operand that each name of the file is.

    `absorbed` are the indices of nodes whose outputs another node's converter has defined.
    """

    def __init__(self, model: ModelRecord) -> None:
        self.model = model
        self.ahead = Ahead(model)
        self.draft = Draft()
        self._operands: dict[str, Operand] = {
            name: Constant(array) for name, array in model.constants.items()
        }
        self.absorbed: set[int] = set()
        self._refused: set[str] = set()
        # Forms already made of a value, so that its readers share them.
        self._forms: dict[tuple[str, str], Value] = {}

    def define(self, name: str, operand: Operand) -> None:
        """Say what a name of the file stands for.

        A float value that the file only moves and clamps before quantising it is quantised here:
        the result is the same, and the integers are smaller.
        """
        wanted = self.ahead.format(name)
        if wanted is not None and isinstance(operand, Value):
            kind = self.type(operand)
            if kind.dtype.is_float and not self.draft.is_unknown(operand.name):
                operand = self._quantised(operand, wanted)
        self._operands[name] = operand

    def refuse(self, name: str) -> None:
        """Mark what a refused node would have written.

        Where the file declares its shape, the nodes behind it are still checked, so that every
        problem is reported at once.
        """
        record = self.model.declared.get(name)
        is_float = record is not None and record.element_type == FLOAT
        dims = record.dims if record is not None and is_float and record.dims else ()
        known = [d for d in dims if d is not None and d > 0]
        if dims and len(known) == len(dims) and prod(known) <= MAX_ELEMENTS:
            kind = TensorType(tuple(known), DType.FLOAT32)
            self._operands[name] = Value(self.draft.unknown(kind))
        else:
            self._refused.add(name)

    def operand(self, name: str) -> Operand:
        """What a name stands for; ConsequenceError where that is unknown."""
        if name in self._refused or name not in self._operands:
            raise ConsequenceError(f"'{shown(name)}' comes from a refused node")
        return self._operands[name]

    def constant(self, name: str) -> Constant | None:
        """What a name stands for where that is constant and known by now."""
        operand = self._operands.get(name)
        return operand if isinstance(operand, Constant) else None

    def values(self) -> dict[str, Value]:
        """The computed value that each name stands for."""
        return {n: v for n, v in self._operands.items() if isinstance(v, Value)}

    def type(self, value: Value) -> TensorType:
        """The value's type in the draft."""
        return self.draft.types[value.name]

    def shape(self, value: Value) -> Shape:
        """The shape the file sees."""
        shape = self.type(value).shape
        if not value.channels_last:
            return shape
        return tuple(shape[i] for i in TO_CHANNELS_FIRST[len(shape)])

    def axis(self, value: Value, dim: int) -> int:
        """The draft's axis of the file's dimension `dim`."""
        if not value.channels_last:
            return dim
        return TO_CHANNELS_FIRST[len(self.type(value).shape)][dim]

    def emit(
        self, wanted: str, op: Op, inputs: tuple[str, ...], dtype: DType, quant: Quant | None = None
    ) -> str:
        """Apply an operator of one output; returns the output's name."""
        (shape,) = op.infer([self.draft.types[v] for v in inputs])
        if prod(shape) > MAX_ELEMENTS:
            raise ModelError(f"its result {list(shape)} has more than {MAX_ELEMENTS} elements")
        return self.draft.apply(op, inputs, [(wanted, TensorType(shape, dtype, quant))])[0]

    def move(self, wanted: str, op: Op, value: Value) -> Value:
        """Apply an operator that only moves elements: the number format stays."""
        kind = self.type(value)
        return replace(value, name=self.emit(wanted, op, (value.name,), kind.dtype, kind.quant))

    def as_stored(self, value: Value) -> Value:
        """The value in the file's own order of dimensions."""
        if not value.channels_last:
            return value
        return self._turned(value, "channels_first", TO_CHANNELS_FIRST, channels_last=False)

    def as_image(self, value: Value) -> Value:
        """The value with its channels last; UnsupportedError unless it has 3 or 4 dimensions."""
        if value.channels_last:
            return value
        if len(self.type(value).shape) not in TO_CHANNELS_LAST:
            raise UnsupportedError(
                f"an input of shape {list(self.shape(value))}; supported: images of 4 dimensions, "
                "signals of 3"
            )
        return self._turned(value, "channels_last", TO_CHANNELS_LAST, channels_last=True)

    def as_rows(self, value: Value) -> Value:
        """An image as NHWC; a signal as one of a single row."""
        image = self.as_image(value)
        shape = self.type(image).shape
        if len(shape) == 4:
            return image
        return self._copied(image, "rows", (shape[0], 1, *shape[1:]))

    def as_rank(self, value: Value, rank: int) -> Value:
        """An image of one row as a signal, where `rank` is 3."""
        shape = self.type(value).shape
        if len(shape) == rank:
            return value
        return self._copied(value, "signal", (shape[0], *shape[2:]))

    def as_real(self, value: Value, wanted: str = "") -> Value:
        """The value as float32; UnsupportedError for integers that stand for nothing else."""
        kind = self.type(value)
        if kind.dtype.is_float:
            return value
        if not value.dequantised:
            raise UnsupportedError(f"computes with the integers of {kind}; supported: float32")
        key = (value.name, "real")
        if key not in self._forms:
            wanted = wanted or f"{value.name}_float"
            name = self.emit(wanted, Dequantize(), (value.name,), DType.FLOAT32)
            self._forms[key] = Value(name, value.channels_last)
        return self._forms[key]

    def add_constant(self, wanted: str, kind: TensorType, array: Array) -> str:
        """A constant of the draft; a ModelError where it holds NaN or infinity."""
        if kind.dtype.is_float and not np.isfinite(array).all():
            raise ModelError("a constant holds NaN or infinity")
        self.draft.spend(kind.elements, wanted)
        return self.draft.constant(wanted, kind, np.asarray(array, kind.dtype.numpy, order="C"))

    def wanted_name(self, name: str, otherwise: str) -> str:
        """The name that a value for this name of the file should have."""
        return sanitise(name, otherwise)

    def _copied(self, value: Value, form: str, shape: Shape) -> Value:
        key = (value.name, form)
        if key not in self._forms:
            self._forms[key] = self.move(f"{value.name}_{form}", Reshape(shape), value)
        return replace(self._forms[key], dequantised=value.dequantised, unsigned=value.unsigned)

    def _quantised(self, value: Value, wanted: Format) -> Value:
        name = self.emit(
            f"{value.name}_quantised", Quantize(), (value.name,), wanted.dtype, wanted.quant
        )
        return Value(name, value.channels_last, dequantised=True, unsigned=wanted.unsigned)

    def _turned(
        self, value: Value, form: str, perms: Mapping[int, Shape], *, channels_last: bool
    ) -> Value:
        key = (value.name, form)
        if key not in self._forms:
            op = Transpose(perms[len(self.type(value).shape)])
            moved = self.move(f"{value.name}_{form}", op, value)
            self._forms[key] = replace(moved, channels_last=channels_last)
            back = "channels_first" if channels_last else "channels_last"
            self._forms[moved.name, back] = value
        # The same integers may be read dequantised and as they are.
        return replace(self._forms[key], dequantised=value.dequantised, unsigned=value.unsigned)
