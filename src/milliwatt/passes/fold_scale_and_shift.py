# SPDX-License-Identifier: MIT
"""Batch normalisation into the convolution before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.arith import Add, Mul
from milliwatt.ops.base import Activation
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.passes.rewrite import sole_readers, unused_name

_FOLDS = Conv2D | DepthwiseConv2D | FullyConnected


def fold_scale_and_shift(graph: Graph) -> Graph:
    """Multiply float weights by a per-channel Mul that follows, add a following Add to the bias.

    Only for float32: integer scales are already in the requantisation.
    """
    while (folded := _fold_one(graph)) is not None:
        graph = folded
    return graph


def _fold_one(graph: Graph) -> Graph | None:
    readers = sole_readers(graph)
    for node in graph.nodes:
        if not isinstance(node.op, _FOLDS) or node.op.activation is not Activation.NONE:
            continue
        reader = readers.get(node.outputs[0])
        if reader is None or not graph.types[node.outputs[0]].dtype.is_float:
            continue
        operand = _per_channel(graph, node, reader)
        if operand is not None:
            return _merge(graph, node, node.op, reader, operand)
    return None


def _per_channel(graph: Graph, node: Node, reader: Node) -> Array | None:
    """The constant operand of `reader` as one number for each output channel of `node`."""
    if not isinstance(reader.op, Mul | Add):
        return None
    others = [v for v in reader.inputs if v != node.outputs[0]]
    weights, bias = (graph.constants.get(v) for v in node.inputs[1:3])
    if len(others) != 1 or others[0] not in graph.constants or weights is None or bias is None:
        return None
    constant = graph.constants[others[0]]
    # One number, or one for each place along the last axis and along no other.
    if constant.size != 1 and (constant.size, *constant.shape[-1:]) != (bias.size, bias.size):
        return None
    if graph.types[reader.outputs[0]].shape != graph.types[node.outputs[0]].shape:
        return None
    return np.broadcast_to(constant.reshape(-1), bias.shape)


def _merge(graph: Graph, node: Node, folds: _FOLDS, reader: Node, operand: Array) -> Graph:
    if not isinstance(reader.op, Mul | Add):
        return graph
    weights, bias = (graph.constants[v] for v in node.inputs[1:3])
    if isinstance(reader.op, Mul):
        axis = -1 if isinstance(node.op, DepthwiseConv2D) else 0
        shape = [1] * weights.ndim
        shape[axis] = -1
        weights, bias = weights * operand.reshape(shape), bias * operand
    else:
        bias = bias + operand
    weights_name = unused_name(graph, f"{reader.outputs[0]}/weights")
    bias_name = unused_name(graph, f"{reader.outputs[0]}/bias")
    arrays = weights.astype(np.float32), bias.astype(np.float32)
    op = replace(folds, activation=reader.op.activation)
    merged = Node(node.name, op, (node.inputs[0], weights_name, bias_name), reader.outputs)
    names = weights_name, bias_name
    kinds = (TensorType(a.shape, DType.FLOAT32) for a in arrays)
    return graph.with_nodes(
        [merged if n is node else n for n in graph.nodes if n is not reader],
        types={**graph.types, **dict(zip(names, kinds, strict=True))},
        constants={**graph.constants, **dict(zip(names, arrays, strict=True))},
    )
