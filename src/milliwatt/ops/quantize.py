# SPDX-License-Identifier: MIT
"""Changing a tensor's number format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.ir.types import Array, Shape
from milliwatt.ops._operands import expect_count
from milliwatt.ops.base import Op, Types


@dataclass(frozen=True, slots=True)
class Quantize(Op):
    """x to integers of the output's quantisation, from float32 or from other integers."""

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
class Dequantize(Op):
    """Integers x to the float32 values they stand for."""

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        return (inputs[0].shape,)

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError
