# SPDX-License-Identifier: MIT
"""mw_requantize.h equals quant/arith.py over the whole range."""

import numpy as np

from milliwatt.quant import arith
from tests.kernels.clib import map_arrays
from tests.support import needs_gcc

pytestmark = needs_gcc
EDGES = np.array([0, 1, -1, 2, -2, 2**30, -(2**30), 2**31 - 1, -(2**31), 2**31 - 2, 1 - 2**31])


def _numbers(rng: np.random.Generator, count: int) -> np.ndarray:
    spread = rng.integers(-(2**31), 2**31, count) >> rng.integers(0, 32, count)
    return np.concatenate([EDGES, spread]).astype(np.int32)


def test_requantize_equals_the_reference(tmp_path) -> None:
    rng = np.random.default_rng(1)
    acc = _numbers(rng, 100_000)
    multiplier = rng.integers(2**30, 2**31, acc.size).astype(np.int32)
    multiplier[::97] = rng.choice([2**30, 2**31 - 1, 0], multiplier[::97].size)
    shift = rng.integers(-31, 31, acc.size).astype(np.int32)
    got = map_arrays(
        *(tmp_path, "mw_requantize.h", "mw_requantize(acc, multiplier, shift)", "int32"),
        {"acc": acc, "multiplier": multiplier, "shift": shift},
    )
    wanted = arith.multiply_by_quantized_multiplier(acc, multiplier, shift)
    assert np.array_equal(got, wanted)


def test_high_mul_from_halves_equals_the_long_one(tmp_path) -> None:
    rng = np.random.default_rng(4)
    a, b = _numbers(rng, 200_000), np.abs(_numbers(rng, 200_000).astype(np.int64))
    b = np.minimum(b, 2**31 - 1).astype(np.int32)
    a, b = np.concatenate([a, np.repeat(EDGES, 3)]), np.concatenate([b, [0, 1, 2**31 - 1] * 11])
    numbers = {"a": a.astype(np.int32), "b": b.astype(np.int32)}
    for signs in (1, -1):
        numbers["b"] *= np.int32(signs)
        halves, whole = (
            map_arrays(
                tmp_path, "mw_requantize.h", f"mw_doubling_high_mul_{n}(a, b)", "int32", numbers
            )
            for n in (32, 64)
        )
        assert np.array_equal(halves, whole)


def test_doubling_high_mul_equals_the_reference(tmp_path) -> None:
    rng = np.random.default_rng(2)
    a, b = _numbers(rng, 50_000), _numbers(rng, 50_000)
    a, b = np.concatenate([a, EDGES.astype(np.int32)]), np.concatenate([b, EDGES.astype(np.int32)])
    got = map_arrays(
        *(tmp_path, "mw_requantize.h", "mw_saturating_doubling_high_mul(a, b)", "int32"),
        {"a": a, "b": b},
    )
    assert np.array_equal(got, arith.saturating_rounding_doubling_high_mul(a, b))


def test_rounding_divide_by_pot_equals_the_reference(tmp_path) -> None:
    rng = np.random.default_rng(3)
    x = _numbers(rng, 50_000)
    exponent = rng.integers(0, 32, x.size).astype(np.int32)
    got = map_arrays(
        *(tmp_path, "mw_requantize.h", "mw_rounding_divide_by_pot(x, exponent)", "int32"),
        {"x": x, "exponent": exponent},
    )
    assert np.array_equal(got, arith.rounding_divide_by_pot(x, exponent))
