# SPDX-License-Identifier: MIT
"""Running a graph by its operators' references: what the network means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import DataError, VerifyError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, TensorType


@dataclass(frozen=True, slots=True)
class Result:
    """One call's outputs, in the graph's order, and its states, to be given to the next call."""

    outputs: tuple[Array, ...]
    states: dict[str, Array]


def run(graph: Graph, inputs: Sequence[Array], states: Mapping[str, Array] | None = None) -> Result:
    """The graph's outputs for these inputs.

    `states` is the last call's `Result.states`; None is the first call, or one after a reset. A
    DataError where inputs or states do not have the graph's shapes and element types.
    """
    values = _given(graph, inputs, states)
    last_reader = {v: i for i, node in enumerate(graph.nodes) for v in node.inputs}
    kept = graph.kept_values()
    for index, node in enumerate(graph.nodes):
        values.update(_evaluate(graph, node, values))
        for value in dict.fromkeys((*node.inputs, *node.outputs)):
            if last_reader.get(value, index) == index and value not in kept:
                values.pop(value, None)
    return Result(
        tuple(np.array(values[v]) for v in graph.outputs),
        {s.before: np.array(values[s.after]) for s in graph.states},
    )


def trace(
    graph: Graph, inputs: Sequence[Array], states: Mapping[str, Array] | None = None
) -> dict[str, Array]:
    """Every value of the graph, by name, for these inputs (see `run`)."""
    values = _given(graph, inputs, states)
    for node in graph.nodes:
        values.update(_evaluate(graph, node, values))
    return values


def _given(
    graph: Graph, inputs: Sequence[Array], states: Mapping[str, Array] | None
) -> dict[str, Array]:
    """The values that no node computes."""
    if len(inputs) != len(graph.inputs):
        raise DataError(
            f"model '{graph.name}' takes {len(graph.inputs)} inputs "
            f"({', '.join(_described(graph))}), not {len(inputs)}"
        )
    values = dict(graph.constants)
    for index, (name, value) in enumerate(zip(graph.inputs, inputs, strict=True)):
        _expect(f"input {index} ('{name}') of model '{graph.name}'", value, graph.types[name])
        values[name] = value
    values.update(_initial_states(graph) if states is None else _checked_states(graph, states))
    return values


def _described(graph: Graph) -> Iterator[str]:
    for name in graph.inputs:
        yield f"'{name}': {graph.types[name]}"


def _initial_states(graph: Graph) -> dict[str, Array]:
    return {s.before: s.initial for s in graph.states}


def _checked_states(graph: Graph, states: Mapping[str, Array]) -> dict[str, Array]:
    names = [s.before for s in graph.states]
    if set(states) != set(names):
        raise DataError(
            f"model '{graph.name}' keeps the states {sorted(names)}; given: {sorted(states)}"
        )
    for name in names:
        _expect(f"state '{name}' of model '{graph.name}'", states[name], graph.types[name])
    return dict(states)


def _expect(what: str, value: Array, kind: TensorType) -> None:
    shape, dtype = tuple(value.shape), value.dtype
    if shape != kind.shape or dtype != kind.dtype.numpy:
        given = f"{dtype}[{','.join(map(str, shape))}]"
        raise DataError(f"{what} is {given}; it must be {kind}")


def _evaluate(graph: Graph, node: Node, values: Mapping[str, Array]) -> dict[str, Array]:
    operands = [values[v] for v in node.inputs]
    types = graph.output_types(node)
    with np.errstate(all="ignore"):  # float operators overflow to infinity, as the core's do
        results = node.op.reference(operands, graph.input_types(node), types)
    for name, result, kind in zip(node.outputs, results, types, strict=True):
        if result.shape != kind.shape or result.dtype != kind.dtype.numpy:
            raise VerifyError(
                f"node '{node.name}' ({node.op.kind}) gave {result.dtype}{list(result.shape)} for "
                f"'{name}', typed {kind}"
            )
    return dict(zip(node.outputs, results, strict=True))
