# SPDX-License-Identifier: MIT
"""Do not compute channels that are the same for every input, nor those that nobody needs.

Training leaves many channels dead: their sums never leave the clamp. What they add to the sums of
the next layer is known, and goes into its bias. All other values stay as they were, bit by bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, Quant, TensorType
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.shape import Reshape
from milliwatt.passes.channel_ranges import (
    ChannelRange,
    channel_ranges,
    keeps_channels,
    reaches_padding,
    weights_by_channel,
)
from milliwatt.passes.rewrite import final_name, unused_name

TOGETHER = 4
"""Kernels take channels four at a time: no fewer are left than a multiple of it, if there are."""


def remove_constant_channels(graph: Graph) -> Graph:
    """`graph` without channels of int8 layers that are constant, or that nothing depends on."""
    while True:
        kept = _kept_channels(graph)
        if not kept:
            return graph
        graph = _rewritten(graph, kept)


def _kept_channels(graph: Graph) -> dict[str, Array]:
    """For each value that loses channels, the indices of those that stay, ascending."""
    groups = _groups(graph)
    needed = _needed(graph, groups)
    kept: dict[str, Array] = {}
    for value, leader in groups.items():
        indices = _rounded_up(needed[leader])
        if len(indices) < len(needed[leader]):
            kept[value] = indices
    return kept


def _rounded_up(needed: Array) -> Array:
    """The needed channels, and as many others as make a multiple of TOGETHER."""
    wanted = max(-(-int(needed.sum()) // TOGETHER) * TOGETHER, TOGETHER)
    by_need = np.argsort(~needed, kind="stable")
    return np.sort(by_need[:wanted])


def _groups(graph: Graph) -> dict[str, str]:
    """Values whose channels correspond, and so stay or go together: each value's leader."""
    names: dict[str, str] = {}
    for node in graph.nodes:
        if _passes_channels(graph, node):
            x, y = final_name(node.inputs[0], names), final_name(node.outputs[0], names)
            if x != y:
                names[y] = x
    values = (v for v, kind in graph.types.items() if kind.shape and v not in graph.constants)
    return {v: final_name(v, names) for v in values}


def _passes_channels(graph: Graph, node: Node) -> bool:
    """Whether output channel c is computed from input channel c alone."""
    if node.inputs[0] in graph.constants:
        return False
    match node.op:
        case DepthwiseConv2D():
            same = graph.types[node.inputs[0]].shape[3] == graph.types[node.outputs[0]].shape[3]
            return same and weights_by_channel(graph, node) is not None
        case AveragePool2D() | MaxPool2D():
            return True
        case Reshape():
            return keeps_channels(graph, node)
        case _:
            return False


def _needed(graph: Graph, groups: Mapping[str, str]) -> dict[str, Array]:
    """For each group, which of its channels some node, or the caller, must be given."""
    ranges = channel_ranges(graph)
    needed = {v: np.zeros(graph.types[v].shape[-1], bool) for v in set(groups.values())}
    outer = {*graph.inputs, *graph.kept_values(), *(s.before for s in graph.states)}
    for value in outer & set(groups):
        needed[groups[value]][:] = True
    for node in graph.nodes:
        if _passes_channels(graph, node):
            continue
        folds = _folds(graph, node, ranges)
        if folds is not None:
            needed[groups[node.inputs[0]]] |= ~folds
            continue
        for value in (*node.inputs, *node.outputs):
            if value in groups:
                needed[groups[value]][:] = True
    return needed


