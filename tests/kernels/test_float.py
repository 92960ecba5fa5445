# SPDX-License-Identifier: MIT
"""float32 kernels lie within stated bounds of their operators' references."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from milliwatt.backend.mcu.lowering.portable import (
    activation,
    conv,
    dense,
    pool,
    recurrent,
    resize,
    transpose_conv,
)
from milliwatt.ir.types import Array
from milliwatt.ops.activation import Logistic, LogSoftmax, Softmax, Tanh
from milliwatt.ops.base import Activation
from milliwatt.ops.pool import AveragePool2D, Mean
from tests.kernels.clib import map_arrays
from tests.kernels.harness import Job, check_kernels, expected
from tests.kernels.test_portable import jobs
from tests.support import needs_gcc

pytestmark = needs_gcc
EPSILON = 2.0**-24
"""Half the distance from 1 to the next float32: the largest relative error of one rounding."""


def linear_bound(job: Job) -> list[Array]:
    """A sum of K products in any order: K + 3 roundings of the sum of magnitudes."""
    site = job.site
    op = replace(site.op, activation=Activation.NONE)
    magnitudes = [np.abs(a) for a in job.inputs]
    (sums,) = op.reference(magnitudes, site.inputs, site.outputs)
    taps = job.inputs[1].size // job.inputs[2].size
    return [(taps + 3) * EPSILON * sums.astype(np.float64)]


def mean_bound(job: Job) -> list[Array]:
    """A mean of n elements: n + 1 roundings of the mean of magnitudes."""
    op, x = job.site.op, job.site.inputs[0]
    count = x.elements // job.site.outputs[0].elements if isinstance(op, Mean) else None
    if isinstance(op, AveragePool2D):
        count = op.filter_hw[0] * op.filter_hw[1]
    return [(count + 1) * EPSILON * np.abs(job.inputs[0]).max() * np.ones(expected(job)[0].shape)]


def blend_bound(job: Job) -> list[Array]:
    """Bilinear blending: nine roundings."""
    return [9 * EPSILON * np.abs(job.inputs[0]).max() * np.ones(expected(job)[0].shape)]


def function_bound(job: Job) -> list[Array]:
    """Logistic and tanh 3 ulp; softmax 1e-6; log-softmax 2e-6 and 3 roundings of the result."""
    wanted = np.abs(expected(job)[0].astype(np.float64))
    match job.site.op:
        case Logistic() | Tanh():
            return [6 * EPSILON * wanted + 2.0**-149]
        case Softmax():
            return [np.full(wanted.shape, 1e-6)]
        case LogSoftmax():
            return [3 * EPSILON * wanted + 2e-6]
        case _:
            raise AssertionError(job.site.op)


def svdf_bound(job: Job) -> list[Array]:
    """Sums of products of sums of products: all roundings of the sum of magnitudes."""
    site = job.site
    magnitudes = [np.abs(a) for a in job.inputs]
    y, state = site.op.reference(magnitudes, site.inputs, site.outputs)
    terms = sum(job.site.inputs[i].shape[1] for i in (1, 2)) * site.op.rank + 4
    return [terms * EPSILON * y.astype(np.float64), terms * EPSILON * state.astype(np.float64)]


def lstm_bound(job: Job) -> list[Array]:
    """1e-5 of the largest state: errors of a step, carried through those that follow."""
    results = expected(job)
    largest = max(1.0, float(np.abs(results[2]).max()))
    return [np.full(r.shape, 1e-5 * largest) for r in results]


BOUNDED: dict[str, tuple] = {
    "conv2d_f32": (conv.KERNELS, linear_bound),
    "depthwise_f32": (conv.KERNELS, linear_bound),
    "transpose_conv_f32": (transpose_conv.KERNELS, linear_bound),
    "dense_f32": (dense.KERNELS, linear_bound),
    "average_pool_f32": (pool.KERNELS, mean_bound),
    "mean_f32": (pool.KERNELS, mean_bound),
    "bilinear_f32": (resize.KERNELS, blend_bound),
    "functions_f32": (activation.KERNELS, function_bound),
    "svdf_f32": (recurrent.KERNELS, svdf_bound),
    "lstm_f32": (recurrent.KERNELS, lstm_bound),
}


@pytest.mark.parametrize("family", BOUNDED)
def test_kernels_are_within_their_bound(family: str) -> None:
    kernels, bound = BOUNDED[family]
    assert check_kernels(jobs(family, kernels), bound=bound) > 0


def _spread(low: float, high: float) -> Array:
    """A million points between two numbers, and every power of two of both signs there."""
    rng = np.random.default_rng(5)
    points = rng.uniform(low, high, 900_000)
    tiny = np.ldexp(rng.uniform(0.5, 1, 100_000), rng.integers(-30, 8, 100_000))
    points = np.concatenate([points, tiny, -tiny, [0.0, low, high]])
    return points[(points >= low) & (points <= high)].astype(np.float32)


@pytest.mark.parametrize(
    ("expression", "function", "low", "high", "ulps"),
    [
        ("mw_exp_f32(x)", np.exp, -87.3, 88.72, 1.1),
        ("mw_log_f32(x)", np.log, 1e-30, 1e30, 1.0),
        ("mw_log_f32(x)", np.log, 0.5, 2.0, 1.0),
        ("mw_tanh_f32(x)", np.tanh, -12.0, 12.0, 2.0),
        ("mw_logistic_f32_of(x)", lambda x: 1 / (1 + np.exp(-x)), -80.0, 30.0, 2.5),
    ],
)
def test_functions_err_by_few_units_in_the_last_place(
    tmp_path, expression: str, function: Callable[[Array], Array], low: float, high: float, ulps
) -> None:
    x = _spread(low, high)
    got = map_arrays(tmp_path, "mw_math_f32.h", expression, "float32", {"x": x})
    exact = function(x.astype(np.float64))
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    error = np.abs(got - exact) / unit
    assert error.max() <= ulps, (x[error.argmax()], error.max())


def test_functions_at_the_ends_of_their_range(tmp_path) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1e4, -1e4, 0.0, 88.72, -103.0], np.float32)
    with np.errstate(over="ignore"):
        for name, function in (("mw_exp_f32", np.exp), ("mw_tanh_f32", np.tanh)):
            got = map_arrays(tmp_path, "mw_math_f32.h", f"{name}(x)", "float32", {"x": x})
            wanted = function(x.astype(np.float64)).astype(np.float32)
            assert np.allclose(got, wanted, rtol=1e-6, atol=3e-45, equal_nan=True), name
