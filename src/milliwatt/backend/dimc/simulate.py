# SPDX-License-Identifier: MIT
"""Run a placed graph through tiles, chains and partial sums; equal to the reference, bit by bit.

The tiles multiply what is stored: weight slices read back from the rows' bits, activation slices
as fed. What is not in the tiles is done where the machine does it: shifting and adding slices
after the chain, the input's zero point inside the bias, requantisation at the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from milliwatt.backend.dimc.linear import run_linear
from milliwatt.backend.dimc.placement import Placement
from milliwatt.errors import DataError, OptionError, UnsupportedError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array

_CHUNK_BYTES = 1 << 24


def simulate(placement: Placement, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """The graph's outputs for one input each, as `ir.interpret.run` gives them.

    An AccumulatorError names the tile whose partial sum is too wide for the machine; a DataError
    the value that its precision cannot hold.
    """
    outputs = simulate_batch(placement, [np.asarray(value)[None] for value in inputs])
    return tuple(value[0] for value in outputs)


def simulate_batch(placement: Placement, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """`simulate` for many samples: inputs [samples, *shape] to outputs [samples, *shape]."""
    graph = _graph(placement)
    samples = _check(graph, inputs)
    widest = max(t.elements for t in graph.types.values())
    step = max(1, _CHUNK_BYTES // (4 * widest))
    parts = [
        _run(placement, graph, [value[i : i + step] for value in inputs])
        for i in range(0, samples, step)
    ]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _run(placement: Placement, graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    values = dict(zip(graph.inputs, inputs, strict=True))
    placed = {item.layer.name: item for item in placement.layers}
    for node in graph.nodes:
        item = placed.get(node.outputs[0])
        if item is not None:
            x = values[node.inputs[0]]
            values[node.outputs[0]] = run_linear(placement.machine, graph, node, item, x)
        else:
            values.update(_on_host(graph, node, values))
    samples = inputs[0].shape[0]
    return [
        values[v] if v in values else np.broadcast_to(c, (samples, *c.shape))
        for v in graph.outputs
        for c in (graph.constants.get(v, np.zeros(0)),)
    ]


def _on_host(graph: Graph, node: Node, values: dict[str, Array]) -> Iterator[tuple[str, Array]]:
    """The node's reference, sample by sample."""
    computed = [v for v in node.inputs if v in values]
    samples = values[computed[0]].shape[0] if computed else 1
    results: list[tuple[Array, ...]] = []
    for i in range(samples):
        operands = [values[v][i] if v in values else graph.constants[v] for v in node.inputs]
        results.append(
            node.op.reference(operands, graph.input_types(node), graph.output_types(node))
        )
    for index, name in enumerate(node.outputs):
        yield name, np.stack([result[index] for result in results])


def _graph(placement: Placement) -> Graph:
    if placement.graph is None:
        raise OptionError(
            f"'{placement.network}' is a list of layers without weights; only a graph can be run"
        )
    if placement.graph.states:
        raise UnsupportedError(
            f"model '{placement.network}' keeps states between calls, which this simulator does not"
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
