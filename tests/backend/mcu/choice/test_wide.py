# SPDX-License-Identifier: MIT
"""Joins and cuts of any number of parts, exact in C too."""

from __future__ import annotations

import numpy as np
import pytest

from milliwatt.backend.mcu.choice.support import refuse_unsupported
from milliwatt.backend.mcu.choice.wide import MOST_PARTS, divide_wide
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.interpret import run
from milliwatt.ir.verify import verify
from milliwatt.ops.base import Op
from milliwatt.ops.shape import Concat, Pack, Split, Unpack
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.passes.graphs import int8

COUNTS = [17, 33, 300]


def join(op: Op, count: int, *shape: int) -> Graph:
    """`count` inputs joined by `op`."""
    inputs = tuple(f"x{i}" for i in range(count))
    (result,) = op.infer([int8(*shape)] * count)
    return Graph(
        name="join",
        nodes=(Node("y", op, inputs, ("y",)),),
        types={**dict.fromkeys(inputs, int8(*shape)), "y": int8(*result)},
        constants={},
        inputs=inputs,
        outputs=("y",),
    )


def cut(op: Op, *shape: int) -> Graph:
    """An input cut by `op`, an output for each part."""
    results = op.infer([int8(*shape)])
    outputs = tuple(f"y{i}" for i in range(len(results)))
    return Graph(
        name="cut",
        nodes=(Node("cut", op, ("x",), outputs),),
        types={"x": int8(*shape), **dict(zip(outputs, (int8(*r) for r in results), strict=True))},
        constants={},
        inputs=("x",),
        outputs=outputs,
    )


GRAPHS = [
    *(join(Concat(1), n, 2, 3) for n in COUNTS),
    *(join(Pack(axis), n, 2, 3) for n in COUNTS for axis in (0, 1, 2)),
    *(cut(Split(1, n), 2, 2 * n, 2) for n in COUNTS),
    *(cut(Unpack(1), 2, n, 2) for n in COUNTS),
]


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda g: f"{g.nodes[0].op}-{len(g.types)}")
def test_meaning_stays_and_nothing_is_wide(graph: Graph) -> None:
    after = divide_wide(graph)
    verify(after)
    assert max(max(len(n.inputs), len(n.outputs)) for n in after.nodes) <= MOST_PARTS
    (sample,) = random_samples(ports_of(graph), 1, seed=1)
    for wanted, got in zip(run(graph, sample).outputs, run(after, sample).outputs, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_what_is_not_wide_stays() -> None:
    narrow, view = join(Concat(1), MOST_PARTS, 2, 3), cut(Split(1, 40), 1, 40)
    assert divide_wide(narrow) == narrow
    assert divide_wide(view) == view


@pytest.mark.parametrize(
    "graph",
    [join(Concat(1), 37, 2, 3), join(Pack(1), 37, 2, 3), cut(Split(1, 37), 2, 74)],
    ids=lambda g: g.nodes[0].op.kind,
)
def test_the_core_agrees(graph: Graph) -> None:
    refuse_unsupported(graph)
    compiled = compile_graph(graph, load_target("nucleo-l4r5zi"), "wide")
    samples = random_samples(ports_of(graph), 2, seed=2)
    assert verify_compiled(compiled, build_compiled(compiled), samples).samples == 2


def test_a_state_in_many_parts() -> None:
    """A cut of a state is no view, whatever its axis."""
    graph = cut(Unpack(0), 20, 3)
    held = State("x", "x", np.arange(60, dtype=np.int8).reshape(20, 3))
    kept = Graph("kept", graph.nodes, graph.types, {}, (), graph.outputs, (held,))
    compiled = compile_graph(kept, load_target("nucleo-l4r5zi"), "kept")
    assert verify_compiled(compiled, build_compiled(compiled), [()]).samples == 1
