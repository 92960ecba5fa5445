# SPDX-License-Identifier: MIT
"""The text form prints and parses back; text that is no graph is refused with its line."""

import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import ModelError
from milliwatt.ir.graph import Graph
from milliwatt.ir.text import from_text, to_text
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.registry import OPERATORS
from tests.ir.graphs import drawn, split_and_add, streaming

TEXT = """\
graph "split_and_add" {
  input %x: int8[1,4] scale=0.5 zero=0
  constant %c: int8[1,2] scale=0.5 zero=0 = [10,-20]
  %left: int8[1,2] scale=0.5 zero=0, %right: int8[1,2] scale=0.5 zero=0 = Split(%x) \
{axis=1, parts=2} @ "cut"
  %total: int8[1,2] scale=0.5 zero=0 = Add(%left, %right) {activation=none} @ "sum"
  %y: int8[1,2] scale=0.5 zero=0 = Add(%total, %c) {activation=relu} @ "shift"
  output %y
}
"""


def same(a: Graph, b: Graph) -> bool:
    """Whether two graphs are equal, constants bit for bit."""
    arrays = [{**g.constants, **{s.before: s.initial for s in g.states}} for g in (a, b)]
    return (
        all(
            getattr(a, f.name) == getattr(b, f.name) for f in fields(Graph) if f.name != "constants"
        )
        and arrays[0].keys() == arrays[1].keys()
        and all(
            v.dtype == arrays[1][k].dtype
            and v.shape == arrays[1][k].shape
            and v.tobytes() == arrays[1][k].tobytes()
            for k, v in arrays[0].items()
        )
    )


def test_what_is_printed() -> None:
    assert to_text(split_and_add()) == TEXT


@pytest.mark.parametrize("graph", [split_and_add(), streaming()], ids=lambda g: g.name)
def test_known_graphs_come_back(graph: Graph) -> None:
    assert same(from_text(to_text(graph)), graph)


@given(st.integers(0, 1 << 32))
def test_random_graphs_come_back(seed: int) -> None:
    graph = drawn(seed)
    assert same(from_text(to_text(graph)), graph)


def constant(value: np.ndarray, dtype: DType) -> Graph:
    kind = TensorType(value.shape, dtype)
    return Graph("one", (), {"c": kind}, {"c": value}, (), ("c",))


@given(
    st.lists(st.floats(width=32), min_size=1, max_size=40),
    st.sampled_from([(-1,), (1, -1)]),
)
def test_floats_come_back_bit_for_bit(values: list[float], shape: tuple[int, ...]) -> None:
    graph = constant(np.array(values, np.float32).reshape(shape), DType.FLOAT32)
    assert same(from_text(to_text(graph)), graph)


@pytest.mark.parametrize("dtype", list(DType))
@pytest.mark.parametrize("count", [1, 32, 33, 1000])
def test_constants_of_every_type_come_back(dtype: DType, count: int) -> None:
    rng = np.random.default_rng(count)
    if dtype in (DType.FLOAT32, DType.BOOL):
        value = rng.integers(0, 2, count).astype(dtype.numpy)
    else:
        low, high = dtype.integer_range
        value = rng.integers(low, high, count, np.int64, endpoint=True).astype(dtype.numpy)
    graph = constant(value, dtype)
    assert same(from_text(to_text(graph)), graph)


def test_scalars_have_no_dimensions() -> None:
    graph = constant(np.array(5, np.int32), DType.INT32)
    assert "%c: int32[] = [5]" in to_text(graph)
    assert same(from_text(to_text(graph)), graph)


def test_comments_and_spaces_do_not_count() -> None:
    loose = TEXT.replace(", ", " ,\n   ").replace("  output", "  # the result\n\n  output")
    assert same(from_text(loose), split_and_add())


def test_elided_text_is_short_and_refused() -> None:
    graph = constant(np.zeros(100_000, np.int8), DType.INT8)
    text = to_text(graph, elide=True)
    assert len(text) < 200
    assert "100000 bytes, sha256 " in text
    with pytest.raises(ModelError, match="line 2, at '<': this constant was elided"):
        from_text(text)


