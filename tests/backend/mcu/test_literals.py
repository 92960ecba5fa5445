# SPDX-License-Identifier: MIT
"""Numbers read back from C text as exactly the same value."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.emit.literals import array_rows, c_identifier, float_literal, int_literal
from milliwatt.errors import VerifyError


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_read_back_exactly(value: float) -> None:
    text = float_literal(value)
    assert text.endswith("f")
    assert float.fromhex(text[:-1]) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_c_cannot_write_is_refused(value: float) -> None:
    with pytest.raises(VerifyError, match="cannot write"):
        float_literal(value)


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


def test_names() -> None:
    assert c_identifier("KWS ds-cnn.v2") == "kws_ds_cnn_v2"
    assert c_identifier("3net") == "m_3net"
