# SPDX-License-Identifier: MIT
"""The generated C's calls are named and short enough to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.choice.objective import SRAM
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.backend.mcu.emit.call_text import COLUMNS, listed, named_arguments
from milliwatt.backend.mcu.emit.kernel_headers import kernel_headers
from milliwatt.backend.mcu.emit.parameters import parameter_names
from milliwatt.backend.mcu.emit.streams import rows_expression
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.lowering import all_kernels
from milliwatt.backend.mcu.streaming.rows import Rows
from milliwatt.errors import VerifyError
from milliwatt.hardware import load_target
from tests import cases
from tests.backend.mcu.networks import residual
from tests.backend.mcu.streaming.networks import chain

CORES = (Core(), Core(dsp=True), Core(dsp=True, mve=True), Core(swar=True))


def test_numbers_and_addresses_are_named_and_names_stand_alone() -> None:
    names = ("x", "weights", "count", "rows")
    words = ("(const int8_t *)(arena + 4)", "net_0_weights", "-3", "in_rows")
    assert named_arguments(names, words) == [
        "/* x */ (const int8_t *)(arena + 4)",
        "net_0_weights",
        "/* count */ -3",
        "in_rows",
    ]


@given(
    st.lists(st.text("abc", min_size=1, max_size=40), max_size=30), st.sampled_from(["", "    "])
)
def test_lines_are_short_and_hold_every_word(words: list[str], indent: str) -> None:
    text = listed("call", words, ";", indent)
    assert all(len(line) <= COLUMNS for line in text.splitlines())
    assert "".join(text.split()) == f"call({','.join(words)});"


@pytest.mark.parametrize(
    ("header", "function", "names"),
    [
        ("mw_copy.h", "mw_copy", ("x", "y", "size")),
        (
            "mw_quantize.h",
            "mw_quantize_f32_s8",
            ("x", "y", "count", "scale", "zero", "low", "high"),
        ),
    ],
)
def test_names_are_the_kernel_s(header: str, function: str, names: tuple[str, ...]) -> None:
    assert parameter_names(header, function) == names


def test_a_function_in_a_header_that_the_kernel_s_includes() -> None:
    assert "mw_common.h" in kernel_headers('#include "mw_copy.h"\n')
    assert parameter_names("mw_copy.h", "mw_clamp_i32") == ("x", "low", "high")


def test_a_macro_s_names_are_also_those_of_what_it_calls() -> None:
    plain = parameter_names("mw_conv2d_1x1_s8_dsp.h", "mw_conv2d_1x1_s8_dsp")
    coded = parameter_names("mw_conv2d_coded_s8_dsp.h", "mw_conv2d_1x1_coded_s8_dsp")
    own = ("x", "y", "scratch", "codes", "at", "count", "k", "low_bytes", "bits")
    assert coded == own + plain[4:]


def test_a_name_that_comes_again_has_a_number() -> None:
    names = parameter_names("mw_conv2d_coded_blocks_s8_dsp.h", "mw_conv2d_coded_blocks_s8_dsp")
    assert names.index("block") < names.index("block_2")
    assert len(set(names)) == len(names)


def test_a_parameter_hides_no_static_of_the_generated_source() -> None:
    names = parameter_names("mw_svdf_s8.h", "mw_svdf_s8_s8")
    assert "state" not in names
    assert "state_2" in names


@pytest.mark.parametrize("family", cases.FAMILIES)
def test_every_argument_of_a_kernel_has_a_name(family: str) -> None:
    seen: set[tuple[str, str]] = set()
    for site, _ in cases.sites(family)[:20]:
        for kernel in all_kernels():
            if any(kernel.supports(site, core) for core in CORES):
                lowered = kernel.lower(site)
                call = (kernel.header, lowered.function)
                if call not in seen:
                    assert len(parameter_names(*call)) == len(lowered.args), call
                    seen.add(call)
    assert seen


def test_a_function_that_no_header_defines() -> None:
    with pytest.raises(VerifyError, match="does not define mw_nothing"):
        parameter_names("mw_copy.h", "mw_nothing")


def test_a_layer_shows_its_shapes_and_numbers() -> None:
    source = compile_graph(residual(), load_target("nucleo-l4r5zi"), "net").files["net.c"]
    code = source[: source.index("void net_run")]
    assert " * int8[" in code
    assert " -> int8[" in code
    assert "/* low */ -128" in code
    assert "a0" not in code
    assert max(map(len, code.splitlines())) <= COLUMNS


@pytest.mark.parametrize("push_rows", [False, True])
def test_streams_have_short_lines(push_rows: bool) -> None:
    compiled = compile_graph(
        chain(), load_target("nucleo-l4r5zi"), "net", objective=SRAM, push_rows=push_rows
    )
    source = compiled.files["net.c"]
    assert compiled.plan.streams
    assert "node_1(/* x0 */ (const int8_t *)" in source
    assert max(map(len, source.splitlines())) <= COLUMNS


@given(st.integers(1, 12), st.integers(1, 8), st.integers(0, 7), st.integers(-5, 9))
def test_rows_of_a_turn_as_written_are_those_of_the_schedule(
    step: int, period: int, phase: int, offset: int
) -> None:
    rows = Rows(step, phase % period, period, 1, offset, 40)
    text = rows_expression(rows).replace("/", "//")
    for turn in range(20):
        names = {"turn": turn, "mw_rows": lambda count, total: min(max(count, 0), total)}
        assert eval(text, names) == rows.at(turn)


def test_what_divides_both_is_left_out() -> None:
    assert rows_expression(Rows(4, 0, 4, 1, 1, 16)) == "mw_rows(turn + 1, 16)"
    assert rows_expression(Rows(6, 3, 4, 1, 0, 16)) == "mw_rows((3 * turn + 1) / 2, 16)"
