# SPDX-License-Identifier: MIT
"""Functions of one value, and softmax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.ir.types import Array, Shape
from milliwatt.ops._operands import expect_count
from milliwatt.ops.base import Activation, Op, Types


@dataclass(frozen=True, slots=True)
class _Unary(Op):
    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        return (inputs[0].shape,)

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Relu(_Unary):
    """x clamped to the bounds of `activation`, requantised where the scales differ."""

    activation: Activation


@dataclass(frozen=True, slots=True)
class LeakyRelu(_Unary):
    """x where positive, alpha * x elsewhere."""

    alpha: float


@dataclass(frozen=True, slots=True)
class Logistic(_Unary):
    """1 / (1 + exp(-x))."""


@dataclass(frozen=True, slots=True)
class Tanh(_Unary):
    """Hyperbolic tangent."""


@dataclass(frozen=True, slots=True)
class Softmax(_Unary):
    """exp(beta * x) over its sum along the last axis."""

    beta: float


@dataclass(frozen=True, slots=True)
class LogSoftmax(_Unary):
    """Logarithm of the softmax along the last axis."""
