# SPDX-License-Identifier: MIT
"""Small int8 networks, built here, that together touch every part of the planner and emitter."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.pool import MaxPool2D
from milliwatt.ops.shape import Concat, Reshape, Slice, Split
from tests.passes.graphs import NONE, conv, conv_constants, int8, make_graph


def residual() -> Graph:
    """A convolution, a second one of the same shape, their sum, pooling, a view."""
    first, second = conv_constants(3, 8, 3), conv_constants(8, 8, 3, seed=2)
    constants = first | {f"{k}2": v for k, v in second.items()}
    same = Padding(1, 1, 1, 1)
    return make_graph(
        {"x": int8(1, 6, 6, 3)},
        [
            ("a", conv(same, Activation.RELU), ["x", "w", "b"], int8(1, 6, 6, 8)),
            ("c", conv(same), ["a", "w2", "b2"], int8(1, 6, 6, 8)),
            ("s", Add(NONE), ["a", "c"], int8(1, 6, 6, 8)),
            ("m", MaxPool2D((2, 2), (2, 2), Padding(), NONE), ["s"], int8(1, 3, 3, 8)),
            ("y", Reshape((1, 72)), ["m"], int8(1, 72)),
        ],
        constants=constants,
    )


def two_in_two_out() -> Graph:
    """Two inputs, two outputs; a split whose parts are views."""
    half, whole = int8(1, 8), int8(1, 16)
    return Graph(
        name="two",
        nodes=(
            Node("sum", Add(NONE), ("x0", "x1"), ("sum",)),
            Node("cut", Split(1, 2), ("sum",), ("left", "right")),
            Node("y0", Add(NONE), ("left", "right"), ("y0",)),
            Node("y1", Add(Activation.RELU), ("left", "left"), ("y1",)),
        ),
        types={
            "x0": whole,
            "x1": whole,
            "sum": whole,
            "left": half,
            "right": half,
            "y0": half,
            "y1": half,
        },
        constants={},
        inputs=("x0", "x1"),
        outputs=("y0", "y1"),
    )


def sliding_window() -> Graph:
    """Keeps the last six of a stream of pairs and returns the newest four, summed with the oldest.

    The state starts at values of its own, so that a forgotten reset shows.
    """
    quant = Quant.per_tensor(0.5, 0)

    def kind(n: int) -> TensorType:
        return TensorType((1, n), DType.INT8, quant)

    return Graph(
        name="window",
        nodes=(
            Node("join", Concat(1), ("kept", "x"), ("all",)),
            Node("drop", Slice((0, 2), (1, 6), (1, 1)), ("all",), ("next",)),
            Node("newest", Slice((0, 4), (1, 4), (1, 1)), ("all",), ("tail",)),
            Node("oldest", Slice((0, 0), (1, 4), (1, 1)), ("all",), ("head",)),
            Node("y", Add(NONE), ("tail", "head"), ("y",)),
        ),
        types={
            "x": kind(2),
            "kept": kind(6),
            "all": kind(8),
            "next": kind(6),
            "tail": kind(4),
            "head": kind(4),
            "y": kind(4),
        },
        constants={},
        inputs=("x",),
        outputs=("y",),
        states=(State("kept", "next", np.array([[3, -7, 11, 13, -17, 19]], np.int8)),),
    )


def delay_line() -> Graph:
    """Two states in a row, x -> first -> second -> out: each needs the other's old value."""
    kind = int8(1, 4)
    zero = np.zeros((1, 4), np.int8)
    return Graph(
        name="delay",
        nodes=(Node("y", Add(NONE), ("second", "x"), ("y",)),),
        types=dict.fromkeys(("x", "first", "second", "y"), kind),
        constants={},
        inputs=("x",),
        outputs=("y",),
        states=(State("first", "x", zero + 5), State("second", "first", zero - 9)),
    )


def odd_ports() -> Graph:
    """Outputs that are an input, a view of it, a constant, a state, its next value, one twice.

    Besides, an input that nothing reads, and results of a node of which one is used.
    """
    kind, half = int8(2, 4), int8(2, 2)
    return Graph(
        name="odd */ ports",
        nodes=(
            Node("flat", Reshape((8,)), ("x",), ("flat",)),
            Node("next", Add(NONE), ("kept", "x"), ("next",)),
            Node("parts", Split(1, 2), ("next",), ("left", "right")),
            Node("again", Reshape((2, 4)), ("next",), ("again",)),
        ),
        types={
            **dict.fromkeys(("x", "unread", "c", "kept", "next", "again"), kind),
            "left": half,
            "right": half,
            "flat": int8(8),
        },
        constants={"c": np.arange(-4, 4, dtype=np.int8).reshape(2, 4)},
        inputs=("unread", "x"),
        outputs=("x", "flat", "c", "kept", "next", "right", "right", "again"),
        states=(State("kept", "next", np.full((2, 4), -7, np.int8)),),
    )


ALL = (residual, two_in_two_out, sliding_window, delay_line, odd_ports)
