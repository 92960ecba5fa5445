# SPDX-License-Identifier: MIT
"""Variables that a file keeps between calls, as states of the graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.frontend.draft import Draft
from milliwatt.ir.graph import State
from milliwatt.ir.types import Array, TensorType

Key = tuple[object, ...]
"""What the file tells variables apart by: a resource's names, or a variable tensor's index."""


@dataclass(slots=True)
class _Variable:
    label: str
    type: TensorType
    before: str | None = None
    current: str | None = None
    initial: Array | None = None


class Variables:
    """Follows each variable through the operators of one call."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._variables: dict[Key, _Variable] = {}

    def initialise(self, key: Key, label: str, value: TensorType, array: Array) -> None:
        """Set what the first call reads."""
        self._variable(key, label, value).initial = array

    def read(self, key: Key, label: str, value: TensorType) -> str:
        """The variable's current value: what the last call left, until this one writes it."""
        variable = self._variable(key, label, value)
        if variable.current is None:
            variable.before = variable.current = self._draft.value(label, value)
        return variable.current

    def write(self, key: Key, label: str, name: str) -> None:
        """Make `name` the variable's value."""
        self._variable(key, label, self._draft.types[name]).current = name

    def any_used(self) -> bool:
        """Whether some variable has been read or written."""
        return any(v.current is not None for v in self._variables.values())

    def states(self) -> tuple[State, ...]:
        """The states of the finished graph: those variables that a call reads before writing."""
        computed = self._draft.computed()
        states: list[State] = []
        for variable in self._variables.values():
            if variable.before is None or variable.current is None:
                continue
            after = variable.current
            if after != variable.before and after not in computed:
                after = self._draft.copy(after)
            states.append(State(variable.before, after, _initial(self._draft, variable)))
        return tuple(states)

    def _variable(self, key: Key, label: str, value: TensorType) -> _Variable:
        variable = self._variables.setdefault(key, _Variable(label, value))
        if variable.type != value:
            raise ModelError(
                f"variable '{label}' is used as {variable.type} ({variable.type.quant}) and as "
                f"{value} ({value.quant})"
            )
        return variable


def _initial(draft: Draft, variable: _Variable) -> Array:
    """What was assigned, or real zero: that is what TFLM starts from."""
    if variable.initial is not None:
        return variable.initial
    value = variable.type
    draft.spend(value.elements, f"variable '{variable.label}'")
    zero = value.zero_point if value.quant is not None else 0
    return np.full(value.shape, zero, value.dtype.numpy)
