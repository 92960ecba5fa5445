# SPDX-License-Identifier: MIT
"""Operators with memory: their state comes in and goes out as operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, Shape
from milliwatt.ops._operands import expect_count
from milliwatt.ops.base import Activation, Op, Types


@dataclass(frozen=True, slots=True)
class Svdf(Op):
    """A fully connected layer factored over features and time.

    Operands: x[N,I], w_feature[F,I], w_time[F,M], bias[F/rank], state[N,M*F].
    Outputs: y[N,F/rank], the new state.
    """

    rank: int
    activation: Activation

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 5)
        x, feature, time, bias, state = (t.shape for t in inputs)
        filters, memory = time
        units = filters // self.rank
        expected = (x[1],), (filters,), (units,), (x[0], memory * filters)
        if (feature[1:], feature[:1], bias, state) != expected or filters % self.rank:
            raise ModelError(f"{self.kind}: operands {[str(t) for t in inputs]} do not match")
        return (x[0], units), state

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class UnidirectionalLstm(Op):
    """An LSTM over a sequence, without peephole, projection or layer normalisation.

    Operands: x[N,T,I] (x[T,N,I] where `time_major`), input weights [H,I] of the input, forget,
    cell and output gates, recurrent weights [H,H] of the same, biases [H] of the same, hidden
    state [N,H], cell state [N,H]. Outputs: y[N,T,H] (or [T,N,H]), new hidden, new cell.
    """

    time_major: bool
    cell_clip: float

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 15)
        x, hidden, cell = inputs[0].shape, inputs[13].shape, inputs[14].shape
        if len(x) != 3 or len(hidden) != 2:
            raise ModelError(f"{self.kind}: x {list(x)}, hidden state {list(hidden)}")
        batch, units = hidden
        shapes = [t.shape for t in inputs[1:13]]
        expected = [(units, x[2])] * 4 + [(units, units)] * 4 + [(units,)] * 4
        if shapes != expected or cell != hidden or x[1 if self.time_major else 0] != batch:
            raise ModelError(f"{self.kind}: operands {[str(t) for t in inputs]} do not match")
        return (*x[:2], units), hidden, cell

    def check(self, inputs: Types, outputs: Types) -> None:
        pass

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        raise NotImplementedError
