# SPDX-License-Identifier: MIT
"""What constant arrays count as."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Lowered, Table
from milliwatt.backend.mcu.values.tables import pool_tables


def words(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_biases_among_constants_count_as_weights() -> None:
    tables = (
        Table("weights", words(1, 2, 3)),
        Table("scales", words(4, 5, 6, 7, 8, 9), "constants", weight_bytes=8),
    )
    pool = pool_tables("net", [(0, Lowered("f", (), tables))])
    assert pool.size_bytes("weights") == 12 + 8
    assert pool.size_bytes("constants") == 24 - 8


def test_equal_tables_are_stored_and_counted_once() -> None:
    table = Table("scales", words(1, 2), "constants", weight_bytes=4)
    pool = pool_tables("net", [(i, Lowered("f", (), (table,))) for i in range(3)])
    assert len(pool.stored) == 1
    assert (pool.size_bytes("weights"), pool.size_bytes("constants")) == (4, 4)
    assert {pool.symbols[i, "scales"] for i in range(3)} == {"net_0_scales"}
