# SPDX-License-Identifier: MIT
"""Element-wise arithmetic of two operands with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, Shape
from milliwatt.ops._operands import expect_count
from milliwatt.ops.base import Activation, Op, Types


@dataclass(frozen=True, slots=True)
class Add(Op):
    """a + b."""

    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_broadcast(self, inputs),)

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Sub(Op):
    """a - b."""

    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_broadcast(self, inputs),)

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Mul(Op):
    """a * b."""

    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        return (_broadcast(self, inputs),)

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


def _broadcast(op: Op, inputs: Types) -> Shape:
    expect_count(op, inputs, 2)
    a, b = inputs
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError as error:
        raise ModelError(f"{op.kind}: {a} and {b} do not broadcast") from error
