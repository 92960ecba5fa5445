# SPDX-License-Identifier: MIT
"""Run a placed graph through tiles, chains and partial sums; equal to the reference, bit by bit.

The tiles multiply what is stored: weight slices read back from the rows' bits, activation slices
as fed. What is not in the tiles is done where the machine does it: shifting and adding slices
after the chain, the input's zero point inside the bias, requantisation at the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from milliwatt.backend.dimc.extract import Product, gate_names, graph_products, is_linear
from milliwatt.backend.dimc.linear import run_linear, tile_product
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.errors import DataError, OptionError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.interpret import Result
from milliwatt.ir.types import Array
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm

_CHUNK_BYTES = 1 << 24


def simulate(
    placement: Placement, inputs: Sequence[Array], states: Mapping[str, Array] | None = None
) -> Result:
    """What `ir.interpret.run` gives for one input each and the last call's states.

    An AccumulatorError names the tile whose partial sum is too wide for the machine; a DataError
    the value that its precision cannot hold, or the states where they are not the graph's.
    """
    graph = _graph(placement)
    given = [np.asarray(value)[None] for value in inputs]
    _check(graph, given)
    before = _initial(graph)
    if states is not None and set(states) != set(before):
        raise DataError(
            f"model '{graph.name}' keeps the states {sorted(before)}; given: {sorted(states)}"
        )
    values = _Run(placement, graph).values(given, before if states is None else states)
    return Result(
        tuple(values[v][0] for v in graph.outputs),
        {s.before: values[s.after][0] for s in graph.states},
    )


def simulate_batch(placement: Placement, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """Outputs [samples, *shape] for inputs [samples, *shape]; every sample is a first call."""
    graph = _graph(placement)
    samples = _check(graph, inputs)
    widest = max(t.elements for t in graph.types.values())
    step = max(1, _CHUNK_BYTES // (4 * widest))
    run, initial = _Run(placement, graph), _initial(graph)
    parts: list[list[Array]] = []
    for i in range(0, samples, step):
        values = run.values([value[i : i + step] for value in inputs], initial)
        parts.append([values[v] for v in graph.outputs])
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


class _Run:
    """A placed graph, and the matrices that its tiles hold."""

    def __init__(self, placement: Placement, graph: Graph) -> None:
        self._machine = placement.machine
        self._graph = graph
        self._placed: dict[str, PlacedLayer] = {i.layer.name: i for i in placement.layers}
        self._products: dict[str, Product] = graph_products(graph)

    def values(self, inputs: Sequence[Array], states: Mapping[str, Array]) -> dict[str, Array]:
        """Inputs, states and every computed value, [samples, *shape]; constants repeated."""
        graph, samples = self._graph, inputs[0].shape[0]
        values = dict(zip(graph.inputs, inputs, strict=True))
        for name, value in (*graph.constants.items(), *states.items()):
            values[name] = np.broadcast_to(value, (samples, *value.shape))
        for node in graph.nodes:
            if is_linear(node):
                (name,) = node.outputs
                product = self._products[name]
                values[name] = run_linear(
                    self._machine, graph, product, self._placed[name], values[product.source]
                )
            else:
                values.update(self._one_by_one(node, values))
        return values

    def _one_by_one(self, node: Node, values: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """The node sample by sample: by its reference, its products through the tiles."""
        columns = [values[v] for v in node.inputs]
        results = [self._evaluate(node, operands) for operands in zip(*columns, strict=True)]
        for index, name in enumerate(node.outputs):
            yield name, np.stack([result[index] for result in results])

    def _evaluate(self, node: Node, operands: Sequence[Array]) -> tuple[Array, ...]:
        inputs, outputs = self._graph.input_types(node), self._graph.output_types(node)
        match node.op:
            case Svdf() as op:
                names = (node.outputs[0],)
            case UnidirectionalLstm() as op:
                names = gate_names(node)
            case _:
                with np.errstate(all="ignore"):
                    return node.op.reference(operands, inputs, outputs)
        types = [self._graph.types[self._products[name].source] for name in names]
        products = [
            tile_product(self._machine, self._placed[name], kind)
            for name, kind in zip(names, types, strict=True)
        ]
        return op.integer_reference(operands, inputs, outputs, products)


def _initial(graph: Graph) -> dict[str, Array]:
    return {s.before: s.initial for s in graph.states}


def _graph(placement: Placement) -> Graph:
    if placement.graph is None:
        raise OptionError(
            f"'{placement.network}' is a list of layers without weights; only a graph can be run"
        )
    return placement.graph


def _check(graph: Graph, inputs: Sequence[Array]) -> int:
    """Raise a DataError unless the inputs are the graph's, with one number of samples."""
    if len(inputs) != len(graph.inputs):
        raise DataError(f"model '{graph.name}' takes {len(graph.inputs)} inputs, not {len(inputs)}")
    for name, value in zip(graph.inputs, inputs, strict=True):
        kind = graph.types[name]
        if value.shape[1:] != kind.shape or value.dtype != kind.dtype.numpy:
            raise DataError(
                f"input '{name}' of model '{graph.name}' is {value.dtype}{list(value.shape[1:])} "
                f"a sample; it must be {kind}"
            )
    counts = {value.shape[0] for value in inputs}
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"inputs of model '{graph.name}' have {sorted(counts)} samples")
    return counts.pop()
