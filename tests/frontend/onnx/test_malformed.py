# SPDX-License-Identifier: MIT
"""Malformed files: a ModelError that says what and where, within bounded time and memory."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from milliwatt.errors import ModelError, OptionError, UnsupportedError
from milliwatt.frontend.onnx import load_onnx, unsupported
from milliwatt.frontend.onnx.importer import import_model
from milliwatt.frontend.onnx.reader import read_model
from milliwatt.frontend.onnx.tensors import MAX_CONSTANT_ELEMENTS
from tests.frontend.onnx.models import INT8, UINT8, Writer, onnx, tiny_float, tiny_qdq


def changed(data: bytes, change: Any) -> bytes:
    """The file after `change` has been at its protobuf."""
    model = onnx.ModelProto.FromString(data)
    change(model)
    result: bytes = model.SerializeToString()
    return result


def cycle(model: Any) -> None:
    model.graph.node[0].input[0] = model.graph.node[-1].output[0]


def unordered(model: Any) -> None:
    nodes = [*model.graph.node][::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def twice(model: Any) -> None:
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def elsewhere(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def cut_short(model: Any) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-1]


def huge(model: Any) -> None:
    model.graph.initializer[0].dims[0] = 1 << 60


def huge_together(model: Any) -> None:
    tensor = model.graph.initializer.add()
    tensor.name, tensor.data_type = "extra", 1
    tensor.dims.append(MAX_CONSTANT_ELEMENTS)


def negative(model: Any) -> None:
    model.graph.initializer[0].dims[0] = -4


def huge_input(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 1 << 40


def negative_input(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = -6


def without_outputs(model: Any) -> None:
    del model.graph.output[:]


def output_of_nothing(model: Any) -> None:
    model.graph.output[0].name = "nothing"


def unnamed(model: Any) -> None:
    model.graph.initializer[0].name = ""


def without_operator(model: Any) -> None:
    model.graph.node[2].op_type = ""


def without_opset(model: Any) -> None:
    del model.opset_import[:]


def extra_attribute(model: Any) -> None:
    model.graph.node[0].attribute.add(name="fused", i=1, type=2)


def double_attribute(model: Any) -> None:
    for _ in range(2):
        model.graph.node[0].attribute.add(name="group", i=1, type=2)


def extra_operands(model: Any) -> None:
    model.graph.node[0].input.extend([model.graph.input[0].name] * 9)


def wrong_attribute(model: Any) -> None:
    model.graph.node[0].attribute.add(name="group", f=1.0, type=1)


FLOAT_CASES = [
    (cycle, r"node 0 Conv 'conv_2' reads 'softmax_.*', which nothing before it defines"),
    (unordered, r"node 0 Softmax .* nodes must be in order and without cycles"),
    (twice, r"'conv_2' is defined twice, the second time by node 1"),
    (elsewhere, r"'constant_1' is stored in another file; save the model with its data inside"),
    (cut_short, r"'constant_1' needs 432 bytes and has 431"),
    (huge, r"'constant_1': shape \[1152921504606846976, 3, 3, 3\]: stored tensors have at most"),
    (huge_together, r"'extra': shape .* stored tensors have at most"),
    (negative, r"'constant_1': shape \[-4, 3, 3, 3\] has a negative dimension"),
    (huge_input, r"input 'image' of shape .* is too large"),
    (negative_input, r"input 'image' has shape \[1, 3, 8, -6\]"),
    (without_outputs, "the file has no outputs"),
    (output_of_nothing, "output 'nothing' is not defined"),
    (unnamed, "an input or a stored tensor has no name"),
    (without_operator, "node 2 .* has no operator"),
    (without_opset, "the file names 0 versions of ONNX's own operators, not 1"),
    (extra_attribute, r"node 0 Conv 'conv_2': attribute 'fused' does not exist in version 17"),
    (double_attribute, "node 0 Conv 'conv_2' has an attribute twice"),
    (extra_operands, "node 0 Conv 'conv_2': 11 inputs; it has 2 to 3"),
    (wrong_attribute, "node 0 Conv 'conv_2': attribute 'group' is no integer"),
]


@pytest.mark.parametrize(
    ("change", "message"), FLOAT_CASES, ids=lambda v: getattr(v, "__name__", "")
)
def test_a_malformed_network(change: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        load_onnx(changed(tiny_float(), change), "net")
    assert str(caught.value).startswith("net.onnx: ")
    assert not isinstance(caught.value, UnsupportedError)


@pytest.mark.parametrize("data", [b"", b"\x00", b"<html>404</html>", b"\x08\x08", bytes(1000)])
def test_what_is_no_model(data: bytes) -> None:
    with pytest.raises(ModelError, match="not an ONNX"):
        load_onnx(data)


def zero_scale(w: Writer) -> None:
    w.output(w.quantize(w.input("x", [2, 3]), 0.0, 0))


def infinite_scale(w: Writer) -> None:
    w.output(w.quantize(w.input("x", [2, 3]), np.inf, 0))


def float_zero_point(w: Writer) -> None:
    w.output(w.quantize(w.input("x", [2, 3]), 0.5, 0, np.float32))


def two_zero_points(w: Writer) -> None:
    operands = [w.constant(a) for a in (np.float32(0.5), np.int8([1, 2]))]
    w.output(w.node("QuantizeLinear", w.input("x", [2, 3]), *operands))


def scales_that_do_not_fit(w: Writer) -> None:
    weights = w.dequantized(np.ones((4, 3), np.int8), np.ones(3), axis=0)
    w.output(w.node("MatMul", w.input("x", [2, 4]), weights))


def axis_outside(w: Writer) -> None:
    weights = w.dequantized(np.ones((4, 3), np.int8), np.ones(3), axis=2)
    w.output(w.node("MatMul", w.input("x", [2, 4]), weights))


def dequantises_floats(w: Writer) -> None:
    operands = [w.constant(a) for a in (np.float32(0.5), np.int8(1))]
    w.output(w.node("DequantizeLinear", w.input("x", [2, 3]), *operands))


def wrong_sign(w: Writer) -> None:
    written = [w.constant(a) for a in (np.float32(0.5), np.uint8(1))]
    read = [w.constant(a) for a in (np.float32(0.5), np.int8(1))]
    q = w.node("QuantizeLinear", w.input("x", [2, 3]), *written)
    w.output(w.node("DequantizeLinear", q, *read))


def wrong_output(w: Writer) -> None:
    operands = [w.constant(a) for a in (np.float32(0.5), np.int8(1))]
    w.output(w.node("QuantizeLinear", w.input("x", [2, 3]), *operands), UINT8)


def not_finite(w: Writer) -> None:
    w.output(w.node("Add", w.input("x", [2, 3]), w.constant(np.float32(np.nan))))


def division_by_zero(w: Writer) -> None:
    w.output(w.node("Div", w.input("x", [2, 3]), w.constant(np.float32([1, 0, 2]))))


def integer_division_by_zero(w: Writer) -> None:
    shape = w.node("Div", w.constant(np.array([6])), w.constant(np.array([0])))
    w.output(w.node("Reshape", w.input("x", [2, 3]), shape))


def weights_that_do_not_fit(w: Writer) -> None:
    w.output(w.node("Conv", w.input("x", [1, 3, 4, 4]), w.constant(np.ones((2, 4, 1, 1), "f4"))))


def kernel_that_does_not_fit(w: Writer) -> None:
    w.output(w.node("MaxPool", w.input("x", [1, 3, 4, 4]), kernel_shape=[5, 1]))


def absurd_padding(w: Writer) -> None:
    w.output(
        w.node(
            "Conv",
            w.input("x", [1, 1, 4, 4]),
            w.constant(np.ones((1, 1, 1, 1), "f4")),
            pads=[1 << 40] * 4,
        )
    )


def shape_that_does_not_fit(w: Writer) -> None:
    w.output(w.node("Reshape", w.input("x", [2, 3]), w.constant(np.array([4, -1]))))


def two_unknown_dimensions(w: Writer) -> None:
    w.output(w.node("Reshape", w.input("x", [2, 3]), w.constant(np.array([-1, -1]))))


def growing_constants(w: Writer) -> None:
    a = w.constant(np.ones((1 << 10, 1), np.float32))
    b = w.constant(np.ones((1, 1 << 12), np.float32))
    c = w.node("Mul", a, b)
    c = w.node("Mul", c, w.constant(np.ones((1 << 12, 1, 1), np.float32)))
    w.output(w.node("Add", w.input("x", [2, 3]), c))


def shape_of_a_huge_constant(w: Writer) -> None:
    c = w.node("ConstantOfShape", w.constant(np.array([1 << 40])))
    w.output(w.node("Add", w.input("x", [2, 3]), c))


def doubling_constants(w: Writer) -> None:
    c = w.constant(np.ones(1 << 16, np.float32))
    for _ in range(30):
        c = w.node("Concat", c, c, axis=0)
    w.output(w.node("Add", w.input("x", [2, 3]), c))


def squeezed_dimension(w: Writer) -> None:
    w.output(w.node("Squeeze", w.input("x", [2, 3]), w.constant(np.array([1]))))


def missing_operand(w: Writer) -> None:
    w.output(w.node("Gemm", w.input("x", [2, 3]), ""))


def statistics(w: Writer) -> None:
    four = [w.constant(np.float32([1, 1, -2])) for _ in range(4)]
    w.output(w.node("BatchNormalization", w.input("x", [2, 3]), *four))


CASES = [
    (zero_scale, "scales must be positive and finite"),
    (infinite_scale, "scales must be positive and finite"),
    (float_zero_point, "zero points of float32"),
    (two_zero_points, "1 scales and 2 zero points"),
    (scales_that_do_not_fit, r"3 scales along axis 0 of \[4, 3\]"),
    (axis_outside, r"3 scales along axis 2 of \[4, 3\]"),
    (dequantises_floats, "dequantises float32"),
    (wrong_sign, "its zero point is int8"),
    (wrong_output, "is declared uint8 and computed as int8"),
    (not_finite, "NaN or infinity"),
    (division_by_zero, "NaN or infinity"),
    (integer_division_by_zero, "division of integers by zero"),
    (weights_that_do_not_fit, r"weights \[2, 4, 1, 1\] in 1 groups for 3 channels"),
    (kernel_that_does_not_fit, "does not fit"),
    (absurd_padding, "has more than"),
    (shape_that_does_not_fit, r"6 elements do not fill shape \[4, -1\]"),
    (two_unknown_dimensions, r"shape \[-1, -1\]"),
    (growing_constants, "is too large"),
    (shape_of_a_huge_constant, "is too large"),
    (doubling_constants, "have more than"),
    (squeezed_dimension, "squeezes dimensions"),
    (missing_operand, "not optional is missing"),
    (statistics, "a variance is not positive"),
]


@pytest.mark.parametrize(("make", "message"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_nodes_that_cannot_be(make: Any, message: str) -> None:
    w = Writer()
    make(w)
    with pytest.raises(ModelError, match=message) as caught:
        load_onnx(w.data())
    assert not isinstance(caught.value, UnsupportedError)


def test_every_problem_is_reported_at_once() -> None:
    w = Writer()
    x = w.input("x", [1, 3, 4, 4])
    y = w.node("Erf", x)
    w.declared.append(onnx.helper.make_tensor_value_info(y, 1, [1, 3, 4, 4]))
    y = w.node("MaxPool", y, kernel_shape=[2, 2], dilations=[2, 2])
    y = w.node("MatMul", x, w.node("Softmax", y))
    z = w.node("Tanh", w.node("NonZero", x))
    w.input("words", [3], 8)
    w.input("unknown", [1, "length"])
    w.output(y)
    w.output(z)
    w.output(w.constant(np.float32([1, 2])))
    with pytest.raises(UnsupportedError) as caught:
        load_onnx(w.data(), "odd")
    assert str(caught.value).splitlines()[0] == "odd.onnx: not supported:"
    assert caught.value.problems == (
        "input 'words': elements of type 8; supported: float32, uint8, int8, int16",
        "input 'unknown': shape [1, '?']; export with every dimension fixed",
        "node 0 Erf 'erf_1': this operator is not supported",
        "node 1 MaxPool 'maxpool_2': dilation",
        "node 4 NonZero 'nonzero_5': this operator is not supported",
        "output 'constant_7': it is constant",
    )
    assert unsupported(w.data()) == list(caught.value.problems)
    assert unsupported(tiny_qdq()) == []


@pytest.mark.parametrize(
    ("domain", "kind", "reason"),
    [
        ("onnx.brevitas", "Quant", "QONNX"),
        ("qonnx.custom_op.general", "Trunc", "QONNX"),
        ("PACTOps", "RequantShift", "QuantLib"),
        ("", "RequantShift", "QuantLib"),
        ("", "QLinearConv", "operator-oriented quantisation; export in QDQ form"),
        ("com.microsoft", "QLinearAdd", "operator-oriented"),
        ("", "DynamicQuantizeLinear", "quantise statically"),
        ("", "Loop", "control flow"),
        ("com.acme", "Magic", "domain 'com.acme'"),
    ],
)
def test_operators_of_other_kinds_of_networks(domain: str, kind: str, reason: str) -> None:
    w = Writer()
    node = onnx.helper.make_node(kind, [w.input("x", [1, 3])], ["y"], domain=domain)
    w.nodes.append(node)
    w.output("y")
    with pytest.raises(UnsupportedError) as caught:
        load_onnx(w.data())
    (problem,) = caught.value.problems
    assert reason in problem


@pytest.mark.parametrize("opset", [6, 29, 1000])
def test_versions_of_the_operators(opset: int) -> None:
    def change(model: Any) -> None:
        model.opset_import[0].version = opset

    with pytest.raises(UnsupportedError, match=f"operator set {opset}; supported: 7 to 28"):
        read_model(changed(tiny_float(), change))


def test_integer_inputs_without_a_scale() -> None:
    w = Writer()
    w.output(w.node("Reshape", w.input("x", [2, 3], INT8), w.constant(np.array([6]))), INT8)
    with pytest.raises(UnsupportedError, match="integers that no DequantizeLinear gives a scale"):
        load_onnx(w.data())


def test_computing_with_integers_themselves() -> None:
    w = Writer()
    parameters = [w.constant(np.float32(0.5)), w.constant(np.int8(0))]
    q = w.node("QuantizeLinear", w.input("x", [2, 3]), *parameters)
    w.output(w.node("Tanh", q))
    with pytest.raises(UnsupportedError, match="computes with the integers of int8"):
        load_onnx(w.data())


def test_a_batch_of_unknown_size_is_one() -> None:
    for batch in ("N", 0, -1):
        w = Writer()
        w.output(w.node("Tanh", w.input("x", [batch, 3])))
        assert load_onnx(w.data()).types["x"].shape == (1, 3)


def test_initializers_that_are_inputs_too_are_constants() -> None:
    """As files of IR version 3 have them."""
    w = Writer()
    w.output(w.node("Add", w.input("x", [2, 3]), w.constant(np.float32([1, 2, 3]), "bias")))
    w.input("bias", [3])
    assert load_onnx(w.data()).inputs == ("x",)


def test_constant_nodes() -> None:
    w = Writer()
    names = [
        w.node("Constant", **{kind: value})
        for kind, value in (
            ("value", onnx.numpy_helper.from_array(np.float32([2, 3, 4]))),
            ("value_float", 5.0),
            ("value_floats", [1.0, 2.0, 3.0]),
        )
    ]
    x = w.input("x", [2, 3])
    for name in names:
        x = w.node("Mul", x, name)
    shape = w.node("Constant", value_ints=[3, -1])
    axis = w.node("Constant", value_int=0)
    w.output(w.node("Gather", w.node("Reshape", x, shape), axis))
    graph = load_onnx(w.data())
    assert graph.types[graph.outputs[0]].shape == (2,)
    assert sorted(a.reshape(-1)[0] for a in graph.constants.values()) == [1.0, 2.0, 5.0]


def test_tensors_in_typed_fields() -> None:
    """Not every writer uses raw_data."""
    w = Writer()
    w.output(w.node("Add", w.input("x", [2, 3]), w.constant(np.float32([1, 2, 3]))))
    fields = {"float_data": [1.0, 2.0, 3.0]}
    raw = load_onnx(w.data()).constants

    def typed(model: Any) -> None:
        (tensor,) = model.graph.initializer
        tensor.ClearField("raw_data")
        tensor.float_data.extend(fields["float_data"])

    constants = load_onnx(changed(w.data(), typed)).constants
    assert [a.tolist() for a in constants.values()] == [a.tolist() for a in raw.values()]


def test_an_output_that_is_an_input() -> None:
    w = Writer()
    x = w.input("x", [2, 3])
    w.output(x)
    w.output(w.node("Identity", x))
    graph = load_onnx(w.data())
    assert len(set(graph.outputs)) == 2
    assert not set(graph.outputs) & set(graph.inputs)


def test_the_values_that_names_became() -> None:
    imported = import_model(read_model(tiny_qdq()), "net")
    assert imported.values["image"].channels_last
    assert imported.graph.name == "net"
    assert all(v.name in imported.graph.types for v in imported.values.values())


def test_the_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(OptionError, match=r"pip install 'milliwatt\[onnx\]'"):
        load_onnx(tiny_float())
