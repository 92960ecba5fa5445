# SPDX-License-Identifier: MIT
"""Quantised networks with float ports take and give integers instead, with the same meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.cli.main import main
from milliwatt.errors import UnsupportedError
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph, State
from milliwatt.ir.interpret import run
from milliwatt.ir.text import to_text
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ir.verify import verify
from milliwatt.ops.activation import Softmax, Tanh
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Op
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.shape import Reshape, Slice, Transpose
from milliwatt.passes.use_integer_io import use_integer_io
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.passes.graphs import NONE, float32, int8, make_graph
from tests.support import shared_file

COARSE = Quant.per_tensor(0.25, 7)

Step = tuple[str, Op, Sequence[str], TensorType]


def edges(*ends: Step, outputs: Sequence[str] | None = None) -> Graph:
    """A float image, turned and quantised, added to itself, made real again; then `ends`."""
    return make_graph(
        {"x": float32(1, 2, 3)},
        [
            ("turned", Transpose((0, 2, 1)), ["x"], float32(1, 3, 2)),
            ("codes", Quantize(), ["turned"], int8(1, 3, 2)),
            ("sum", Add(NONE), ["codes", "codes"], int8(1, 3, 2, quant=COARSE)),
            ("real", Dequantize(), ["sum"], float32(1, 3, 2)),
            *ends,
        ],
        outputs=outputs,
    )


def kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes]


def real(codes: Array, kind: TensorType) -> Array:
    return (kind.scale * (codes.astype(np.float64) - kind.zero_point)).astype(np.float32)


def largest_difference(before: Graph, after: Graph) -> float:
    """Of the outputs on all codes of the inputs, in steps of the integer output."""
    verify(after)
    worst = 0.0
    for codes in random_samples(ports_of(after), 20, seed=2):
        inputs = [real(c, after.types[v]) for c, v in zip(codes, after.inputs, strict=True)]
        expected = run(before, inputs).outputs
        actual = run(after, codes).outputs
        for v, wanted, got in zip(after.outputs, expected, actual, strict=True):
            kind = after.types[v]
            worst = max(worst, float(np.abs(real(got, kind) - wanted).max()) / kind.scale)
    return worst


def test_the_edges_go_and_the_meaning_stays() -> None:
    graph = edges(("y", Reshape((1, 6)), ["real"], float32(1, 6)))
    after = use_integer_io(graph)
    assert kinds(after) == ["Transpose", "Reshape", "Add", "Reshape"]
    assert after.types["x"] == int8(1, 2, 3)
    assert after.types["y"] == int8(1, 6, quant=COARSE)
    assert largest_difference(graph, after) == 0


@pytest.mark.parametrize(
    ("op", "quant"),
    [(Softmax(1.0), Quant.per_tensor(1 / 256, -128)), (Tanh(), Quant.per_tensor(1 / 128, 0))],
)
def test_a_last_function_becomes_its_int8_form(op: Op, quant: Quant) -> None:
    graph = edges(
        ("row", Slice((0, 1, 0), (1, 1, 2), (1, 1, 1)), ["real"], float32(1, 1, 2)),
        ("y", op, ["row"], float32(1, 1, 2)),
    )
    after = use_integer_io(graph)
    assert after.types["y"] == int8(1, 1, 2, quant=quant)
    assert "Dequantize" not in kinds(after)
    assert largest_difference(graph, after) <= 1


def test_two_outputs_one_computed_from_the_other() -> None:
    graph = edges(("y", Softmax(1.0), ["real"], float32(1, 3, 2)), outputs=["real", "y"])
    after = use_integer_io(graph)
    assert [after.types[v].dtype for v in after.outputs] == [DType.INT8, DType.INT8]
    assert largest_difference(graph, after) <= 1


def test_integer_ports_stay() -> None:
    kind = int8(1, 4)
    graph = make_graph({"x": kind}, [("y", Add(NONE), ["x", "x"], kind)])
    assert use_integer_io(graph) == graph


def test_nothing_between_the_edges() -> None:
    graph = make_graph(
        {"x": float32(2, 3)},
        [("q", Quantize(), ["x"], int8(2, 3)), ("y", Dequantize(), ["q"], float32(2, 3))],
    )
    after = use_integer_io(graph)
    assert largest_difference(graph, after) == 0
    compiled = compile_graph(after, load_target("nucleo-l4r5zi"), "net")
    samples = random_samples(ports_of(after), 2, seed=3)
    assert verify_compiled(compiled, build_compiled(compiled), samples).samples == 2


def refused(graph: Graph) -> tuple[str, ...]:
    with pytest.raises(UnsupportedError) as caught:
        use_integer_io(graph)
    return caught.value.problems


def test_every_float_port_that_is_not_quantised_is_named() -> None:
    kind = float32(1, 2)
    graph = make_graph({"x": kind, "z": kind}, [("y", Add(NONE), ["x", "z"], kind)])
    assert refused(graph) == (
        "input 'x' (float32[1,2]) is read in float by Add 'y'",
        "input 'z' (float32[1,2]) is read in float by Add 'y'",
        "output 'y' (float32[1,2]) is computed in float by Add 'y'",
    )


def test_inputs_that_have_no_one_integer_form() -> None:
    kind, other = float32(2), int8(2, quant=COARSE)
    graph = make_graph(
        {"unread": kind, "twice": kind, "kept": kind},
        [
            ("a", Quantize(), ["twice"], int8(2)),
            ("b", Quantize(), ["twice"], other),
            ("c", Quantize(), ["kept"], int8(2)),
        ],
        outputs=["a", "b", "c", "kept"],
    )
    assert refused(graph) == (
        "input 'unread' (float32[2]) is not quantised: nothing reads it",
        "input 'twice' (float32[2]) is quantised in more than one way",
        "input 'kept' (float32[2]) is an output or a state too, 'kept'",
        "output 'kept' (float32[2]) is read in float by Quantize 'c'",
    )


def test_outputs_that_stay_float() -> None:
    sum_of = ("more", Add(NONE), ["real", "real"], float32(1, 3, 2))
    assert refused(edges(sum_of, outputs=["real", "more"])) == (
        "output 'more' (float32[1,3,2]) is computed in float by Add 'more'",
        "output 'real' (float32[1,3,2]) is read in float by Add 'more'",
    )
    graph = edges(("y", Softmax(1.0), ["real"], float32(1, 3, 2)))
    two = edges(
        ("t", Tanh(), ["real"], float32(1, 3, 2)), ("y", Softmax(1.0), ["t"], float32(1, 3, 2))
    )
    assert "is computed in float by Tanh 't'" in refused(two)[0]
    held = State("h", "y", np.zeros((1, 3, 2), np.float32))
    kept = replace(graph, types={**graph.types, "h": float32(1, 3, 2)}, states=(held,))
    assert refused(kept) == ("output 'y' (float32[1,3,2]) is a state too",)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "edges.mw"
    path.write_text(to_text(edges()), encoding="utf-8")
    arguments = ["compile", str(path), "--target", "nucleo-l4r5zi", "-o", str(tmp_path / "out")]
    assert main([*arguments, "--integer-io", "--verify", "--samples", "2"]) == 0
    header = (tmp_path / "out" / "edges.h").read_text()
    assert "#define EDGES_INPUT_0_SCALE 0.5f" in header
    assert "edges_invoke(const int8_t *input_0, int8_t *output_0)" in header
    kind = float32(1, 2)
    path.write_text(to_text(make_graph({"x": kind}, [("y", Tanh(), ["x"], kind)])))
    assert main([*arguments, "--integer-io"]) == 2
    assert "  - input 'x' (float32[1,2]) is read in float by Tanh 'y'" in capsys.readouterr().err


def test_keyword_spotting_in_onnx() -> None:
    pytest.importorskip("onnx")
    graph = load_model(shared_file("models", "mlperf_tiny_onnx_int8", "kws_dscnn_int8_qdq.onnx"))
    after = use_integer_io(graph)
    assert not any(kind.dtype.is_float for kind in after.types.values())
    assert largest_difference(graph, after) <= 1
    compiled = compile_graph(after, load_target("nucleo-l4r5zi"), "kws")
    samples = random_samples(ports_of(after), 2, seed=3)
    assert verify_compiled(compiled, build_compiled(compiled), samples).samples == 2
