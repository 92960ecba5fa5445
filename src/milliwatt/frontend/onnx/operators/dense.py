# SPDX-License-Identifier: MIT
"""Matrix products with constant weights."""

from __future__ import annotations

import numpy as np

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.onnx.call import Call
from milliwatt.frontend.onnx.constants import Constant
from milliwatt.frontend.onnx.linear import Linear, bias_or_zeros, emit_linear
from milliwatt.frontend.onnx.records import NodeRecord
from milliwatt.ops.base import Activation
from milliwatt.ops.dense import FullyConnected

_NONE = Activation.NONE


def gemm(call: Call) -> None:
    """Gemm: alpha * x·w + beta * bias with constant weights and bias."""
    weights = _matrix(call.constant(1, "the weights"))
    if call.integer("transA", 0):
        raise UnsupportedError("transA: a transposed input")
    if not call.integer("transB", 0):
        weights = weights.transpose((1, 0))
    x = call.scope.as_stored(call.value())
    shape = call.scope.shape(x)
    channels, depth = weights.array.shape
    if len(shape) != 2 or shape[1] != depth:
        raise ModelError(f"input {list(shape)} and weights {[depth, channels]} do not go together")
    alpha, beta = call.real("alpha", 1.0), call.real("beta", 1.0)
    if alpha <= 0 or beta < 0:
        raise UnsupportedError(f"alpha {alpha} and beta {beta}; supported: positive")
    bias = bias_or_zeros(call, 2 if beta else len(call.node.inputs), channels)
    linear = Linear(x, weights.scaled(alpha), bias.scaled(beta or 1.0), 0)
    call.define(emit_linear(call, FullyConnected(_NONE, False), linear))


def matmul(call: Call) -> None:
    """MatMul of a value by a constant matrix."""
    weights = _matrix(call.constant(1, "the second operand")).transpose((1, 0))
    x = call.scope.as_stored(call.value())
    shape = call.scope.shape(x)
    channels, depth = weights.array.shape
    if not shape or shape[-1] != depth:
        raise ModelError(f"input {list(shape)} and weights {[depth, channels]} do not go together")
    op = FullyConnected(_NONE, len(shape) != 2)
    addition = _addition(call, channels)
    if addition is None:
        zeros = Constant(np.zeros(channels, np.float32))
        call.define(emit_linear(call, op, Linear(x, weights, zeros, 0)))
        return
    node, bias = addition
    result = emit_linear(Call(call.scope, node), op, Linear(x, weights, bias, 0))
    call.scope.absorbed.add(node.index)
    call.define(result)
    Call(call.scope, node).define(result)


def _addition(call: Call, channels: int) -> tuple[NodeRecord, Constant] | None:
    """The node that adds one constant for each channel to the product, and does nothing else."""
    node = call.scope.ahead.sole_reader(call.node.outputs[0])
    if node is None or node.kind != "Add" or node.domain or len(node.outputs) != 1:
        return None
    others = [v for v in node.inputs if v != call.node.outputs[0]]
    bias = call.scope.constant(others[0]) if len(others) == 1 else None
    return None if bias is None or bias.array.shape != (channels,) else (node, bias)


def _matrix(weights: Constant) -> Constant:
    if weights.array.ndim != 2:
        raise UnsupportedError(f"weights of shape {list(weights.array.shape)}; supported: a matrix")
    return weights
