# SPDX-License-Identifier: MIT
"""One node of the file, as its converter sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.constants import Constant
from milliwatt.frontend.onnx.formats import Format
from milliwatt.frontend.onnx.records import NodeRecord
from milliwatt.frontend.onnx.scope import Scope
from milliwatt.frontend.onnx.values import ConsequenceError, Operand, Value
from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Op
from milliwatt.ops.quantize import Quantize
from milliwatt.ops.shape import Reshape

MAX_INTS = 64
"""Elements of an operand that says shapes, axes or bounds."""


@dataclass(frozen=True, slots=True)
class Call:
    """A node with its operands; what its converter emits goes to the scope's draft."""

    scope: Scope
    node: NodeRecord

    @property
    def opset(self) -> int:
        return self.scope.model.opset

    # Attributes; absent ones have the standard's defaults, which converters give.

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, int):
            raise ModelError(f"attribute '{name}' is no integer")
        return value

    def real(self, name: str, default: float) -> float:
        """A finite float attribute."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, int | float) or not np.isfinite(value):
            raise ModelError(f"attribute '{name}' is no finite number")
        return float(value)

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, str):
            raise ModelError(f"attribute '{name}' is no string")
        return value

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of integers of the default's length."""
        value = self.integers_or_none(name)
        if value is None:
            return default
        if len(value) != len(default):
            raise ModelError(f"attribute '{name}' has {len(value)} elements, not {len(default)}")
        return value

    def integers_or_none(self, name: str) -> tuple[int, ...] | None:
        """A list of integers; None where the attribute is absent."""
        value = self.node.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple) or len(value) > MAX_INTS:
            raise ModelError(f"attribute '{name}' is no list of up to {MAX_INTS} integers")
        if not all(isinstance(v, int) for v in value):
            raise ModelError(f"attribute '{name}' is no list of integers")
        return tuple(int(v) for v in value)

    # Operands.

    def has(self, position: int) -> bool:
        """Whether an optional operand is there."""
        inputs = self.node.inputs
        return position < len(inputs) and bool(inputs[position])

    def operand(self, position: int) -> Operand:
        """An operand that must be there."""
        if not self.has(position):
            raise ModelError(f"operand {position} is missing")
        return self.scope.operand(self.node.inputs[position])

    def value(self, position: int = 0) -> Value:
        """A computed operand; UnsupportedError where it is constant."""
        operand = self.operand(position)
        if isinstance(operand, Constant):
            raise UnsupportedError(f"operand {position} is constant; it must be computed")
        return operand

    def constant(self, position: int, what: str) -> Constant:
        """A constant operand; UnsupportedError where it is computed."""
        operand = self.operand(position)
        if isinstance(operand, Value):
            if self.scope.draft.is_unknown(operand.name):
                raise ConsequenceError(f"{what} come from a refused node")
            raise UnsupportedError(f"{what} must be constant")
        return operand

    def ints(self, position: int, what: str) -> tuple[int, ...]:
        """A constant operand of a few integers."""
        array = self.constant(position, what).array
        if array.dtype.kind not in "iu" or array.size > MAX_INTS:
            raise ModelError(f"{what}: {array.dtype} of {array.size} elements")
        return tuple(int(v) for v in array.reshape(-1))

    def floats(self, position: int, what: str) -> Array:
        """A constant operand of floats, as float32."""
        array = self.constant(position, what).array
        if array.dtype.kind != "f":
            raise UnsupportedError(f"{what} of {array.dtype}; supported: float32")
        return array.astype(np.float32)

    def rank(self, value: Value) -> int:
        """The number of the value's dimensions."""
        return len(self.scope.type(value).shape)

    def dim(self, value: Value, dim: int) -> int:
        """A dimension of the file's order, which may count from the end, counted from the front."""
        rank = self.rank(value)
        if not -rank <= dim < rank:
            raise ModelError(f"axis {dim} of a value of {rank} dimensions")
        return dim % rank

    # Results.

    @property
    def wanted(self) -> str:
        """The name the first output should have."""
        return self.output_name(0)

    def output_name(self, number: int) -> str:
        """The name an output should have."""
        return self.scope.wanted_name(self.node.outputs[number], f"node_{self.node.index}")

    def target(self, *operands: Value) -> Format | None:
        """The integers the first output becomes, where operators on integers can give them.

        None unless every operand is dequantised, and all have the result's integer type.
        """
        wanted = self.scope.ahead.format(self.node.outputs[0])
        if wanted is None or not all(v.dequantised for v in operands):
            return None
        dtypes = {self.scope.type(v).dtype for v in operands}
        return wanted if dtypes == {wanted.dtype} else None

    def define(self, operand: Operand, number: int = 0) -> None:
        """Say what an output is."""
        if number < len(self.node.outputs) and self.node.outputs[number]:
            self.scope.define(self.node.outputs[number], operand)

    def emit_real(self, op: Op, *inputs: str, channels_last: bool) -> Value:
        """A float operator's result."""
        name = self.scope.emit(self.wanted, op, inputs, DType.FLOAT32)
        return Value(name, channels_last)

    def emit_integers(self, op: Op, *inputs: str, target: Format, channels_last: bool) -> Value:
        """What the integers of `target` stand for, computed by an operator."""
        name = self.scope.emit(self.wanted, op, inputs, target.dtype, target.quant)
        return Value(name, channels_last, dequantised=True, unsigned=target.unsigned)

    def emit_unary(self, op: Op, x: Value, target: Format | None) -> Value:
        """An operator of one operand, on integers where there is a format for its result."""
        if target is None:
            real = self.scope.as_real(x)
            return self.emit_real(op, real.name, channels_last=x.channels_last)
        return self.emit_integers(op, x.name, target=target, channels_last=x.channels_last)

    def emit_moved(self, op: Op, value: Value) -> Value:
        """`value` with its elements moved, its number format unchanged."""
        return self.scope.move(self.wanted, op, value)

    def reshaped(self, value: Value, shape: tuple[int, ...]) -> Value:
        """The value's elements, in the file's order, under another shape."""
        if shape == self.scope.shape(value):
            return value
        return self.scope.move(self.wanted, Reshape(shape), self.scope.as_stored(value))

    def fold(self, function: Callable[[Constant], Constant], position: int = 0) -> bool:
        """Where the operand is constant, the first output is that function of it."""
        operand = self.operand(position)
        if isinstance(operand, Constant):
            self.define(function(operand))
            return True
        return False


def requantised(call: Call, value: Value, target: Format) -> Value:
    """A dequantised value as integers of another format, rounded once."""
    kind = call.scope.type(value)
    if (kind.dtype, kind.quant) == (target.dtype, target.quant):
        return replace(value, unsigned=target.unsigned)
    wanted = f"{value.name}_requantised"
    name = call.scope.emit(wanted, Quantize(), (value.name,), target.dtype, target.quant)
    return replace(value, name=name, unsigned=target.unsigned)
