# SPDX-License-Identifier: MIT
"""The three-instruction requantisation equals the definition, its instructions as plain C."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from milliwatt.ir.types import Array
from milliwatt.quant.arith import multiply_by_quantized_multiplier
from tests.kernels.clib import map_arrays
from tests.support import needs_gcc

pytestmark = needs_gcc

HEADER = "mw_requantize_dsp.h"
EXPRESSION = "mw_requantize_s8_dsp(doubled, multiplier, divisor, zero)"


def expected(acc: Array, multiplier: Array, shift: Array, zero: Array) -> Array:
    scaled = multiply_by_quantized_multiplier(acc, multiplier, shift)
    return np.clip(scaled + zero, -128, 127).astype(np.int32)


def check(folder: Path, acc: Array, multiplier: Array, shift: Array, zero: Array) -> None:
    acc, multiplier, shift, zero = np.broadcast_arrays(acc, multiplier, shift, zero)
    flat = [a.reshape(-1).astype(np.int64) for a in (acc, multiplier, shift, zero)]
    columns = {
        "doubled": 2 * flat[0],
        "multiplier": flat[1],
        "divisor": -(np.int64(1) << (32 + flat[2])),
        "zero": flat[3],
    }
    got = map_arrays(
        folder, HEADER, EXPRESSION, "int32", {n: a.astype(np.int32) for n, a in columns.items()}
    )
    np.testing.assert_array_equal(got, expected(*flat))


def test_every_small_sum_with_every_shift(tmp_path: Path) -> None:
    acc = np.arange(-4096, 4097)[:, None, None]
    multiplier = np.array([1 << 30, (1 << 30) + 1, 1518500250, (1 << 31) - 1, 0])[:, None]
    shift = np.arange(-31, 0)
    check(tmp_path, acc, multiplier, shift, np.array(0))


def test_random_sums_over_the_whole_range(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    count = 2_000_000
    magnitude = 1 << rng.integers(1, 31, count)
    check(
        tmp_path,
        rng.integers(-magnitude, magnitude),
        rng.integers(1 << 30, 1 << 31, count),
        rng.integers(-31, 0, count),
        rng.integers(-128, 128, count),
    )


def test_ties_of_both_roundings(tmp_path: Path) -> None:
    """Sums at and beside each place where a rounding could go either way."""
    rng = np.random.default_rng(12)
    multiplier = rng.integers(1 << 30, 1 << 31, 4000)[:, None, None]
    shift = rng.integers(-16, 0, 4000)[:, None, None]
    halves = (2 * rng.integers(-160, 160, 4000) + 1)[:, None, None]
    near = (halves.astype(object) << (30 - shift)) // multiplier
    steps = np.arange(-3, 4)
    acc = near.astype(np.int64) + steps
    keep = np.abs(acc) < 1 << 30
    check(tmp_path, np.where(keep, acc, 0), multiplier, shift, np.array(-128))
    powers = np.array([1 << 30])
    exact_ties = np.arange(-1025, 1026)[:, None] * 2 + 1
    check(tmp_path, exact_ties, powers, np.arange(-8, 0), np.array(3))


def test_negative_rounding_cannot_be_seen_under_a_relu(tmp_path: Path) -> None:
    """What the `_relu` functions leave out: with a least output of the zero point it is hidden."""
    rng = np.random.default_rng(13)
    count = 1_000_000
    acc = rng.integers(-(1 << 20), 1 << 20, count)
    multiplier = rng.integers(1 << 30, 1 << 31, count)
    shift = rng.integers(-14, 0, count)
    zero = rng.integers(-128, 128, count)
    upward = map_arrays(
        tmp_path,
        HEADER,
        "mw_saturate_s8(mw_high_mul_sub_round(mw_high_mul_round(doubled, multiplier), divisor, "
        "zero))",
        "int32",
        {
            "doubled": (2 * acc).astype(np.int32),
            "multiplier": multiplier.astype(np.int32),
            "divisor": (-(np.int64(1) << (32 + shift))).astype(np.int32),
            "zero": zero.astype(np.int32),
        },
    )
    wanted = np.maximum(expected(acc, multiplier, shift, zero), zero)
    np.testing.assert_array_equal(np.maximum(upward, zero), wanted)
