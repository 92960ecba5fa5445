# SPDX-License-Identifier: MIT
"""A float graph to an int8 graph, with ranges found on sample inputs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import DataError, UnsupportedError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array, Quant
from milliwatt.ir.verify import verify
from milliwatt.ops.activation import LeakyRelu, Relu
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.ops.resize import ResizeBilinear, ResizeNearest
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack
from milliwatt.quant.ranges import Range, RangeMethod, find_range
from milliwatt.quant.to_int8 import FIXED_OUTPUTS, WEIGHTED, to_int8

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
    | ResizeBilinear
)
"""Operators whose operands and results share one quantisation."""
_OWN_RANGE = WEIGHTED | Add | Sub | Mul | Mean | Relu | LeakyRelu
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
    the number of samples seen. Raises UnsupportedError listing everything that has no int8 form
    here, DataError without samples.
    """
    _refuse_unsupported(graph)
    if not samples:
        raise DataError("calibration needs at least one sample")
    ranges = _observe(graph, samples, method, progress)
    quants: dict[str, Quant] = {}
    for group in _tied_groups(graph):
        quants.update(dict.fromkeys(group.values, _quant_of(group, ranges)))
    quantised = to_int8(graph, quants)
    verify(quantised)
    return quantised


def _refuse_unsupported(graph: Graph) -> None:
    problems = [f"'{v}' is {graph.types[v]}" for v in graph.inputs if not _is_float(graph, v)]
    problems += [f"state '{s.before}'" for s in graph.states]
    problems += [f"output '{v}' is a constant" for v in graph.outputs if v in graph.constants]
    problems += [problem for node in graph.nodes for problem in _node_problems(graph, node)]
    if problems:
        raise UnsupportedError(f"{graph.name} cannot be quantised to int8:", problems)


def _node_problems(graph: Graph, node: Node) -> Iterator[str]:
    known = (*FIXED_OUTPUTS, *_SAME_CODES.__args__, *_OWN_RANGE.__args__)
    if not isinstance(node.op, known):
        yield f"'{node.name}': {node.op.kind}"
    elif isinstance(node.op, WEIGHTED) and not set(node.inputs[1:]) <= set(graph.constants):
        yield f"'{node.name}': weights and bias must be constants"
    elif isinstance(node.op, Pad) and not math.isfinite(node.op.value):
        yield f"'{node.name}': {node.op.kind} with {node.op.value}"


def _is_float(graph: Graph, value: str) -> bool:
    return graph.types[value].dtype.is_float


@dataclass(frozen=True, slots=True)
class _Group:
    """Values that share one quantisation, and what decides it.

    `sources` are the values that are computed and not only passed on, or given; `fixed` the
    quantisations that the operators of some of them prescribe; `known` ranges of what else must
    have a code: constants joined to them, borders.
    """

    values: tuple[str, ...]
    sources: tuple[str, ...]
    fixed: tuple[Quant, ...]
    known: tuple[Range, ...]


def _tied_groups(graph: Graph) -> list[_Group]:
    """Every computed value and input in exactly one group."""
    root = _roots(graph)
    values: dict[str, list[str]] = defaultdict(list)
    sources: dict[str, list[str]] = defaultdict(list)
    fixed: dict[str, list[Quant]] = defaultdict(list)
    known: dict[str, list[Range]] = defaultdict(list)
    for value in graph.inputs:
        values[root(value)].append(value)
        sources[root(value)].append(value)
    for node in graph.nodes:
        group = root(node.outputs[0])
        values[group] += node.outputs
        if isinstance(node.op, _SAME_CODES):
            known[group] += _known_ranges(graph, node)
        else:
            sources[group] += node.outputs
        if type(node.op) in FIXED_OUTPUTS:
            fixed[group].append(FIXED_OUTPUTS[type(node.op)])
    return [
        _Group(tuple(values[g]), tuple(sources[g]), tuple(fixed[g]), tuple(known[g]))
        for g in values
    ]


def _roots(graph: Graph) -> Callable[[str], str]:
    """For each value one that stands for its group."""
    parent: dict[str, str] = {}

    def find(value: str) -> str:
        while value in parent:
            value = parent[value]
        return value

    for node in graph.nodes:
        if isinstance(node.op, _SAME_CODES):
            tied = [v for v in (*node.inputs, *node.outputs) if v not in graph.constants]
            for value in tied[1:]:
                if find(value) != find(tied[0]):
                    parent[find(value)] = find(tied[0])
    return find


def _known_ranges(graph: Graph, node: Node) -> Iterator[Range]:
    for value in node.inputs:
        if value in graph.constants:
            yield find_range(graph.constants[value], "minmax")
    if isinstance(node.op, Pad):
        yield find_range(np.array([node.op.value]), "minmax")


def _quant_of(group: _Group, ranges: Mapping[str, Range]) -> Quant:
    """What the operators prescribe where they agree and nothing else joins in, else the range."""
    only_fixed = len(group.fixed) == len(group.sources) and all(k.is_zero for k in group.known)
    if only_fixed and len(set(group.fixed)) == 1:
        return group.fixed[0]
    parts = [*(ranges[v] for v in group.sources), *group.known]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.union(part)
    return merged.int8()


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