def _folds(graph: Graph, node: Node, ranges: Mapping[str, ChannelRange]) -> Array | None:
    """Which input channels of a convolution or dense layer need not be computed.

    Those without weights, and constant ones whose share of each sum is the same everywhere, at the
    image's edges too, and fits the bias. None for any other node.
    """
    weights = weights_by_channel(graph, node) if isinstance(node.op, _MIXES) else None
    if weights is None or node.inputs[0] in graph.constants:
        return None
    x = ranges[node.inputs[0]]
    offset = x.low - graph.types[node.inputs[0]].zero_point
    everywhere = (offset == 0) if reaches_padding(node) else np.ones(len(offset), bool)
    share = np.abs(weights * np.where(x.constant, offset, 0)).sum(axis=(1, 2))
    fits = np.abs(graph.constants[node.inputs[2]].astype(np.int64)) + share < 1 << 31
    constant = x.constant & everywhere & bool(fits.all())
    return np.asarray(constant | ~weights.any(axis=(0, 1)))


_MIXES = Conv2D | FullyConnected


@dataclass(frozen=True, slots=True)
class _Trimmed:
    """New weights and bias of a node."""

    weights: Array
    bias: Array
    weights_type: TensorType
    bias_type: TensorType


def _rewritten(graph: Graph, kept: Mapping[str, Array]) -> Graph:
    ranges = channel_ranges(graph)
    types = dict(graph.types)
    constants: dict[str, Array] = dict(graph.constants)
    for value, indices in kept.items():
        types[value] = _with_channels(types[value], len(indices))
    nodes: list[Node] = []
    for node in graph.nodes:
        if not {node.inputs[0], *node.outputs} & set(kept):
            nodes.append(node)
        elif isinstance(node.op, Reshape):
            nodes.append(replace(node, op=Reshape(types[node.outputs[0]].shape)))
        elif isinstance(node.op, _MIXES | DepthwiseConv2D):
            trimmed = _trim(graph, node, ranges[node.inputs[0]], kept)
            names = [unused_name(graph, f"{node.outputs[0]}/{n}_kept") for n in ("weights", "bias")]
            constants |= dict(zip(names, (trimmed.weights, trimmed.bias), strict=True))
            types |= dict(zip(names, (trimmed.weights_type, trimmed.bias_type), strict=True))
            nodes.append(replace(node, inputs=(node.inputs[0], *names)))
        else:
            nodes.append(node)
    return graph.with_nodes(nodes, types=types, constants=constants)


def _with_channels(kind: TensorType, channels: int) -> TensorType:
    return replace(kind, shape=(*kind.shape[:-1], channels))


def _trim(graph: Graph, node: Node, x: ChannelRange, kept: Mapping[str, Array]) -> _Trimmed:
    weights, bias = (graph.constants[v] for v in node.inputs[1:3])
    kind, bias_type = (graph.types[v] for v in node.inputs[1:3])
    outputs = kept.get(node.outputs[0], np.arange(len(bias)))
    if isinstance(node.op, DepthwiseConv2D):
        new_weights, new_bias = weights[..., outputs], bias
    else:
        inputs = kept.get(node.inputs[0], np.arange(weights.shape[-1]))
        new_weights = weights[outputs][..., inputs]
        new_bias = bias + _share_of_removed(graph, node, x, inputs)
    return _Trimmed(
        np.ascontiguousarray(new_weights),
        new_bias[outputs].astype(np.int32),
        replace(kind, shape=new_weights.shape, quant=_trimmed_quant(kind.quant, outputs)),
        replace(bias_type, shape=(len(outputs),), quant=_trimmed_quant(bias_type.quant, outputs)),
    )


def _share_of_removed(graph: Graph, node: Node, x: ChannelRange, inputs: Array) -> Array:
    """What the input channels that are not among `inputs` add to each sum."""
    centred = weights_by_channel(graph, node)
    offset = x.low - graph.types[node.inputs[0]].zero_point
    offset[inputs] = 0
    shares = np.zeros(1, np.int64) if centred is None else (centred * offset).sum(axis=(1, 2))
    return shares


def _trimmed_quant(quant: Quant | None, channels: Array) -> Quant | None:
    if quant is None or quant.axis is None:
        return quant
    return replace(
        quant,
        scale=tuple(quant.scale[c] for c in channels),
        zero_point=tuple(quant.zero_point[c] for c in channels),
    )
