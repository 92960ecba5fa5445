# SPDX-License-Identifier: MIT
"""MLPerf Tiny's int8 networks, node by node, against LiteRT's reference kernels.

Each node gets LiteRT's own inputs to it. All are equal, value for value, but for the fully
connected layer: LiteRT rounds once where TFLM, and so milliwatt, rounds twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from milliwatt.frontend.tflite.importer import Imported, import_model
from milliwatt.frontend.tflite.reader import read_model
from milliwatt.ir.graph import Node
from milliwatt.ir.types import Array
from milliwatt.ops.dense import FullyConnected
from tests.models.samples import SAMPLES
from tests.oracles import litert
from tests.support import shared_file

pytestmark = pytest.mark.oracle

RANDOM_CALLS = 4
REAL_CALLS = 12


@dataclass
class Differences:
    """How many values each kind of operator gave, and how many of them differ by how much."""

    values: Counter[str] = field(default_factory=Counter)
    differ: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, kind: str, ours: Array, theirs: Array) -> None:
        steps = np.abs(ours.astype(np.int64) - theirs.astype(np.int64))
        self.values[kind] += ours.size
        for step in np.unique(steps[steps > 0]):
            self.differ[kind, int(step)] += int((steps == step).sum())


def random_inputs(imported: Imported) -> list[list[Array]]:
    """Inputs over the whole range of their types."""
    rng = np.random.default_rng(31)
    kinds = [imported.graph.types[name] for name in imported.graph.inputs]
    return [
        [
            rng.integers(*k.dtype.integer_range, k.shape, endpoint=True).astype(k.dtype.numpy)
            for k in kinds
        ]
        for _ in range(RANDOM_CALLS)
    ]


def real_inputs(file: str, imported: Imported) -> list[list[Array]]:
    """Recorded samples as the network takes them; none where there are none of its kind."""
    (name,) = imported.graph.inputs
    if file not in SAMPLES:
        return []
    return [[sample] for sample in SAMPLES[file](imported.graph.types[name])[:REAL_CALLS]]


def compare(file: str) -> Differences:
    """Every node of the network on random and real inputs."""
    data = shared_file("models", "mlperf_tiny", f"{file}.tflite").read_bytes()
    imported = import_model(read_model(data), "network")
    tensors = {name: index for index, name in imported.values.items()}
    found = Differences()
    for inputs in [*random_inputs(imported), *real_inputs(file, imported)]:
        theirs = litert.litert_tensors(data, inputs)
        known = dict(imported.graph.constants)
        known |= {name: theirs[index] for name, index in tensors.items() if index in theirs}
        for node in imported.graph.nodes:
            evaluate(imported, node, known, tensors, found)
    return found


def evaluate(
    imported: Imported,
    node: Node,
    known: dict[str, Array],
    tensors: dict[str, int],
    found: Differences,
) -> None:
    """One node on LiteRT's values; what LiteRT has no tensor for goes on as ours."""
    graph = imported.graph
    kinds = graph.input_types(node), graph.output_types(node)
    values = [known[v].reshape(k.shape) for v, k in zip(node.inputs, kinds[0], strict=True)]
    for name, ours in zip(node.outputs, node.op.reference(values, *kinds), strict=True):
        if name in tensors:
            found.add(node.op.kind, ours, known[name].reshape(ours.shape))
        else:
            known[name] = ours


FULLY_CONNECTED = {
    "ad01_int8": (43, 6688),
    "ic_resnet8_int8": (1, 40),
    "ic_resnet_large_int8": (0, 40),
    "kws_dscnn_int8": (2, 192),
    "sww_int8": (0, 48),
    "vww_mobilenetv1_025_96_int8": (0, 32),
}
"""Of each network's fully connected values, how many are one step from LiteRT's, of how many."""


@pytest.mark.parametrize("file", FULLY_CONNECTED)
def test_each_node_equals_litert(file: str) -> None:
    found = compare(file)
    kind = FullyConnected.__name__
    differ, of = FULLY_CONNECTED[file]
    assert found.differ == ({(kind, 1): differ} if differ else {})
    assert found.values[kind] == of
    assert found.values["Conv2D"] > 30_000 or file == "ad01_int8"
