# SPDX-License-Identifier: MIT
"""Running graphs: outputs, states, traces, and input that does not fit."""

import numpy as np
import pytest

from milliwatt.errors import DataError, VerifyError
from milliwatt.ir.interpret import run, trace
from milliwatt.ir.text import from_text
from tests.ir.graphs import PAIR, split_and_add, streaming

X = np.array([[1, -2, 3, 4]], np.int8)


def test_outputs() -> None:
    result = run(split_and_add(), [X])
    assert [o.tolist() for o in result.outputs] == [[[14, 0]]]
    assert result.states == {}


def test_trace_holds_every_value() -> None:
    values = trace(split_and_add(), [X])
    assert {name: v.tolist() for name, v in values.items()} == {
        "x": [[1, -2, 3, 4]],
        "c": [[10, -20]],
        "left": [[1, -2]],
        "right": [[3, 4]],
        "total": [[4, 2]],
        "y": [[14, 0]],
    }


def test_states_go_from_call_to_call() -> None:
    graph = streaming()
    first = run(graph, [np.array([[5, 6]], np.int8)])
    assert first.outputs[0].tolist() == [[3, 4, 5, 6]]
    assert first.states["before"].tolist() == [[3, 4, 5, 6]]
    second = run(graph, [np.array([[7, 8]], np.int8)], first.states)
    assert second.outputs[0].tolist() == [[5, 6, 7, 8]]
    again = run(graph, [np.array([[5, 6]], np.int8)])
    assert again.outputs[0].tolist() == [[3, 4, 5, 6]]


def test_floats_overflow_in_silence() -> None:
    graph = from_text(
        """
        graph "huge" {
          input %x: float32[1,2]
          constant %w: float32[1,2] = [3e38,3e38]
          constant %b: float32[1] = [0.0]
          %y: float32[1,1] = FullyConnected(%x, %w, %b) {activation=none, keep_dims=false} @ "dense"
          output %y
        }
        """
    )
    (output,) = run(graph, [np.array([[1e38, 1e38]], np.float32)]).outputs
    assert output.tolist() == [[np.inf]]


def test_results_are_copies() -> None:
    graph = streaming()
    result = run(graph, [np.array([[5, 6]], np.int8)])
    result.outputs[0][:] = 0
    assert result.states["before"].tolist() == [[3, 4, 5, 6]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            [],
            "model 'split_and_add' takes 1 inputs ('x': int8[1,4]), not 0",
        ),
        (
            [np.zeros((4,), np.int8)],
            "input 0 ('x') of model 'split_and_add' is int8[4]; it must be int8[1,4]",
        ),
        (
            [np.zeros((1, 4), np.float32)],
            "input 0 ('x') of model 'split_and_add' is float32[1,4]; it must be int8[1,4]",
        ),
    ],
)
def test_inputs_that_do_not_fit(inputs: list[np.ndarray], message: str) -> None:
    with pytest.raises(DataError) as error:
        run(split_and_add(), inputs)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({}, "model 'streaming' keeps the states ['before']; given: []"),
        (
            {"before": np.zeros((1, 4), np.int8), "x": np.zeros(1)},
            "model 'streaming' keeps the states ['before']; given: ['before', 'x']",
        ),
        (
            {"before": np.zeros((4,), np.int8)},
            "state 'before' of model 'streaming' is int8[4]; it must be int8[1,4]",
        ),
    ],
)
def test_states_that_do_not_fit(states: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError) as error:
        run(streaming(), [np.zeros((1, 2), np.int8)], states)
    assert str(error.value) == message


def test_an_operator_that_breaks_its_types_is_named() -> None:
    graph = split_and_add()
    types = {**graph.types, "left": PAIR, "total": graph.types["x"]}
    with pytest.raises(VerifyError, match=r"node 'sum' \(Add\) gave int8\[1, 2\] for 'total'"):
        run(graph.with_nodes(graph.nodes, types=types), [X])
