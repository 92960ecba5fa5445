# SPDX-License-Identifier: MIT
"""A vector that the network makes an image of is taken as that image, with the same meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.base import Op, Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.quantize import Quantize
from milliwatt.ops.shape import Reshape
from milliwatt.passes.use_image_input import use_image_input
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import (
    build_compiled,
    first_difference,
    ports_of,
    verify_compiled,
)
from tests.passes.graphs import NONE, conv_constants, float32, int8, make_graph
from tests.support import needs_arm_gcc

IMAGE = (1, 6, 5, 2)
CONV = Conv2D((1, 1), (1, 1), Padding(1, 1, 1, 1), NONE)
Step = tuple[str, Op, Sequence[str], TensorType]


def flat(kind: TensorType, *before: Step, shape: tuple[int, ...] = IMAGE) -> Graph:
    """An input of that type, `before`, then an image of it and a convolution."""
    value = before[-1][0] if before else "x"
    return make_graph(
        {"x": kind},
        [
            *before,
            ("image", Reshape(shape), [value], int8(*shape)),
            ("y", CONV, ["image", "w", "b"], int8(*shape[:3], 3)),
        ],
        constants=conv_constants(2, 3, 3),
    )


CODES = ("codes", Quantize(), ["x"], int8(1, 60))
GRAPHS = [
    flat(int8(1, 60)),
    flat(int8(60)),
    flat(float32(1, 60), CODES),
    flat(float32(1, 60), CODES, ("turned", Reshape((1, 6, 10)), ["codes"], int8(1, 6, 10))),
]


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_input_is_the_image(graph: Graph) -> None:
    made = use_image_input(graph)
    verify(made)
    assert made.types["x"].shape == IMAGE
    assert not any(isinstance(node.op, Reshape) for node in made.nodes)
    (sample,) = random_samples(ports_of(graph), 1, 0)
    expected = run(graph, sample).outputs
    got = run(made, [array.reshape(IMAGE) for array in sample]).outputs
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


@pytest.mark.parametrize(
    "graph",
    [
        flat(int8(2, 60), shape=(2, 6, 5, 2)),
        make_graph({"x": int8(1, 60)}, [("y", Reshape((1, 6, 10)), ["x"], int8(1, 6, 10))]),
        make_graph({"x": int8(*IMAGE)}, [("y", Reshape((1, 60)), ["x"], int8(1, 60))]),
    ],
)
def test_what_is_no_image_or_one_already_stays(graph: Graph) -> None:
    assert use_image_input(graph) is graph


def test_an_input_that_is_read_twice_stays() -> None:
    graph = flat(int8(1, 60))
    again = make_graph({"x": int8(1, 60)}, [("z", Reshape((60,)), ["x"], int8(60))])
    both = Graph(
        "both",
        (*graph.nodes, *again.nodes),
        {**graph.types, **again.types},
        graph.constants,
        ("x",),
        ("y", "z"),
    )
    assert use_image_input(both) is both


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("graph", GRAPHS[1:3])
def test_its_rows_can_be_pushed(graph: Graph) -> None:
    compiled = compile_graph(graph, load_target("nucleo-l4r5zi"), push_rows=True)
    assert compiled.plan.fed
    samples = random_samples(ports_of(compiled.source), 2, 0)
    firmware = build_compiled(compiled)
    verify_compiled(compiled, firmware, samples)
    assert "every layer run alone agrees" in first_difference(compiled, firmware, samples)
