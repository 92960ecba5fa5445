# SPDX-License-Identifier: MIT
"""The fast references equal the layers' definitions, element by element."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from tests.ops.direct import element
from tests.ops.draws import FAMILIES, Application, values

LAYERS = ("conv2d", "depthwise", "transpose_conv", "dense", "average_pool", "max_pool")
ELEMENTS = 20


def check(made: Application, rng: np.random.Generator) -> None:
    """Some elements of the reference's output, the first and the last among them."""
    (result,) = made.op.reference(made.values, made.inputs, made.outputs)
    flat = {0, result.size - 1, *rng.integers(result.size, size=ELEMENTS).tolist()}
    for position in flat:
        index = tuple(int(i) for i in np.unravel_index(position, result.shape))
        assert result[index] == element(made, index), (made, index)


@given(
    st.sampled_from(LAYERS),
    st.sampled_from([DType.INT8, DType.INT16]),
    st.integers(0, 1 << 32),
)
def test_random_applications(family: str, dtype: DType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    check(FAMILIES[family][0](dtype, rng), rng)


@given(st.sampled_from(LAYERS[:4]), st.booleans(), st.integers(0, 1 << 32))
def test_forms_that_tflm_lacks(family: str, narrow: bool, seed: int) -> None:
    """int16 with 32-bit accumulators everywhere, or with int4 weights."""
    rng = np.random.default_rng(seed)
    made = FAMILIES[family][0](DType.INT16, rng)
    x, weights, bias = made.inputs
    x_value, weights_value, bias_value = made.values
    if narrow:
        weights = replace(weights, dtype=DType.INT4)
        weights_value = weights_value >> 4
    else:
        bias = replace(bias, dtype=DType.INT32)
        bias_value = bias_value.astype(np.int32)
    inputs, given_values = (x, weights, bias), (x_value, weights_value, bias_value)
    made.op.check(inputs, made.outputs)
    check(replace(made, inputs=inputs, values=given_values), rng)


def per_tensor(shape: tuple[int, ...], dtype: DType, scale: float, zero: int) -> TensorType:
    return TensorType(shape, dtype, Quant.per_tensor(scale, zero))


@pytest.mark.parametrize("zero", [-7, 0, 100])
def test_weights_with_a_zero_point(zero: int) -> None:
    """As uint8 networks have them; TFLM's convolutions take none, so no oracle."""
    rng = np.random.default_rng(zero + 128)
    x = per_tensor((1, 4, 4, 3), DType.INT8, 0.1, -5)
    bias = TensorType((6,), DType.INT32)
    for op, shape in (
        (Conv2D((1, 1), (1, 1), Padding(1, 1, 1, 1), Activation.RELU), (6, 3, 3, 3)),
        (DepthwiseConv2D((2, 1), (1, 1), Padding(), Activation.NONE), (1, 2, 3, 6)),
        (FullyConnected(Activation.NONE, False), (6, 48)),
    ):
        weights = per_tensor(shape, DType.INT8, 0.02, zero)
        inputs = (x, weights, bias)
        y = per_tensor(op.infer(inputs)[0], DType.INT8, 1.5, 3)
        op.check(inputs, (y,))
        given_values = (values(x, rng), values(weights, rng), rng.integers(-999, 999, 6, np.int32))
        check(Application(op, inputs, (y,), given_values), rng)


def test_explicit_padding_of_every_side() -> None:
    rng = np.random.default_rng(5)
    op = Conv2D((2, 1), (1, 2), Padding(3, 0, 1, 4), Activation.NONE)
    x = per_tensor((1, 5, 4, 2), DType.INT8, 0.1, 17)
    weights = per_tensor((3, 2, 3, 2), DType.INT8, 0.02, 0)
    inputs = (x, weights, TensorType((3,), DType.INT32))
    y = per_tensor(op.infer(inputs)[0], DType.INT8, 0.5, -3)
    given_values = (values(x, rng), values(weights, rng), np.zeros(3, np.int32))
    check(Application(op, inputs, (y,), given_values), rng)
