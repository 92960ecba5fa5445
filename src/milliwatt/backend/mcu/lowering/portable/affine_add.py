# SPDX-License-Identifier: MIT
"""Sums of int8 as one affine form, where that form is the requantised sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Site
from milliwatt.backend.mcu.lowering.common.shared import PortableKernel, fixed, is_site, passed
from milliwatt.backend.mcu.lowering.portable.arith import in_place
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.arith import Add, Sub
from milliwatt.ops.base import Op
from milliwatt.quant.arith import activation_range

_REACH = 2
"""How far from the rounded factors others are tried."""
_LARGEST_SHIFT = 30
_VALUES = np.arange(-128, 128, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Affine:
    """y = (a_factor * a + b_factor * b + start) >> shift, before the clamp."""

    a_factor: int
    b_factor: int
    start: int
    shift: int


@lru_cache(maxsize=256)
def find_affine(op: Op, a: TensorType, b: TensorType, y: TensorType) -> Affine | None:
    """A form equal to the reference of `op`, Add or Sub, for every two int8 values.

    All types are of shape 256 x 256. The form does not leave 32 bits. None where none is found.
    """
    assert isinstance(op, Add | Sub)
    left, right = np.meshgrid(_VALUES, _VALUES, indexing="ij")
    (wanted,) = op.reference((left, right), (a, b), (y,))
    low, high = activation_range(op.activation, y)
    for a_factor, b_factor, shift in _factors(op, a, b, y):
        sums = a_factor * left.astype(np.int64) + b_factor * right.astype(np.int64)
        start = _start(sums, wanted.astype(np.int64), shift, low, high)
        if start is not None and abs(start) + 128 * (abs(a_factor) + abs(b_factor)) < 1 << 31:
            return Affine(a_factor, b_factor, start, shift)
    return None


def _factors(op: Op, a: TensorType, b: TensorType, y: TensorType) -> Iterator[tuple[int, int, int]]:
    """Pairs of factors near the real ones and their shift, the most precise shift's first."""
    ratios = a.scale / y.scale, b.scale / y.scale
    room = (1 << 31) / (128 * (sum(ratios) + 2))
    shift = min(int(np.floor(np.log2(room))), _LARGEST_SHIFT)
    nearest = [round(ratio * 2.0**shift) for ratio in ratios]
    sign = -1 if isinstance(op, Sub) else 1
    steps = range(-_REACH, _REACH + 1)
    for da, db in sorted(product(steps, steps), key=lambda d: (abs(d[0]) + abs(d[1]), d)):
        yield nearest[0] + da, sign * (nearest[1] + db), shift


def _start(sums: Array, wanted: Array, shift: int, low: int, high: int) -> int | None:
    """A number that makes every (sum + it) >> shift, clamped, the one wanted; None if none does."""
    least = ((wanted << shift) - sums)[wanted > low]
    most = (((wanted + 1) << shift) - 1 - sums)[wanted < high]
    if not least.size or not most.size or least.max() > most.min():
        return None
    return int(least.max() + most.min()) // 2


def _form(site: Site) -> Affine | None:
    a, b, y = (replace(kind, shape=(256, 256)) for kind in (*site.inputs, *site.outputs))
    return find_affine(site.op, a, b, y)


def _accepts(site: Site) -> bool:
    if not is_site(site, (Add, Sub), DType.INT8) or site.inputs[1].dtype is not DType.INT8:
        return False
    a, b = site.inputs
    (y,) = site.outputs
    return a.elements == b.elements == y.elements and _form(site) is not None


def _lower(site: Site) -> Lowered:
    op, (y,) = site.op, site.outputs
    assert isinstance(op, Add | Sub)
    form = _form(site)
    assert form is not None
    return Lowered(
        "mw_add_affine_s8",
        (
            *(In(0), In(1), Out(0)),
            *passed(y.elements, form.a_factor, form.b_factor, form.start),
            *fixed(form.shift, *activation_range(op.activation, y)),
        ),
        overlaps=in_place(site),
    )


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("add_affine_s8", "mw_add_affine_s8.h", _accepts, _lower),
)
