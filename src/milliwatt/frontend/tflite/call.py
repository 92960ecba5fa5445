# SPDX-License-Identifier: MIT
"""One operator of the file, as its converter sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.draft import Draft
from milliwatt.frontend.tflite.flat import Ref, Scalar
from milliwatt.frontend.tflite.records import OperatorRecord
from milliwatt.frontend.tflite.schema import ACTIVATION_NAMES
from milliwatt.frontend.tflite.scope import ConsequenceError, Scope
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.base import Activation, Op
from milliwatt.ops.shape import Reshape


@dataclass(frozen=True, slots=True)
class Call:
    """An operator with its operands; what it emits goes to the scope's draft."""

    scope: Scope
    record: OperatorRecord

    @property
    def draft(self) -> Draft:
        return self.scope.draft

    # Options; a file without an options table means every default.

    def integer(self, field: Scalar) -> int:
        """An integer option."""
        options = self.record.options
        return int(field.default) if options is None else options.integer(field)

    def real(self, field: Scalar) -> float:
        """A float option; a ModelError unless it is finite."""
        options = self.record.options
        value = float(field.default) if options is None else options.real(field)
        if not np.isfinite(value):
            raise ModelError(f"option {field.index} is {value}")
        return value

    def flag(self, field: Scalar) -> bool:
        """A truth option."""
        options = self.record.options
        return bool(field.default) if options is None else options.flag(field)

    def text(self, field: Ref) -> str:
        """A string option, empty where absent."""
        options = self.record.options
        return "" if options is None else options.text(field, "option")

    def option_ints(self, field: Ref) -> tuple[int, ...]:
        """A vector option, empty where absent."""
        options = self.record.options
        values = () if options is None else options.array(field, "int32", "option")
        return tuple(int(v) for v in values)

    def activation(self, field: Scalar) -> Activation:
        """The fused activation; TANH and SIGN_BIT are refused."""
        code = self.integer(field)
        if not 0 <= code < len(ACTIVATION_NAMES):
            raise ModelError(f"activation {code} does not exist")
        name = ACTIVATION_NAMES[code]
        if name not in Activation.__members__:
            allowed = ", ".join(Activation.__members__)
            raise UnsupportedError(f"fused activation {name}; supported: {allowed}")
        return Activation[name]

    # Operands.

    def expect_operands(self, least: int, most: int, outputs: int | None = 1) -> None:
        """A ModelError unless the operator has that many inputs and outputs."""
        count = len(self.record.inputs)
        if not least <= count <= most:
            allowed = str(least) if least == most else f"{least} to {most}"
            raise ModelError(f"{count} inputs; {self.record.kind} has {allowed}")
        if outputs is not None and len(self.record.outputs) != outputs:
            raise ModelError(f"{len(self.record.outputs)} outputs; there must be {outputs}")
        if not self.record.outputs and outputs is None:
            raise ModelError("no outputs")

    def has(self, position: int) -> bool:
        """Whether an optional operand is there."""
        inputs = self.record.inputs
        return position < len(inputs) and inputs[position] >= 0

    def tensor(self, position: int) -> int:
        """The tensor index of an operand that must be there."""
        if not self.has(position):
            raise ModelError(f"operand {position} is missing")
        return self.record.inputs[position]

    def value(self, position: int) -> str:
        """The operand's value, int8 for uint8."""
        return self.scope.value(self.tensor(position))

    def type(self, position: int) -> TensorType:
        """The operand's type, int8 for uint8."""
        return self.draft.types[self.value(position)]

    def array(self, position: int, what: str) -> Array:
        """The operand's values, known while importing; UnsupportedError where they are not."""
        name = self.value(position)
        if self.draft.is_unknown(name):
            raise ConsequenceError(f"{what} come from a refused operator")
        if name not in self.draft.constants:
            raise UnsupportedError(f"{what} must be constant")
        return self.draft.constants[name]

    def ints(self, position: int, what: str) -> tuple[int, ...]:
        """The operand's values as Python integers."""
        array = self.array(position, what)
        if self.type(position).dtype not in (DType.INT32, DType.INT64):
            raise ModelError(f"{what} must be int32 or int64, not {self.type(position)}")
        if array.size > MAX_INTS:
            raise ModelError(f"{what} has {array.size} elements")
        return tuple(int(v) for v in array.reshape(-1))

    # Results.

    def output_type(self, number: int = 0) -> TensorType:
        """The declared type of an output, int8 for uint8."""
        return self.scope.type(self.record.outputs[number])

    def output(self, number: int = 0) -> tuple[str, TensorType]:
        """The wanted name and declared type of an output."""
        return self.output_name(number), self.output_type(number)

    def output_name(self, number: int = 0) -> str:
        """The name an output should have; `op_12` where the file names nothing."""
        otherwise = f"op_{self.record.index}" + (f"_{number}" if number else "")
        return self.scope.wanted_name(self.record.outputs[number], otherwise)

    def define(self, number: int, name: str) -> None:
        """Say which value an output is."""
        self.scope.define(self.record.outputs[number], name)

    def emit(self, op: Op, inputs: Sequence[str]) -> None:
        """Apply `op`; its outputs are this operator's."""
        outputs = [self.output(i) for i in range(len(self.record.outputs))]
        for number, name in enumerate(self.draft.apply(op, inputs, outputs)):
            self.define(number, name)

    def emit_reshaped(self, op: Op, inputs: Sequence[str]) -> None:
        """Apply `op`, whose one output the file may declare under another shape."""
        name, declared = self.output()
        (shape,) = op.infer([self.draft.types[v] for v in inputs])
        computed = TensorType(shape, declared.dtype, declared.quant)
        (result,) = self.draft.apply(op, inputs, [(name, computed)])
        if shape != declared.shape:
            (result,) = self.draft.apply(Reshape(declared.shape), [result], [(name, declared)])
        self.define(0, result)

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front; a ModelError where it is outside the rank."""
        if not -rank <= axis < rank:
            raise ModelError(f"axis {axis} of {rank} dimensions")
        return axis % rank


MAX_INTS = 4096
"""Elements of a shape, axis or padding operand at most."""
