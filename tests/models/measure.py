# SPDX-License-Identifier: MIT
"""One published .tflite file: does it import, and does every layer equal the oracle's?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from milliwatt.errors import UnsupportedError
from milliwatt.frontend.tflite.importer import Imported, import_model
from milliwatt.frontend.tflite.reader import read_model
from milliwatt.frontend.tflite.records import ModelRecord
from milliwatt.frontend.uint8 import signed_values
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array, DType
from milliwatt.ir.verify import verify
from milliwatt.ops.quantize import Dequantize
from tests.models.oracle_files import without_computed_fill
from tests.oracles import litert
from tests.oracles.tflm import Tflm

CALLS = 4
"""Calls that each network is compared over, its states going on from one to the next."""

FLOAT_BOUND = 1e-4
"""How far a float value may be from the oracle's, relative to the tensor's largest value."""

ARENA_BYTES = 1 << 25


@dataclass(frozen=True)
class Row:
    """What the table says of one file."""

    file: str
    operators: str
    types: str
    imported: str
    equal: str

    def markdown(self, on_core: str) -> str:
        cells = (self.file, self.imported, self.types, self.equal, on_core, self.operators)
        return f"| {' | '.join(cells)} |"


class Oracle(Protocol):
    """Another interpreter, made for one file."""

    name: str

    def invoke(self, inputs: Sequence[Array]) -> None: ...

    def tensor(self, index: int) -> Array: ...


def measure(path: Path, root: Path) -> Row:
    """Import the file, run it on random inputs beside its oracle, and say how it went."""
    data = path.read_bytes()
    record = read_model(data)
    file, operators = path.relative_to(root).as_posix(), _operators(record)
    try:
        imported = import_model(record, "network")
    except UnsupportedError as error:
        return Row(file, operators, "", f"no: {_reasons(error)}", "")
    verify(imported.graph)
    return Row(file, operators, describe_types(imported.graph), "yes", _comparison(imported, data))


def _operators(record: ModelRecord) -> str:
    kinds = Counter(
        o.custom if o.is_custom else o.kind for g in record.subgraphs for o in g.operators
    )
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _reasons(error: UnsupportedError) -> str:
    """Each reason once, in order, and how many operators it concerns."""
    reasons = Counter(problem.split(": ", 1)[1] for problem in error.problems)
    return "; ".join(
        f"{reason} ({count} operator{'s' if count > 1 else ''})"
        for reason, count in reasons.items()
    )


def describe_types(graph: Graph) -> str:
    """Element types of what is computed, and of weights."""
    computed = {graph.types[v].dtype.value for n in graph.nodes for v in n.outputs}
    weights: set[str] = set()
    for node in graph.nodes:
        if len(node.inputs) > 2 and node.inputs[1] in graph.constants:
            value = graph.types[node.inputs[1]]
            per_channel = value.quant is not None and value.quant.axis is not None
            weights.add(value.dtype.value + (" per channel" if per_channel else ""))
    text = ", ".join(sorted(computed))
    return f"{text}; weights {', '.join(sorted(weights))}" if weights else text


def _comparison(imported: Imported, data: bytes) -> str:
    graph, oracle = imported.graph, _oracle(imported.graph, data)
    layers = {
        i: v
        for i, v in imported.values.items()
        if v not in graph.constants and v not in graph.inputs
    }
    rng = np.random.default_rng(20)
    bound = FLOAT_BOUND if _computes_floats(graph) else 0.0
    states = None
    for call in range(CALLS):
        inputs = [_random(graph, name, rng) for name in graph.inputs]
        values = trace(graph, inputs, states)
        states = {s.before: values[s.after] for s in graph.states}
        oracle.invoke(inputs)
        for index, name in layers.items():
            theirs = oracle.tensor(index).reshape(values[name].shape)
            _compare(f"call {call}, '{name}'", values[name], theirs, bound)
    what = f"float within {bound:g}" if bound else "equal"
    return f"{what}: {len(layers)} layers, {oracle.name}"


def _computes_floats(graph: Graph) -> bool:
    """Whether some operator rounds floats; dequantising does it exactly."""
    return any(
        graph.types[v].dtype.is_float and not isinstance(n.op, Dequantize)
        for n in graph.nodes
        for v in n.outputs
    )


def _compare(where: str, ours: Array, theirs: Array, bound: float) -> None:
    """Fail where integers are not equal, or floats not within `bound` of the largest value."""
    if ours.dtype == np.int8:
        theirs = signed_values(theirs)
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max()
    allowed = bound * max(1.0, float(np.abs(theirs).max())) if ours.dtype == np.float32 else 0
    if not difference <= allowed:
        pytest.fail(f"{where} differs from the oracle by {difference}; allowed {allowed}")


def _random(graph: Graph, name: str, rng: np.random.Generator) -> Array:
    """Any value of the type for integers; for floats what the networks here were trained on."""
    kind = graph.types[name]
    if kind.dtype.is_float:
        return rng.uniform(-4, 4, kind.shape).astype(np.float32)
    low, high = kind.dtype.integer_range
    return rng.integers(low, high, kind.shape, endpoint=True).astype(kind.dtype.numpy)


def _oracle(graph: Graph, data: bytes) -> Oracle:
    # TFLM has no uint8 convolution any more.
    if all(graph.types[v].dtype is DType.UINT8 for v in graph.inputs):
        return _Litert(data)
    return _Tflm(data)


class _Tflm:
    name = "TFLM"

    def __init__(self, data: bytes) -> None:
        file = without_computed_fill(data)
        self._tflm = Tflm(file, keep_all=True, arena_bytes=ARENA_BYTES)

    def invoke(self, inputs: Sequence[Array]) -> None:
        self._tflm.invoke(inputs)

    def tensor(self, index: int) -> Array:
        return self._tflm.tensor(index)


class _Litert:
    name = "LiteRT"

    def __init__(self, data: bytes) -> None:
        self._litert = litert.interpreter(data)

    def invoke(self, inputs: Sequence[Array]) -> None:
        litert.invoke(self._litert, inputs)

    def tensor(self, index: int) -> Array:
        return np.array(self._litert.get_tensor(index))
