# SPDX-License-Identifier: MIT
"""Whole small files: the graphs they become, and what is said of those that do not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.tflite import load_tflite, schema, unsupported
from milliwatt.frontend.tflite.importer import import_model
from milliwatt.frontend.tflite.reader import read_model
from milliwatt.ir.interpret import run
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.quantize import Quantize
from milliwatt.ops.shape import Concat, Reshape, Slice
from tests.frontend.networks import (
    LSTM_INPUTS,
    conv_op,
    conv_tensors,
    lstm_network,
    streaming_network,
    tiny_network,
    uint8_network,
)
from tests.frontend.tflite_file import Graph, Op, T, write
from tests.oracles.tflm import Tflm

QUANT = {"scale": [0.5], "zero_point": [3]}
RESHAPE = Op("RESHAPE", [3, 4], [5], {}, schema.ReshapeOptions)


def test_a_small_network() -> None:
    graph = load_tflite(tiny_network(), "kws")
    assert graph.name == "kws"
    assert graph.inputs == ("image",)
    assert graph.outputs == ("flat",)
    conv, reshape = graph.nodes
    assert conv.op == Conv2D((2, 2), (1, 1), Padding(0, 1, 1, 1), Activation.RELU)
    assert conv.inputs == ("image", "conv_weights", "conv_bias")
    assert conv.outputs == ("net_conv",)
    assert reshape.op == Reshape((1, 36))
    assert graph.types["flat"] == TensorType((1, 36), DType.INT8, Quant.per_tensor(0.25, -5))
    assert graph.types["conv_bias"] == TensorType((4,), DType.INT32)
    assert set(graph.constants) == {"conv_weights", "conv_bias"}


def test_each_tensor_is_traced_to_its_value() -> None:
    imported = import_model(read_model(tiny_network()), "kws")
    assert imported.values == {0: "image", 3: "net_conv", 5: "flat"}


def test_names_are_unique_and_unnamed_values_are_numbered() -> None:
    tensors = [replace(t, name="") for t in conv_tensors()]
    graph = load_tflite(write(Graph(tensors, [conv_op(), RESHAPE], [0], [5])))
    assert [n.outputs[0] for n in graph.nodes] == ["op_0", "op_1"]
    assert graph.inputs == ("input_0",)
    tensors = [replace(t, name="a/b c") for t in conv_tensors()]
    graph = load_tflite(write(Graph(tensors, [conv_op(), RESHAPE], [0], [5])))
    assert graph.inputs == ("a_b_c",)
    names = [*graph.inputs, *graph.constants, *(n.outputs[0] for n in graph.nodes)]
    assert len(set(names)) == len(names) == 5


def test_an_output_that_no_node_computes_is_copied() -> None:
    tensors = [T([2], **QUANT, name="x"), T([1], data=b"\x05", **QUANT, name="c")]
    graph = load_tflite(write(Graph(tensors, [], [0], [0, 1, 0])))
    assert [n.op for n in graph.nodes] == [Reshape((2,)), Reshape((1,)), Reshape((2,))]
    outputs = run(graph, [np.array([1, 2], np.int8)]).outputs
    assert [list(o) for o in outputs] == [[1, 2], [5], [1, 2]]


def test_every_problem_is_reported_at_once_with_its_node() -> None:
    tensors = [*conv_tensors(), *(T([1, 36], **QUANT, name=f"t{i}") for i in range(3))]
    tensors[3] = T([1, 3, 3, 4], "FLOAT32", name="float")
    operators = [
        conv_op(),
        Op("CUSTOM", [5], [6], custom="ethos-u"),
        Op("CUMSUM", [6], [7]),
        Op("RELU", [7], [8]),
    ]
    with pytest.raises(UnsupportedError) as caught:
        load_tflite(write(Graph(tensors, [*operators[:1], RESHAPE, *operators[1:]], [0], [8])))
    assert len(caught.value.problems) == 4
    conv, reshape, custom, cumsum = caught.value.problems
    assert re.match(r"op 0 CONV_2D 'float': ", conv)
    assert re.match(r"op 1 RESHAPE 'flat:0': ", reshape)
    assert custom == (
        "op 2 CUSTOM ethos-u 't0': already compiled by Vela for an Ethos-U; import the original"
    )
    assert cumsum == "op 3 CUMSUM 't1': this operator is not supported"


def test_unsupported_lists_the_problems() -> None:
    tensors = [T([2], **QUANT), T([2], **QUANT)]
    assert unsupported(tiny_network()) == []
    assert unsupported(write(Graph(tensors, [Op("ABS", [0], [1])], [0], [1]))) == [
        "op 0 ABS: this operator is not supported"
    ]


def test_what_follows_from_a_problem_is_not_reported_again() -> None:
    tensors = [
        T([2], "INT32", name="wanted"),
        T([2], "INT32", name="shape"),
        T([4], **QUANT, name="x"),
        T([2, 2], **QUANT, name="y"),
    ]
    operators = [Op("ABS", [0], [1]), Op("RESHAPE", [2, 1], [3], {}, schema.ReshapeOptions)]
    problems = unsupported(write(Graph(tensors, operators, [0, 2], [3])))
    assert problems == ["op 0 ABS 'shape': this operator is not supported"]


@pytest.mark.parametrize(
    ("operators", "inputs", "outputs", "message"),
    [
        ([conv_op(), RESHAPE], [], [5], "tensor 0 'image' is read before it is written"),
        ([RESHAPE, conv_op()], [0], [5], "op 0 RESHAPE 'flat:0': tensor 3 .* read before"),
        ([conv_op(), conv_op(), RESHAPE], [0], [5], "op 1 CONV_2D .* is written twice"),
        ([conv_op()], [0], [5], "tensor 5 'flat:0' is read before it is written"),
        ([conv_op()], [0], [], "the file has no outputs"),
        ([conv_op()], [0, 0], [3], "tensor 0 'image' is written twice"),
        ([conv_op()], [0, 2], [3], "tensor 2 'conv/bias' is written, but the file stores it"),
        ([Op("CONV_2D", [0, 1, 2], [4])], [0], [4], "stride"),
        ([Op("CONV_2D", [0, -1, 2], [3])], [0], [3], "operand 1 is missing"),
        ([Op("CONV_2D", [0], [3])], [0], [3], "1 inputs; CONV_2D has 2 to 3"),
        ([Op("CONV_2D", [0, 1, 2], [])], [0], [3], "0 outputs; there must be 1"),
        ([Op("CONV_2D", [0, 1, 99], [3])], [0], [3], "name tensor 99, but there are 6"),
        ([Op("CONV_2D", [0, 1, 2], [-1])], [0], [3], "name tensor -1"),
        ([conv_op()], [0], [-7], "name tensor -7"),
        ([conv_op(stride_h=0)], [0], [3], "stride .* must be positive"),
        ([conv_op(stride_w=-1)], [0], [3], "stride .* must be positive"),
        ([conv_op(dilation_h_factor=0)], [0], [3], "dilation .* must be positive"),
        ([conv_op(padding=2)], [0], [3], "padding 2 does not exist"),
        ([conv_op(fused_activation_function=9)], [0], [3], "activation 9 does not exist"),
        ([conv_op(stride_h=1)], [0], [3], r"yields \[\[1, 6, 3, 4\]\], the file declares"),
        ([replace(conv_op(), options_type=5)], [0], [3], "its options are of type 5"),
    ],
)
def test_malformed_networks(
    operators: list[Op], inputs: list[int], outputs: list[int], message: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        load_tflite(write(Graph(conv_tensors(), operators, inputs, outputs)))
    assert not isinstance(caught.value, UnsupportedError)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fused_activation_function": 4}, "fused activation TANH; supported: NONE, RELU"),
        ({"fused_activation_function": 5}, "fused activation SIGN_BIT"),
    ],
)
def test_unsupported_options(change: dict[str, int], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        load_tflite(write(Graph(conv_tensors(), [conv_op(**change)], [0], [3])))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a TFLite file"),
        (b"PK\x03\x04" * 100, "not a TFLite file"),
        (write(identifier=b"TFL2"), "not a TFLite file"),
        (write(version=2), "schema version 2; supported: 3"),
        (write(), "holds no subgraph"),
    ],
)
def test_files_of_another_kind(data: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_tflite(data)


def test_a_second_subgraph_that_nothing_calls() -> None:
    graph = Graph([T([2], **QUANT)], [], [0], [0])
    assert unsupported(write(graph, graph)) == ["subgraph 1 is never called"]


def test_a_resource_variable_becomes_a_state() -> None:
    graph = load_tflite(streaming_network())
    concat, kept = graph.nodes
    assert concat.op == Concat(1)
    assert kept.op == Slice((0, 1, 0), (1, 2, 4), (1, 1, 1))
    (state,) = graph.states
    assert (state.before, state.after) == ("memory_states", "kept")
    assert state.initial.tolist() == np.arange(8).reshape(1, 2, 4).tolist()
    assert concat.inputs == ("memory_states", "x")


def test_a_variable_goes_on_from_call_to_call() -> None:
    graph = load_tflite(streaming_network())
    first = run(graph, [np.full((1, 1, 4), 50, np.int8)])
    second = run(graph, [np.full((1, 1, 4), 60, np.int8)], first.states)
    assert first.outputs[0][0, :, 0].tolist() == [0, 4, 50]
    assert second.outputs[0][0, :, 0].tolist() == [4, 50, 60]


def test_a_variable_starts_at_real_zero() -> None:
    (state,) = load_tflite(streaming_network(initial=False)).states
    assert np.array_equal(state.initial, np.full((1, 2, 4), 3, np.int8))


@pytest.mark.oracle
@pytest.mark.parametrize("initial", [True, False])
def test_a_variable_goes_on_as_in_tflm(initial: bool) -> None:
    data = streaming_network(initial=initial)
    graph, tflm, states = load_tflite(data), Tflm(data), None
    rng = np.random.default_rng(9)
    for _ in range(4):
        x = rng.integers(-128, 128, (1, 1, 4)).astype(np.int8)
        result = run(graph, [x], states)
        states = result.states
        assert np.array_equal(result.outputs[0], tflm.invoke([x])[0])


def test_a_variable_written_before_it_is_read_is_no_state() -> None:
    handle = Op("VAR_HANDLE", [], [1], {}, schema.VarHandleOptions)
    operators = [handle, Op("ASSIGN_VARIABLE", [1, 0], []), Op("READ_VARIABLE", [1], [2])]
    tensors = [T([2], **QUANT, name="x"), T([], "RESOURCE"), T([2], **QUANT, name="y")]
    graph = load_tflite(write(Graph(tensors, operators, [0], [2])))
    assert graph.states == ()
    assert [n.inputs for n in graph.nodes] == [("x",)]


def test_a_state_that_becomes_an_input_is_copied() -> None:
    handle = Op("VAR_HANDLE", [], [1], {}, schema.VarHandleOptions)
    operators = [handle, Op("READ_VARIABLE", [1], [2]), Op("ASSIGN_VARIABLE", [1, 0], [])]
    tensors = [T([2], **QUANT, name="x"), T([], "RESOURCE"), T([2], **QUANT, name="y")]
    graph = load_tflite(write(Graph(tensors, operators, [0], [2])))
    result = run(graph, [np.array([7, 8], np.int8)])
    assert result.outputs[0].tolist() == [3, 3]
    assert run(graph, [np.array([0, 0], np.int8)], result.states).outputs[0].tolist() == [7, 8]


def test_a_variable_of_two_types() -> None:
    handle = Op("VAR_HANDLE", [], [1], {}, schema.VarHandleOptions)
    operators = [handle, Op("READ_VARIABLE", [1], [2]), Op("ASSIGN_VARIABLE", [1, 0], [])]
    tensors = [T([2], **QUANT), T([], "RESOURCE"), T([3], **QUANT)]
    with pytest.raises(ModelError, match=r"is used as int8\[3\] .* and as int8\[2\]"):
        load_tflite(write(Graph(tensors, operators, [0], [2])))


def test_a_handle_that_is_none() -> None:
    tensors = [T([2], **QUANT), T([2], **QUANT)]
    with pytest.raises(ModelError, match="is not a variable's handle"):
        load_tflite(write(Graph(tensors, [Op("READ_VARIABLE", [0], [1])], [0], [1])))


@pytest.mark.parametrize("subgraph", [-1, 0, 2])
def test_initialisation_by_a_subgraph_that_does_not_exist(subgraph: int) -> None:
    options = {schema.CallOnceOptions.init_subgraph_index: subgraph}
    once = Op("CALL_ONCE", [], [], options, schema.CallOnceOptions)
    with pytest.raises(ModelError, match=f"subgraph {subgraph} does not exist"):
        load_tflite(write(Graph([T([2], **QUANT)], [once], [0], [0])))


def test_initialisation_that_calls_itself() -> None:
    options = {schema.CallOnceOptions.init_subgraph_index: 1}
    once = Op("CALL_ONCE", [], [], options, schema.CallOnceOptions)
    main = Graph([T([2], **QUANT)], [once], [0], [0])
    problems = unsupported(write(main, Graph([], [once], [], [])))
    assert problems == ["subgraph 1, op 0 CALL_ONCE: initialisation inside an initialisation"]


def test_uint8_is_int8_inside_and_uint8_outside() -> None:
    graph = load_tflite(uint8_network())
    assert [type(n.op).__name__ for n in graph.nodes] == [
        "Quantize",
        "FullyConnected",
        "Pad",
        "Quantize",
    ]
    types = graph.types
    assert types[graph.inputs[0]].dtype is DType.UINT8
    assert types[graph.outputs[0]].dtype is DType.UINT8
    dense = graph.nodes[1]
    assert types[dense.inputs[0]].quant == Quant.per_tensor(0.5, -8)
    assert types[dense.inputs[1]] == TensorType(
        (3, 8), DType.INT8, Quant.per_tensor(float(np.float32(0.01)), 3)
    )


def test_quantising_to_a_uint8_output_needs_no_second_step() -> None:
    tensors = [T([2], "FLOAT32", name="x"), T([2], "UINT8", scale=[0.5], zero_point=[7], name="y")]
    graph = load_tflite(write(Graph(tensors, [Op("QUANTIZE", [0], [1])], [0], [1])))
    assert [n.op for n in graph.nodes] == [Quantize()]
    assert graph.types["y"] == TensorType((2,), DType.UINT8, Quant.per_tensor(0.5, 7))


def test_quantising_a_uint8_input_needs_no_step_before() -> None:
    tensors = [T([2], "UINT8", scale=[0.5], zero_point=[7], name="x"), T([2], **QUANT, name="y")]
    graph = load_tflite(write(Graph(tensors, [Op("QUANTIZE", [0], [1])], [0], [1])))
    assert [n.inputs for n in graph.nodes] == [("x",)]


def test_variable_tensors_of_an_lstm_become_states() -> None:
    graph = load_tflite(lstm_network())
    assert [s.before for s in graph.states] == ["hidden", "cell"]
    (node,) = graph.nodes
    assert node.outputs == ("y", *(s.after for s in graph.states))
    x = np.ones((1, 2, 5), np.float32)
    first = run(graph, [x])
    assert not np.array_equal(first.outputs[0], run(graph, [x], first.states).outputs[0])


@pytest.mark.parametrize(
    ("position", "message"),
    [
        (9, "peephole connections"),
        (11, "peephole connections"),
        (16, "a projection"),
        (20, "layer normalisation"),
    ],
)
def test_kinds_of_lstm_that_are_refused(position: int, message: str) -> None:
    inputs = [9 if i == position else t for i, t in enumerate(LSTM_INPUTS)]
    with pytest.raises(UnsupportedError, match=f"an LSTM with {message}; export a plain LSTM"):
        load_tflite(lstm_network(inputs))


def test_an_lstm_with_coupled_gates_is_refused() -> None:
    inputs = [-1 if i in (1, 5, 12) else t for i, t in enumerate(LSTM_INPUTS)]
    message = "without input-to-input weights, recurrent-to-input weights, input gate bias"
    with pytest.raises(UnsupportedError, match=message):
        load_tflite(lstm_network(inputs))


def test_an_lstm_state_must_be_a_variable() -> None:
    inputs = [0 if i == 18 else t for i, t in enumerate(LSTM_INPUTS)]
    with pytest.raises(ModelError):
        load_tflite(lstm_network(inputs))


@pytest.mark.parametrize("option", ["proj_clip", "fused_activation_function"])
def test_lstm_options_that_are_refused(option: str) -> None:
    with pytest.raises(UnsupportedError, match="an LSTM with"):
        load_tflite(lstm_network(**{option: 1}))
