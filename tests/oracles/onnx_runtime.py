# SPDX-License-Identifier: MIT
"""ONNX Runtime without its optimisations: the oracle of imported ONNX files.

A layer is what computes one QuantizeLinear's integers. Each is compared twice: within the whole
network, where one step of difference goes on into the layers behind it, and alone, on the
oracle's own integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from milliwatt.frontend.onnx.importer import Imported, import_model
from milliwatt.frontend.onnx.reader import read_model
from milliwatt.frontend.onnx.values import TO_CHANNELS_LAST, Value
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array
from milliwatt.ir.verify import verify

Feeds = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far integers are from the oracle's, in steps."""

    largest: int
    differing: int
    elements: int

    def __add__(self, other: Difference) -> Difference:
        return Difference(
            max(self.largest, other.largest),
            self.differing + other.differing,
            self.elements + other.elements,
        )


NOTHING = Difference(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run beside the oracle: integers alone and within the network, and the outputs."""

    alone: dict[str, Difference]
    within: dict[str, Difference]
    ours: tuple[Array, ...]
    theirs: tuple[Array, ...]


class Beside:
    """A file imported, and the same file in ONNX Runtime with every QuantizeLinear's output."""

    def __init__(self, data: bytes) -> None:
        self.imported: Imported = import_model(read_model(data), "network")
        verify(self.imported.graph)
        self._session, self._quantised, self._outputs = _session(data)

    def feeds(self, make: Any) -> dict[str, Array]:
        """An array for each input, in the file's own order, by `make(name, shape, type)`."""
        return {
            i.name: make(i.name, [d if isinstance(d, int) else 1 for d in i.shape], i.type)
            for i in self._session.get_inputs()
        }

    def inputs(self, feeds: Feeds) -> list[Array]:
        """The same arrays as the graph takes them."""
        values = self.imported.values
        return [_laid_out(feeds[i.name], values[i.name]) for i in self._session.get_inputs()]

    def compare(self, feeds: Feeds) -> Comparison:
        """Run both."""
        graph, values = self.imported.graph, self.imported.values
        results = dict(
            zip(
                [o.name for o in self._session.get_outputs()],
                self._session.run(None, dict(feeds)),
                strict=True,
            )
        )
        theirs = {
            values[name].name: _as_held(results[name], values[name])
            for name in self._quantised
            if name in values
        }
        inputs = self.inputs(feeds)
        held = trace(graph, inputs)
        within = {name: _difference(held[name], array) for name, array in theirs.items()}
        alone = self._alone(inputs, theirs)
        outputs = tuple(held[name] for name in graph.outputs)
        expected = tuple(_laid_out(results[name], values[name]) for name in self._outputs)
        return Comparison(alone, within, outputs, expected)

    def _alone(self, inputs: Sequence[Array], theirs: Feeds) -> dict[str, Difference]:
        graph = self.imported.graph
        values = {**graph.constants, **dict(zip(graph.inputs, inputs, strict=True))}
        alone: dict[str, Difference] = {}
        for node in graph.nodes:
            operands = [values[v] for v in node.inputs]
            types = graph.input_types(node), graph.output_types(node)
            results = node.op.reference(operands, *types)
            for name, result in zip(node.outputs, results, strict=True):
                values[name] = result
                if name in theirs:
                    alone[name] = _difference(result, theirs[name])
                    values[name] = theirs[name].astype(result.dtype)
        return alone


def _session(data: bytes) -> tuple[Any, list[str], list[str]]:
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    model = onnx.ModelProto.FromString(data)
    outputs = [o.name for o in model.graph.output]
    constants = {t.name for t in model.graph.initializer}
    constants |= {n.output[0] for n in model.graph.node if n.op_type == "Constant"}
    quantised = [
        n.output[0]
        for n in model.graph.node
        if n.op_type == "QuantizeLinear" and n.input[0] not in constants
    ]
    for name in quantised:
        if name not in outputs:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session, quantised, outputs


def _as_held(array: Array, value: Value) -> Array:
    """The oracle's integers in the layout and with the sign in which the graph holds them."""
    return _laid_out(array, value).astype(np.int64) - (128 if value.unsigned else 0)


def _laid_out(array: Array, value: Value) -> Array:
    """An array of the file's order of dimensions in the graph's."""
    moved = array.transpose(TO_CHANNELS_LAST[array.ndim]) if value.channels_last else array
    return np.ascontiguousarray(moved)


def _difference(ours: Array, theirs: Array) -> Difference:
    steps = np.abs(ours.astype(np.int64) - theirs.astype(np.int64))
    return Difference(int(steps.max(initial=0)), int((steps > 0).sum()), steps.size)
