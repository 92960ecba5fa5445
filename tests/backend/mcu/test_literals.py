# SPDX-License-Identifier: MIT
"""Numbers read back from C text as exactly the same value."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.emit.literals import (
    array_rows,
    c_identifier,
    comment_text,
    decimal_literal,
    float_literal,
    int_literal,
)
from milliwatt.errors import OptionError, VerifyError


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_read_back_exactly(value: float) -> None:
    text = float_literal(value)
    assert text.endswith("f")
    assert float.fromhex(text[:-1]) == value


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_decimal_floats_read_back_exactly(value: float) -> None:
    text = decimal_literal(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?f", text)
    assert "." in text or "e" in text
    assert np.float32(text[:-1]) == np.float32(value)


@pytest.mark.parametrize("write", [float_literal, decimal_literal])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_c_cannot_write_is_refused(value: float, write: Callable[[float], str]) -> None:
    with pytest.raises(VerifyError, match="cannot write"):
        write(value)


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_integers_read_back_exactly(value: int) -> None:
    text = int_literal(value)
    plain = re.sub(r"INT64_C\((\d+|-\d+)\)", r"\1", text)
    assert eval(plain) == value
    needs_64_bits = not -(1 << 31) <= value < 1 << 31
    assert ("INT64_C" in text) is needs_64_bits


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=200))
def test_rows_hold_every_element_in_order(values: list[int]) -> None:
    rows = array_rows(np.array(values, np.int8))
    assert [int(w) for row in rows for w in row.split(",")] == values
    assert max(map(len, rows)) <= 120


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("KWS ds-cnn.v2", "kws_ds_cnn_v2"),
        ("3net", "m_3net"),
        # What NAME.h, NAME.c or CMake's target NAME would clash with.
        ("time", "m_time"),
        ("Test", "m_test"),
        ("example_main", "m_example_main"),
        ("mw", "m_mw"),
        ("mw_pad", "m_mw_pad"),
        ("mwl", "mwl"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert c_identifier(text) == name


@pytest.mark.parametrize("text", ["", "--", "日本"])
def test_a_text_without_letters_or_digits_makes_no_name(text: str) -> None:
    with pytest.raises(OptionError, match="does not make a C name"):
        c_identifier(text)


@given(st.text())
def test_no_text_leaves_its_comment(text: str) -> None:
    safe = comment_text(text)
    assert len(safe) == len(text)
    assert re.fullmatch(r"[ -~]*", safe)
    assert "*/" not in f"{safe}:"
    assert "/*" not in f" {safe}"
    assert "\\" not in safe


def test_plain_text_stays_as_it_is_in_a_comment() -> None:
    assert comment_text("model/conv_1;x*y [2]") == "model/conv_1;x*y [2]"
    assert comment_text("a **// b */ c\n") == "a **?/ b *? c?"


def test_booleans_are_written_as_numbers() -> None:
    assert array_rows(np.array([True, False])) == ["1, 0"]
