# SPDX-License-Identifier: MIT
"""A float graph to an int8 graph, with ranges found on sample inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from milliwatt.errors import DataError, UnsupportedError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.activation import Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.base import Op
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.resize import ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack
from milliwatt.quant.ranges import Range, RangeMethod, find_range

_WEIGHTED = Conv2D | DepthwiseConv2D | FullyConnected
_SAME_CODES = (
    Reshape
    | Transpose
    | MaxPool2D
    | AveragePool2D
    | Slice
    | Split
    | Pad
    | Pack
    | Unpack
    | Concat
    | ResizeNearest
)
_OWN_RANGE = _WEIGHTED | Add | Sub | Mul | Mean | Relu
_FIXED: dict[type[Op], Quant] = {
    Softmax: Quant.per_tensor(1 / 256, -128),
    Logistic: Quant.per_tensor(1 / 256, -128),
    Tanh: Quant.per_tensor(1 / 128, 0),
    LogSoftmax: Quant.per_tensor(16 / 256, 127),
}
_INT32_LIMIT = float((1 << 31) - 1)
_KEPT_PER_SAMPLE = 4096
"""Values of each tensor and sample that the entropy search sees (all of them for min/max)."""

Progress = Callable[[int], None]


def quantize_graph(
    graph: Graph,
    samples: Sequence[Sequence[Array]],
    method: RangeMethod = "minmax",
    progress: Progress | None = None,
) -> Graph:
    """`graph` (float32, passes done) in int8: inputs, outputs and everything between.

    Activations are affine per tensor, with ranges found on `samples` (each a tuple of input
    arrays); weights symmetric per output channel in -127..127; biases int32. `progress` is told
    the number of samples seen. Raises UnsupportedError listing every operator that has no int8
    form here, DataError without samples.
    """
    _refuse_unsupported(graph)
    if not samples:
        raise DataError("calibration needs at least one sample")
    groups = _tied_values(graph)
    ranges = _observe(graph, samples, method, progress)
    quants = _activation_quants(graph, groups, ranges)
    return _rewrite(graph, quants)


def _refuse_unsupported(graph: Graph) -> None:
    known = (*_FIXED, *_SAME_CODES.__args__, *_OWN_RANGE.__args__)
    problems = [
        f"'{node.name}': {node.op.kind}" for node in graph.nodes if not isinstance(node.op, known)
    ]
    problems += [f"'{v}' is {graph.types[v]}" for v in graph.inputs if not _is_float(graph, v)]
    problems += [f"state '{s.before}'" for s in graph.states]
    if problems:
        raise UnsupportedError(f"{graph.name} cannot be quantised to int8:", problems)


def _is_float(graph: Graph, value: str) -> bool:
    return graph.types[value].dtype is DType.FLOAT32


def _tied_values(graph: Graph) -> dict[str, str]:
    """For each computed value the one whose quantisation it shares."""
    root: dict[str, str] = {}

    def find(value: str) -> str:
        while root.get(value, value) != value:
            value = root[value]
        return value

    for node in graph.nodes:
        if isinstance(node.op, _SAME_CODES):
            first = find(node.inputs[0])
            for value in (*node.inputs[1:], *node.outputs):
                root[find(value)] = first
    values = [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]
    return {v: find(v) for v in values}


def _observe(
    graph: Graph,
    samples: Sequence[Sequence[Array]],
    method: RangeMethod,
    progress: Progress | None,
) -> dict[str, Range]:
    """The range of every computed value over all samples."""
    rng = np.random.default_rng(0)
    seen: dict[str, list[Array]] = {}
    for index, sample in enumerate(samples):
        for value, array in trace(graph, sample).items():
            if value not in graph.constants:
                seen.setdefault(value, []).append(_thin(array.reshape(-1), method, rng))
        if progress is not None:
            progress(index + 1)
    return {value: find_range(np.concatenate(parts), method) for value, parts in seen.items()}


def _thin(values: Array, method: RangeMethod, rng: np.random.Generator) -> Array:
    if method == "minmax":
        return np.array([values.min(), values.max()])
    if values.size <= _KEPT_PER_SAMPLE:
        return values
    return rng.choice(values, _KEPT_PER_SAMPLE, replace=False)


def _activation_quants(
    graph: Graph, groups: Mapping[str, str], ranges: Mapping[str, Range]
) -> dict[str, Quant]:
    fixed = {n.outputs[0]: _FIXED[type(n.op)] for n in graph.nodes if type(n.op) in _FIXED}
    makers = {v for n in graph.nodes if not isinstance(n.op, _SAME_CODES) for v in n.outputs}
    merged: dict[str, Range] = {}
    for value, group in groups.items():
        # A value that only passes codes on has no range of its own: its source decides.
        if value in makers or value in graph.inputs:
            known = merged.get(group)
            merged[group] = ranges[value] if known is None else known.union(ranges[value])
    members = {g: [v for v in groups if groups[v] == g] for g in set(groups.values())}
    quants: dict[str, Quant] = {}
    for group, values in members.items():
        decided = [fixed[v] for v in values if v in fixed]
        alone = len([v for v in values if v in makers or v in graph.inputs]) == 1
        quant = decided[0] if decided and alone else merged[group].int8()
        quants.update(dict.fromkeys(values, quant))
    return quants


def _rewrite(graph: Graph, quants: Mapping[str, Quant]) -> Graph:
    types = {v: replace(graph.types[v], dtype=DType.INT8, quant=q) for v, q in quants.items()}
    constants: dict[str, Array] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node.op, _WEIGHTED):
            node = _rewrite_weighted(graph, node, types, constants)
        else:
            node = _rewrite_constants(graph, node, types, constants)
        if isinstance(node.op, Pad):
            node = replace(node, op=replace(node.op, value=types[node.inputs[0]].zero_point))
        nodes.append(node)
    return graph.with_nodes(nodes, types=types, constants=constants)


def _rewrite_constants(
    graph: Graph, node: Node, types: dict[str, TensorType], constants: dict[str, Array]
) -> Node:
    """Constant operands of arithmetic, quantised over their own range."""
    inputs: list[str] = []
    for value in node.inputs:
        if value in graph.constants:
            array = graph.constants[value]
            quant = find_range(array, "minmax").int8()
            if isinstance(node.op, Concat | Pack):
                quant = _quant_of(types[node.outputs[0]])
            types[value] = TensorType(array.shape, DType.INT8, quant)
            constants[value] = _codes(array, quant)
        inputs.append(value)
    return replace(node, inputs=tuple(inputs))


def _quant_of(kind: TensorType) -> Quant:
    return Quant.per_tensor(kind.scale, kind.zero_point)


def _codes(array: Array, quant: Quant) -> Array:
    codes = np.round(array / quant.scale[0]) + quant.zero_point[0]
    return np.clip(codes, -128, 127).astype(np.int8)


def _rewrite_weighted(
    graph: Graph, node: Node, types: dict[str, TensorType], constants: dict[str, Array]
) -> Node:
    x, weights_name, bias_name = node.inputs
    if weights_name not in graph.constants or bias_name not in graph.constants:
        raise UnsupportedError(f"'{node.name}': weights and bias must be constants")
    weights, bias = graph.constants[weights_name], graph.constants[bias_name]
    axis = 3 if isinstance(node.op, DepthwiseConv2D) else 0
    scales = weight_scales(weights, axis, bias, types[x].scale)
    names = f"{node.name}/weights_int8", f"{node.name}/bias_int32"
    shape = [1] * weights.ndim
    shape[axis] = -1
    codes = np.clip(np.round(weights / scales.reshape(shape)), -127, 127).astype(np.int8)
    bias_scales = (np.float32(types[x].scale) * scales.astype(np.float32)).astype(np.float64)
    zeros = (0,) * len(scales)
    types[names[0]] = TensorType(weights.shape, DType.INT8, Quant(_floats(scales), zeros, axis))
    types[names[1]] = TensorType(bias.shape, DType.INT32, Quant(_floats(bias_scales), zeros, 0))
    constants[names[0]] = codes
    constants[names[1]] = np.round(bias / bias_scales).astype(np.int32)
    return replace(node, inputs=(x, *names))


def weight_scales(weights: Array, axis: int, bias: Array, input_scale: float) -> Array:
    """One float32 scale (as float64) for each output channel: largest weight over 127.

    Larger where the bias would otherwise leave int32, or where a channel's weights are all zero.
    """
    others = tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.abs(weights).max(axis=others).astype(np.float64) / 127.0
    for_bias = np.abs(bias).astype(np.float64) / (input_scale * _INT32_LIMIT / 2)
    scales = np.maximum(largest, for_bias)
    return np.where(scales > 0, scales, 1.0).astype(np.float32).astype(np.float64)


def _floats(values: Iterable[np.floating]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
