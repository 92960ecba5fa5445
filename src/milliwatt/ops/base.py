# SPDX-License-Identifier: MIT
"""What every operator answers."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.ir.types import Array, Shape, TensorType

Types = Sequence[TensorType]


class Activation(enum.Enum):
    """A clamp fused into an operator's output."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"
    RELU_N1_TO_1 = "relu_n1_to_1"


@dataclass(frozen=True, slots=True)
class Padding:
    """Rows and columns added around an image; they hold the input's zero point."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


class Op(ABC):
    """An operator: a frozen dataclass of typed attributes, and its meaning.

    Operands are positional; a class's docstring names them in order.
    """

    __slots__ = ()

    @property
    def kind(self) -> str:
        """The operator's name in reports and in the text form."""
        return type(self).__name__

    @abstractmethod
    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        """Shapes of the outputs; a ModelError where the inputs do not go together."""

    @abstractmethod
    def check(self, inputs: Types, outputs: Types) -> None:
        """Raise UnsupportedError for element types or quantisation this operator does not take."""

    @abstractmethod
    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        """The outputs for these input values: the operator's meaning, exact for integers."""

    def macs(self, inputs: Types, outputs: Types) -> int:
        """Multiply-accumulates of one application; 0 where the operator has none."""
        del inputs, outputs
        return 0
