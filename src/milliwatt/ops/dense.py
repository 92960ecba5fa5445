# SPDX-License-Identifier: MIT
"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, Shape
from milliwatt.ops._linear import centred, check_linear, exact_float, finish, finish_float
from milliwatt.ops._matmul import matmul
from milliwatt.ops._operands import expect_count, expect_rank
from milliwatt.ops.base import Activation, Op, Types
from milliwatt.quant.scaling import fully_connected_factors


@dataclass(frozen=True, slots=True)
class FullyConnected(Op):
    """y = x · weightsᵀ + bias: x[...] read as [-1,K], weights[N,K], bias[N] -> y[-1,N].

    With `keep_dims` x's last dimension is K and y keeps x's leading dimensions.
    """

    activation: Activation
    keep_dims: bool

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 3)
        x, weights, bias = inputs
        expect_rank(self, "weights", weights, 2)
        channels, depth = weights.shape
        if bias.shape != (channels,):
            raise ModelError(f"{self.kind}: bias {bias} must have {channels} elements")
        if self.keep_dims:
            if not x.shape or x.shape[-1] != depth:
                raise ModelError(f"{self.kind}: input {x} must end in {depth} elements")
            return ((*x.shape[:-1], channels),)
        if x.elements % depth:
            raise ModelError(f"{self.kind}: input {x} does not split into rows of {depth}")
        return ((x.elements // depth, channels),)

    def check(self, inputs: Types, outputs: Types) -> None:
        check_linear(self, inputs, outputs, channel_axis=0)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        x_type, weights_type, bias_type = inputs
        (y,) = outputs
        x, weights = centred(values[0], x_type), centred(values[1], weights_type)
        kind = exact_float(x, weights, 0)
        channels, depth = weights.shape
        sums = matmul(x.reshape(-1, depth).astype(kind), weights.astype(kind).T)
        if x_type.dtype.is_float:
            result = finish_float(sums, values[2], self.activation)
        else:
            factors = fully_connected_factors(x_type, weights_type, y, channels)
            result = finish(sums, values[2], factors, y, bias_type, self.activation)
        return (result.reshape(y.shape),)

    def macs(self, inputs: Types, outputs: Types) -> int:
        return outputs[0].elements * inputs[1].shape[1]
