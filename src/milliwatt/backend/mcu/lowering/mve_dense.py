# SPDX-License-Identifier: MIT
"""Fully connected layers on cores with Helium."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site
from milliwatt.backend.mcu.lowering import dsp_dense
from milliwatt.backend.mcu.lowering._shared import fixed, passed
from milliwatt.backend.mcu.lowering.dense import rows_overlap
from milliwatt.backend.mcu.lowering.dsp_layout import has_one_scale
from milliwatt.backend.mcu.lowering.mve_layout import (
    VECTOR,
    MveKernel,
    block_scales,
    block_weights,
)
from milliwatt.ir.types import DType
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

BLOCK = 8
"""Outputs computed together."""
_PADDING_BYTES = 1024
"""Weights that may be zeros filling up blocks, if they are not a small part of all."""


def _accepts(site: Site) -> bool:
    if not dsp_dense.accepts(site):
        return False
    channels, depth = site.inputs[1].shape
    stored = align_up(channels, BLOCK) * align_up(depth, VECTOR)
    return stored - channels * depth <= max(_PADDING_BYTES, channels * depth // 8)


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows, vectors = x.elements // depth, ceil_div(depth, VECTOR)
    filters = dsp_dense.filters_of(site)
    alike = has_one_scale(filters)
    if alike:
        ones = np.ones(BLOCK, np.int64)
        scales = replace(
            filters, multiplier=ones * filters.multiplier[0], shift=ones * filters.shift[0]
        )
    else:
        scales = filters
    low, high = activation_range(op.activation, y)
    copied = depth % VECTOR != 0
    scratch = (Scratch(),) if copied else ()
    return Lowered(
        "mw_fully_connected_copied_s8_mve" if copied else "mw_fully_connected_s8_mve",
        (
            *(In(0), Out(0), *scratch, Ref("weights"), Ref("scales")),
            *passed(rows, depth, vectors, channels, 0 if alike else 8 * BLOCK, y.zero_point),
            *passed(low, high),
            *fixed(int(low >= y.zero_point)),
        ),
        (block_weights(filters, BLOCK), block_scales(scales, BLOCK)),
        scratch_bytes=VECTOR * vectors if copied else 0,
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    MveKernel("fully_connected_s8_mve", "mw_fully_connected_s8_mve.h", _accepts, _lower),
)