BROKEN = [
    ("", "line 1, at the end of the text: expected 'graph'"),
    (TEXT + "x", "line 9, at 'x': text after the graph"),
    (TEXT[:-2], "at the end of the text"),
    (TEXT.replace("int8[1,4]", "int9[1,4]"), "line 2: no element type 'int9'; there are int2"),
    (TEXT.replace("[1,4]", "[1,-4]"), "line 2: %x: shape [1, -4]: every dimension must be"),
    (TEXT.replace("[1,4]", "[1,x]"), "line 2, at 'scale': expected an integer, not x"),
    (TEXT.replace("[10,-20]", "[10]"), "1 elements for int8[1,2]"),
    (TEXT.replace("[10,-20]", "[10,999]"), "an element is out of int8's range"),
    (TEXT.replace("[10,-20]", "[10,0.5]"), "expected an integer, not 0.5"),
    (TEXT.replace("[10,-20]", 'base64 "AAA"'), "not base64"),
    (TEXT.replace("[10,-20]", 'base64 "AAAA"'), "3 bytes for int8[1,2]"),
    (TEXT.replace("Split(", "Splat("), "line 4: no operator 'Splat'; there are Conv2D"),
    (TEXT.replace("axis=1, ", ""), "line 4: Split has the attributes ['axis', 'parts'], not ["),
    (TEXT.replace("axis=1", "axis=true"), "line 4: Split.axis is True; it must be int"),
    (TEXT.replace("axis=1", "axis=1, axis=1"), "line 4, at '=': attribute axis is given twice"),
    (TEXT.replace("=relu", "=swish"), "must be one of none, relu, relu6, relu_n1_to_1"),
    (TEXT.replace("%right:", "%left:"), "line 4: %left is defined twice"),
    (TEXT.replace('"cut"', "cut"), "line 4, at 'cut': expected a string"),
    (TEXT.replace('"cut"', '"c\\q"'), 'line 4: "c\\q" is no JSON string'),
    (TEXT.replace("%x", "$x"), "line 2: unexpected '$x"),
    (TEXT.replace("scale=0.5", "scale=[0.5,1.0]"), "line 2: %x: per-tensor quantisation has 2"),
    (TEXT.replace("axis=1", f"axis={'(' * 99}"), "brackets nested too deeply"),
    (TEXT.replace("axis=1", f"axis={'9' * 9999}"), "a number of 9999 digits"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_text_that_is_no_graph(text: str, message: str) -> None:
    with pytest.raises(ModelError) as error:
        from_text(text)
    assert message in str(error.value)
    assert re.match(r"line \d+", str(error.value))


@given(st.data())
def test_torn_text_is_refused_or_parsed(data: st.DataObject) -> None:
    """Never anything but a graph or a ModelError."""
    start = data.draw(st.integers(0, len(TEXT)))
    end = data.draw(st.integers(start, len(TEXT)))
    patch = data.draw(st.text(alphabet='%"[]{}()=,@:<#a1.-\n ', max_size=6))
    try:
        from_text(TEXT[:start] + patch + TEXT[end:])
    except ModelError:
        return


def test_names_may_be_anything() -> None:
    graph = split_and_add()
    odd = 'a "b";\n\\c/é'
    node = replace(graph.nodes[2], name=odd, outputs=(odd,))
    types = {**graph.types, odd: graph.types["y"]}
    renamed = replace(graph, nodes=(*graph.nodes[:2], node), outputs=(odd,), name=odd)
    renamed = renamed.with_nodes(renamed.nodes, types=types)
    assert same(from_text(to_text(renamed)), renamed)


def test_every_operator_is_registered_under_its_kind() -> None:
    assert all(OPERATORS[kind].__name__ == kind for kind in OPERATORS)
    assert len(OPERATORS) == 30
