# SPDX-License-Identifier: MIT
"""A sum's affine form is the reference's for every two operands, and is nearly always found."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu.lowering.portable.affine_add import find_affine
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.arith import Add, Sub
from milliwatt.ops.base import Activation
from milliwatt.quant.arith import activation_range
from tests.cases.build import tensor

SHAPE = (256, 256)
VALUES = np.arange(-128, 128, dtype=np.int8)

operands = st.builds(
    lambda scale, zero: tensor(SHAPE, DType.INT8, scale, zero),
    st.floats(1e-3, 1.0),
    st.integers(-128, 127),
)
sums = st.builds(
    lambda op, activation: op(activation), st.sampled_from((Add, Sub)), st.sampled_from(Activation)
)


def every_pair() -> tuple[Array, Array]:
    left, right = np.meshgrid(VALUES, VALUES, indexing="ij")
    return left, right


@settings(max_examples=60, deadline=None)
@given(op=sums, a=operands, b=operands, y=operands)
def test_form_is_the_reference(op: Add | Sub, a: TensorType, b: TensorType, y: TensorType) -> None:
    form = find_affine(op, a, b, y)
    if form is None:
        return
    left, right = every_pair()
    (wanted,) = op.reference((left, right), (a, b), (y,))
    total = form.start + form.a_factor * left.astype(np.int64)
    total += form.b_factor * right.astype(np.int64)
    assert np.abs(total).max() < 1 << 31
    found = np.clip(total >> form.shift, *activation_range(op.activation, y))
    np.testing.assert_array_equal(found, wanted)


def test_form_is_found_for_scales_of_one_size() -> None:
    rng = np.random.default_rng(0)
    forms = []
    for _ in range(100):
        a, b, y = (tensor(SHAPE, DType.INT8, scale, 3) for scale in rng.uniform(0.02, 0.08, 3))
        forms.append(find_affine(Add(Activation.NONE), a, b, y))
    assert sum(form is not None for form in forms) >= 90
