# SPDX-License-Identifier: MIT
"""Joins and cuts of more parts than a kernel takes, as several of fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from milliwatt.backend.mcu.values.views import is_view
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Shape, TensorType
from milliwatt.ops.shape import Concat, Pack, Slice, Split, Unpack
from milliwatt.passes.rewrite import unused_name

MOST_PARTS = 16
"""As many operands as the kernels that join take, and as many results as those that cut give."""


def divide_wide(graph: Graph) -> Graph:
    """`graph` with at most MOST_PARTS operands at each Concat and Pack, and results at each Split
    and Unpack that is no view.

    Parts are joined in groups, and the groups in turn; a tensor is sliced, and the slices cut. The
    most memory alive at once stays as it was.
    """
    while (wide := next((n for n in graph.nodes if _is_wide(graph, n)), None)) is not None:
        join = isinstance(wide.op, Concat | Pack)
        nodes, types = _joined(graph, wide) if join else _cut(graph, wide)
        graph = graph.with_nodes(
            [new for node in graph.nodes for new in (nodes if node is wide else [node])],
            types={**graph.types, **types},
        )
    return graph


def _is_wide(graph: Graph, node: Node) -> bool:
    match node.op:
        case Concat() | Pack():
            return len(node.inputs) > MOST_PARTS
        case Split() | Unpack():
            return len(node.outputs) > MOST_PARTS and not is_view(graph, node)
        case _:
            return False


def _groups(values: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(values[i : i + MOST_PARTS]) for i in range(0, len(values), MOST_PARTS)]


def _joined(graph: Graph, node: Node) -> tuple[list[Node], dict[str, TensorType]]:
    axis = node.op.axis if isinstance(node.op, Concat | Pack) else 0
    (output,) = node.outputs
    nodes: list[Node] = []
    types: dict[str, TensorType] = {}
    for index, group in enumerate(_groups(node.inputs)):
        name = unused_name(graph, f"{output}/part_{index}")
        extent = (
            len(group)
            if isinstance(node.op, Pack)
            else sum(graph.types[v].shape[axis] for v in group)
        )
        types[name] = _resized(graph.types[output], axis, extent)
        nodes.append(Node(f"{node.name}/part_{index}", node.op, group, (name,)))
    return [*nodes, replace(node, op=Concat(axis), inputs=tuple(types))], types


def _cut(graph: Graph, node: Node) -> tuple[list[Node], dict[str, TensorType]]:
    (source,) = node.inputs
    kind = graph.types[source]
    op = node.op
    axis = op.axis if isinstance(op, Split | Unpack) else 0
    step = kind.shape[axis] // len(node.outputs)
    nodes: list[Node] = []
    types: dict[str, TensorType] = {}
    for index, group in enumerate(_groups(node.outputs)):
        name = unused_name(graph, f"{source}/slice_{index}")
        types[name] = _resized(kind, axis, len(group) * step)
        begin = _with(tuple(0 for _ in kind.shape), axis, index * MOST_PARTS * step)
        part = Slice(begin, types[name].shape, tuple(1 for _ in kind.shape))
        nodes.append(Node(f"{node.name}/slice_{index}", part, (source,), (name,)))
        cut = Split(axis, len(group)) if isinstance(op, Split) else op
        nodes.append(Node(f"{node.name}/part_{index}", cut, (name,), group))
    return nodes, types


def _resized(kind: TensorType, axis: int, extent: int) -> TensorType:
    return replace(kind, shape=_with(kind.shape, axis, extent))


def _with(shape: Shape, axis: int, extent: int) -> Shape:
    return (*shape[:axis], extent, *shape[axis + 1 :])
