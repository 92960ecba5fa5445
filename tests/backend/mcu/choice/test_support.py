# SPDX-License-Identifier: MIT
"""Everything that C has no form for is listed at once, by `inspect` as by `compile`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from milliwatt.backend.mcu.choice.support import refuse_unsupported
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.cli.main import main
from milliwatt.errors import UnsupportedError
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph, Node, State
from milliwatt.ir.text import to_text
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Activation
from milliwatt.ops.shape import Reshape
from tests.backend.mcu.networks import delay_line, residual

PROBLEMS = (
    "no kernel for node 'turn': Reshape(int4[1,2]) -> int4[2,1]",
    "'nibbles' is int4[1,2]: inputs, outputs and states need whole bytes",
    "'turned' is int4[2,1]: inputs, outputs and states need whole bytes",
    "'c' holds values that are not finite",
)


def much_wrong() -> Graph:
    """An int4 input that is turned round, and a constant that is infinite."""
    one = Quant.per_tensor(1.0, 0)
    real = TensorType((2, 1), DType.FLOAT32)
    return Graph(
        name="wrong",
        nodes=(
            Node("turn", Reshape((2, 1)), ("nibbles",), ("turned",)),
            Node("shift", Add(Activation.NONE), ("x", "c"), ("y",)),
        ),
        types={
            "nibbles": TensorType((1, 2), DType.INT4, one),
            "turned": TensorType((2, 1), DType.INT4, one),
            **dict.fromkeys(("x", "c", "y"), real),
        },
        constants={"c": np.array([[1], [np.inf]], np.float32)},
        inputs=("nibbles", "x"),
        outputs=("y", "turned"),
    )


def test_compile_lists_it() -> None:
    with pytest.raises(UnsupportedError) as caught:
        compile_graph(much_wrong(), load_target("nucleo-l4r5zi"))
    assert caught.value.problems == PROBLEMS


def test_inspect_lists_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "wrong.mw"
    path.write_text(to_text(much_wrong()), encoding="utf-8")
    assert main(["inspect", str(path)]) == 2
    printed = capsys.readouterr().err
    assert all(f"  - {problem}\n" in printed for problem in PROBLEMS)


def test_states_that_swap() -> None:
    zero = np.zeros((1, 4), np.int8)
    swap = (State("first", "second", zero), State("second", "first", zero))
    with pytest.raises(UnsupportedError, match="exchange their values in a cycle: first, second"):
        refuse_unsupported(replace(delay_line(), states=swap))


def test_what_can_be_done_is_not_refused() -> None:
    refuse_unsupported(residual())
    refuse_unsupported(delay_line())
