# SPDX-License-Identifier: MIT
"""Tables of int16 functions: their shape, and how near they are to the real functions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.quant.tables import (
    exp_table,
    log2_if_near,
    logistic_int16,
    look_up,
    one_over_one_plus_x_table,
    sigmoid_table,
    sigmoid_table_factor,
    tanh_int16,
)

ALL_INT16 = np.arange(-32768, 32768)


def int16(scale: float) -> TensorType:
    return TensorType((1,), DType.INT16, Quant.per_tensor(float(np.float32(scale)), 0))


def test_sigmoid_table() -> None:
    table = sigmoid_table()
    assert (table.shape, table.dtype) == ((256,), np.uint16)
    assert (table[0], table[-1]) == (32768, 65535)
    assert (np.diff(table.astype(int)) >= 0).all()
    assert np.abs(table - 65536 / (1 + np.exp(-np.arange(256) / 24))).max() < 1.2


@pytest.mark.parametrize("table", [exp_table, one_over_one_plus_x_table])
def test_step_tables_have_513_ordered_entries(table: object) -> None:
    assert callable(table)
    entries = table()
    assert (entries.shape, entries.dtype) == ((513,), np.int16)
    steps = np.diff(entries.astype(int))
    assert (steps >= 0).all() or (steps <= 0).all()


def test_tables_are_read_only() -> None:
    for table in (sigmoid_table(), exp_table(), one_over_one_plus_x_table()):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 1


def test_look_up_is_near_the_function() -> None:
    span = (ALL_INT16 + 32768) / 65535
    exponential = look_up(ALL_INT16, exp_table()) / 32768
    assert np.abs(exponential - np.exp(-10 + 10 * span)).max() < 3e-4
    inverse = look_up(ALL_INT16, one_over_one_plus_x_table()) / 32768
    assert np.abs(inverse - 1 / (1 + span)).max() < 3e-4


@given(st.floats(1e-7, 5e-3))
def test_sigmoids_are_near_the_functions(scale: float) -> None:
    kind = int16(scale)
    x = ALL_INT16[::37] * kind.scale
    made: Array = logistic_int16(ALL_INT16[::37], sigmoid_table_factor(kind, (0,))) / 32768
    assert np.abs(made - 1 / (1 + np.exp(-x))).max() < 1.5e-4
    made = tanh_int16(ALL_INT16[::37], sigmoid_table_factor(kind, (0, 1))) / 32768
    assert np.abs(made - np.tanh(x)).max() < 3e-4


def test_powers_of_two_scale_exactly() -> None:
    assert sigmoid_table_factor(int16(2.0**-12), (0,)) == (3, 0)
    assert sigmoid_table_factor(int16(2.0**-11), (0, 1)) == (6, 0)
    multiplier, shift = sigmoid_table_factor(int16(2.0**-11), (0,))
    assert (multiplier < 1 << 15, multiplier / 2**shift) == (True, 6)


@given(st.integers(-40, 10), st.floats(-0.0015, 0.0015))
def test_nearness_to_a_power_of_two(power: int, off: float) -> None:
    found = log2_if_near(2.0 ** (power + off))
    if abs(off) < 0.0009:
        assert found == power
    elif abs(off) > 0.0011:
        assert found is None


def test_a_scale_between_powers_is_near_none() -> None:
    assert log2_if_near(math.sqrt(2)) is None
