# SPDX-License-Identifier: MIT
"""The estimates of code sizes name functions that exist, and come near what a compiler makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from milliwatt.backend import mcu
from milliwatt.backend.mcu.choice.choose import code_key
from milliwatt.backend.mcu.choice.code_bytes import (
    UNKNOWN_BYTES,
    call_bytes,
    code_of,
    known_functions,
)
from milliwatt.backend.mcu.choice.objective import parse_objective
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.backend.mcu.kernel import Lit, Lowered, Ref
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.run.verify import build_compiled
from tests.support import needs_arm_gcc, shared_file

HEADERS = Path(mcu.__file__).parent / "kernels"


def test_every_function_exists() -> None:
    text = "".join(path.read_text("utf-8") for path in sorted(HEADERS.glob("*.h")))
    defined = set(re.findall(r"(?:\bvoid|#define) (mw_\w+)\(", text))
    assert known_functions() <= defined


def test_a_function_without_an_entry() -> None:
    assert code_of(Lowered("mw_none_such", ())).own_bytes == UNKNOWN_BYTES


def test_a_fixed_stride_leaves_out_the_other_line_function() -> None:
    args = (*(Lit(0, fixed=False) for _ in range(14)), Lit(2))
    one = dict(code_of(Lowered("mw_depthwise_conv2d_3x3_s8_dsp", args)).helpers)
    both = (*args[:-1], Lit(2, fixed=False))
    either = dict(code_of(Lowered("mw_depthwise_conv2d_3x3_s8_dsp", both)).helpers)
    assert set(either) - set(one) == {"mw_depthwise_line_3x3_stride_1"}


def test_arguments_cost_flash() -> None:
    few, many = (Lit(1, fixed=False),), (Lit(1, fixed=False), Lit(2), Ref("weights"))
    assert call_bytes(Lowered("f", many)) - call_bytes(Lowered("f", few)) == 4


@needs_arm_gcc
@pytest.mark.parametrize("model", ["kws_dscnn_int8", "vww_mobilenetv1_025_96_int8"])
def test_near_what_the_compiler_makes(model: str) -> None:
    graph = load_model(shared_file("models", "mlperf_tiny", f"{model}.tflite"))
    board = load_target("nucleo-l4r5zi")
    compiled = compile_graph(graph, board, "net", objective=parse_objective("flash"))
    lowered = {code_key(step.lowered): step.lowered for step in compiled.plan.steps}
    codes = [code_of(one) for one in lowered.values()]
    helpers = {name: size for code in codes for name, size in code.helpers}
    expected = sum(code.own_bytes for code in codes) + sum(helpers.values())
    measured = build_compiled(compiled, compiler="gcc", optimisation="-Os").memory.code_bytes
    assert measured == pytest.approx(expected, rel=0.3)
