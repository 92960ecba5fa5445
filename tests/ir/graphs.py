# SPDX-License-Identifier: MIT
"""Small graphs for the tests of the graph itself."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Activation
from milliwatt.ops.registry import OPERATORS
from milliwatt.ops.shape import Concat, Slice, Split
from tests.ops.draws import FAMILIES

QUANT = Quant.per_tensor(0.5, 0)
PAIR = TensorType((1, 2), DType.INT8, QUANT)
QUAD = TensorType((1, 4), DType.INT8, QUANT)


def split_and_add() -> Graph:
    """x[1,4] cut in two, the halves added, a constant added."""
    return Graph(
        name="split_and_add",
        nodes=(
            Node("cut", Split(1, 2), ("x",), ("left", "right")),
            Node("sum", Add(Activation.NONE), ("left", "right"), ("total",)),
            Node("shift", Add(Activation.RELU), ("total", "c"), ("y",)),
        ),
        types={"x": QUAD, "left": PAIR, "right": PAIR, "total": PAIR, "c": PAIR, "y": PAIR},
        constants={"c": np.array([[10, -20]], np.int8)},
        inputs=("x",),
        outputs=("y",),
    )


def streaming() -> Graph:
    """A window over the last four elements of a stream that comes two at a time."""
    six = TensorType((1, 6), DType.INT8, QUANT)
    return Graph(
        name="streaming",
        nodes=(
            Node("join", Concat(1), ("before", "x"), ("all",)),
            Node("drop", Slice((0, 2), (1, 4), (1, 1)), ("all",), ("after",)),
        ),
        types={"x": PAIR, "before": QUAD, "all": six, "after": QUAD},
        constants={},
        inputs=("x",),
        outputs=("after",),
        states=(State("before", "after", np.array([[1, 2, 3, 4]], np.int8)),),
    )


def drawn(seed: int) -> Graph:
    """A random application of a random operator, with names that need quoting, as a graph."""
    rng = np.random.default_rng(seed)
    family = sorted(FAMILIES)[int(rng.integers(len(FAMILIES)))]
    make, dtypes = FAMILIES[family]
    made = make(dtypes[int(rng.integers(len(dtypes)))], rng)
    assert made.op.kind in OPERATORS
    inputs = [f'in/{i};é "quoted"' for i in range(len(made.inputs))]
    outputs = [f"out_{i}" for i in range(len(made.outputs))]
    constants: dict[str, Array] = {inputs[i]: v for i, v in made.constant.items()}
    return Graph(
        name=f"drawn {seed}",
        nodes=(Node("the\\node", made.op, tuple(inputs), tuple(outputs)),),
        types=dict(zip([*inputs, *outputs], [*made.inputs, *made.outputs], strict=True)),
        constants=constants,
        inputs=tuple(v for v in inputs if v not in constants),
        outputs=tuple(outputs),
    )
