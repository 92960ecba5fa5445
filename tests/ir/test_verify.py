# SPDX-License-Identifier: MIT
"""The verifier accepts whole graphs and says what is broken in others."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import MilliwattError, ModelError, UnsupportedError, VerifyError
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Activation, Padding
from tests.ir.graphs import PAIR, QUAD, drawn, split_and_add, streaming
from tests.passes.graphs import conv, conv_constants, int8, make_graph

ADD = Add(Activation.NONE)


@pytest.mark.parametrize("graph", [split_and_add(), streaming()], ids=lambda g: g.name)
def test_whole_graphs(graph: Graph) -> None:
    verify(graph)


@given(st.integers(0, 1 << 32))
def test_whole_random_graphs(seed: int) -> None:
    verify(drawn(seed))


def nodes(change: Callable[[tuple[Node, ...]], tuple[Node, ...]]) -> Graph:
    graph = split_and_add()
    return replace(graph, nodes=change(graph.nodes))


def typed(**types: TensorType) -> Graph:
    graph = split_and_add()
    return replace(graph, types={**graph.types, **types})


def state(**changes: object) -> Graph:
    graph = streaming()
    return replace(graph, states=(replace(graph.states[0], **changes),))


BROKEN: list[tuple[Graph, type[MilliwattError], str]] = [
    (
        nodes(lambda n: (n[1], n[0], n[2])),
        VerifyError,
        "node 'sum' (Add) reads 'left' before it is defined",
    ),
    (
        nodes(lambda n: (*n, Node("again", ADD, ("left", "right"), ("total",)))),
        VerifyError,
        "'total' is defined twice, the second time as an output of node 'again' (Add)",
    ),
    (
        nodes(lambda n: (*n, Node("again", ADD, ("left", "right"), ("c",)))),
        VerifyError,
        "'c' is defined twice",
    ),
    (
        replace(split_and_add(), inputs=("x", "x")),
        VerifyError,
        "'x' is defined twice, the second time as an input",
    ),
    (replace(split_and_add(), inputs=("x", "c")), VerifyError, "'c' is defined twice"),
    (replace(split_and_add(), outputs=("z",)), VerifyError, "output 'z' is not defined"),
    (nodes(lambda n: n[:2]), VerifyError, "output 'y' is not defined"),
    (
        nodes(lambda n: (*n, Node("nothing", ADD, ("left", "right"), ()))),
        VerifyError,
        "node 'nothing' (Add) has no outputs",
    ),
    (typed(ghost=PAIR), VerifyError, "'ghost' has a type but is no value of the graph"),
    (
        nodes(lambda n: (*n, Node("more", ADD, ("left", "right"), ("z",)))),
        VerifyError,
        "'z' has no type",
    ),
    (
        typed(c=QUAD),
        VerifyError,
        "constant 'c' is int8[1, 2], typed int8[1,4]",
    ),
    (
        typed(c=TensorType((1, 2), DType.INT16, Quant.per_tensor(0.5, 0))),
        VerifyError,
        "constant 'c' is int8[1, 2], typed int16[1,2]",
    ),
    (
        typed(c=TensorType((1, 2), DType.INT4, Quant.per_tensor(0.5, 0))),
        VerifyError,
        "constant 'c' holds -20..10, outside int4's -8..7",
    ),
    (typed(y=QUAD), VerifyError, "node 'shift' (Add) makes [1, 2] for 'y', typed int8[1,4]"),
    (
        nodes(lambda n: (replace(n[0], outputs=("left",)), *n[1:])),
        VerifyError,
        "reads 'right' before it is defined",
    ),
    (
        nodes(lambda n: (replace(n[0], inputs=("x", "c")), *n[1:])),
        ModelError,
        "node 'cut': Split takes 1 operands, not 2",
    ),
    (
        typed(y=TensorType((1, 2), DType.FLOAT32)),
        UnsupportedError,
        "node 'shift': Add: output is float32[1,2]; supported: int8",
    ),
    (state(after="z"), VerifyError, "state 'before' becomes 'z', not defined"),
    (state(after="x"), VerifyError, "state 'before' is int8[1,4] and becomes 'x', int8[1,2]"),
    (state(before="x"), VerifyError, "'x' is defined twice, the second time as a state"),
    (
        state(initial=np.zeros((4,), np.int8)),
        VerifyError,
        "initial value of state 'before' is int8[4], typed int8[1,4]",
    ),
]


@pytest.mark.parametrize(("graph", "kind", "message"), BROKEN)
def test_broken_graphs(graph: Graph, kind: type[MilliwattError], message: str) -> None:
    with pytest.raises(kind) as error:
        verify(graph)
    assert type(error.value) is kind
    assert message in str(error.value)


def test_a_state_may_stay_as_it_is() -> None:
    graph = split_and_add()
    kept = State("h", "h", np.zeros((1, 2), np.int8))
    verify(replace(graph, types={**graph.types, "h": PAIR}, states=(kept,)))


def test_everything_unsupported_is_listed_at_once() -> None:
    kind = TensorType((2,), DType.INT32)
    graph = Graph(
        name="wide",
        nodes=(Node("one", ADD, ("x", "x"), ("y",)), Node("two", ADD, ("y", "y"), ("z",))),
        types=dict.fromkeys(("x", "y", "z"), kind),
        constants={},
        inputs=("x",),
        outputs=("z",),
    )
    with pytest.raises(UnsupportedError) as caught:
        verify(graph)
    reason = "Add: first operand is int32[2]; supported: float32, int16, int8"
    assert caught.value.problems == (f"node 'one': {reason}", f"node 'two': {reason}")


@pytest.mark.parametrize("scale", [0.0, -0.5, float("nan"), float("inf"), 1e-30, 1e30])
def test_a_scale_of_an_activation(scale: float) -> None:
    quant = Quant.per_tensor(scale, 0)
    graph = typed(**{v: replace(k, quant=quant) for v, k in split_and_add().types.items()})
    with pytest.raises(ModelError, match=r"has scale .*; scales are from 2\.17e-19 to 1\.15e\+18"):
        verify(graph)


def test_weights_may_have_negative_scales() -> None:
    verify(
        make_graph(
            {"x": int8(1, 6, 6, 3)},
            [("y", conv(Padding()), ["x", "w", "b"], int8(1, 4, 4, 8))],
            constants=conv_constants(3, 8, 3, scale=-0.02),
        )
    )


def test_a_zero_point_outside_its_type() -> None:
    quant = Quant.per_tensor(0.5, 128)
    graph = typed(**{v: replace(k, quant=quant) for v, k in split_and_add().types.items()})
    with pytest.raises(ModelError, match=r"a zero point outside int8's -128\.\.127"):
        verify(graph)
