# SPDX-License-Identifier: MIT
"""Every reference equals TFLM, value for value, and LiteRT's reference kernels where they agree.

Float results are compared within 5e-5 of the largest result: the references sum in double, the
oracles in float32, over up to 1,275 products here.
"""

from dataclasses import replace

import numpy as np
import pytest

from milliwatt.ir.types import Array, DType
from milliwatt.ops.base import Activation
from tests.ops.draws import FAMILIES, Application, draws, quantize
from tests.oracles.litert import run_litert
from tests.oracles.tflite_graph import graph_to_tflite, one_operator
from tests.oracles.tflm import Tflm

pytestmark = pytest.mark.oracle

COUNT = 40
FLOAT_BOUND = 5e-5
ARENA_BYTES = 1 << 20

EVERYWHERE = [(family, dtype) for family, (_, dtypes) in FAMILIES.items() for dtype in dtypes]


def equal(application: Application, expected: list[Array], steps: int = 0) -> bool:
    """Whether the reference gives this within `steps` (for float32: within the bound)."""
    made = application.op.reference(application.values, application.inputs, application.outputs)
    assert len(made) == len(expected)
    for ours, theirs in zip(made, expected, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        largest = float(np.abs(theirs).max(initial=1))
        bound = FLOAT_BOUND * largest if ours.dtype.kind == "f" else steps
        if not np.allclose(ours.astype(np.float64), theirs, rtol=0, atol=bound):
            return False
    return True


def model_of(application: Application) -> bytes:
    graph = one_operator(
        application.op, application.inputs, application.outputs, application.constant
    )
    return graph_to_tflite(graph)


@pytest.mark.parametrize(("family", "dtype"), EVERYWHERE)
def test_equals_tflm(family: str, dtype: DType) -> None:
    for application in draws(family, dtype, COUNT):
        application.op.check(application.inputs, application.outputs)
        tflm = Tflm(model_of(application), arena_bytes=ARENA_BYTES)
        assert equal(application, tflm.invoke(application.given)), application


LITERT_STEPS = {("dense", DType.INT8): 1, ("dense", DType.INT16): 1}
"""LiteRT's fully connected layer rounds once where TFLM rounds twice: at most one step apart."""


@pytest.mark.parametrize(("family", "dtype"), EVERYWHERE)
def test_equals_litert(family: str, dtype: DType) -> None:
    applications = [
        a
        for a in draws(family, dtype, COUNT // 2, seed=1)
        if a.outputs[0].dtype is not DType.INT32  # LiteRT requantises nothing to int32
    ]
    assert applications
    for application in applications:
        expected = run_litert(model_of(application), application.given)
        steps = LITERT_STEPS.get((family, dtype), 0)
        assert equal(application, expected, steps), application


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16, DType.FLOAT32])
def test_transposed_convolution_with_an_activation(dtype: DType) -> None:
    """TFLM ignores it; LiteRT does not."""
    for application in draws("transpose_conv", dtype, COUNT // 2, seed=2):
        clamped = replace(application.op, activation=Activation.RELU6)
        made = replace(application, op=clamped)
        assert equal(made, run_litert(model_of(made), made.given)), made


def test_bilinear_resize_of_int16() -> None:
    """TFLM has none."""
    for made in draws("resize_bilinear", DType.INT16, COUNT // 2):
        assert equal(made, run_litert(model_of(made), made.given)), made


@pytest.mark.parametrize(
    ("dtype", "target"),
    [
        (DType.FLOAT32, DType.UINT8),
        (DType.UINT8, DType.UINT8),
        (DType.UINT8, DType.INT16),
    ],
)
def test_conversions_that_tflm_lacks(dtype: DType, target: DType) -> None:
    for n in range(COUNT // 2):
        made = quantize(dtype, np.random.default_rng(n), [target])
        assert equal(made, run_litert(model_of(made), made.given)), made
