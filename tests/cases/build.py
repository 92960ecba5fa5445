# SPDX-License-Identifier: MIT
"""Random tensors and sites that cases are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from milliwatt.backend.mcu.kernel import Site
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.base import Op

Case = tuple[Site, list[Array]]

EXTREMES = 0.1
"""Share of elements set to the ends of their range."""


def tensor(
    shape: Sequence[int], dtype: DType, scale: float | None = None, zero_point: int = 0
) -> TensorType:
    """A type with per-tensor quantisation, or none where `scale` is None."""
    quant = None if scale is None else Quant.per_tensor(float(np.float32(scale)), zero_point)
    return TensorType(tuple(shape), dtype, quant)


def per_channel(
    shape: Sequence[int], dtype: DType, axis: int, rng: np.random.Generator
) -> TensorType:
    """A type with a random scale for each element along `axis`."""
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, shape[axis]))
    return TensorType(tuple(shape), dtype, Quant(scales, (0,) * shape[axis], axis))


def values(kind: TensorType, rng: np.random.Generator) -> Array:
    """Random elements over the type's whole range, its ends more often than chance has them."""
    if kind.dtype is DType.FLOAT32:
        return rng.normal(0, 2, kind.shape).astype(np.float32)
    low, high = kind.dtype.integer_range
    array = rng.integers(low, high, kind.shape, endpoint=True)
    ends = rng.choice([low, high], kind.shape)
    chosen = np.where(rng.random(kind.shape) < EXTREMES, ends, array)
    return chosen.astype(kind.dtype.numpy)


def case(
    op: Op,
    operands: Sequence[tuple[TensorType, Array]],
    outputs: Sequence[TensorType],
    constant: Sequence[int] = (),
) -> Case:
    """A site whose inputs `constant` are known at compile time."""
    kinds = tuple(kind for kind, _ in operands)
    arrays = [array for _, array in operands]
    known = tuple(a if i in constant else None for i, a in enumerate(arrays))
    shapes = op.infer(kinds)
    if shapes != tuple(t.shape for t in outputs):
        raise ValueError(f"{op}: outputs {outputs} should have shapes {shapes}")
    op.check(kinds, tuple(outputs))
    return Site(op, kinds, tuple(outputs), known), arrays
