# SPDX-License-Identifier: MIT
"""Fully connected layers on cores with Helium."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import has_int8_parameters
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import dense as dsp_dense
from milliwatt.backend.mcu.lowering.dsp.layout import Filters, has_one_scale
from milliwatt.backend.mcu.lowering.mve.layout import (
    ANY,
    VECTOR,
    MveKernel,
    block_scales,
    block_weights,
    fits,
    form_of,
    scale_parts,
)
from milliwatt.backend.mcu.lowering.portable.dense import rows_overlap
from milliwatt.ir.types import DType
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

BLOCK = 8
"""Outputs computed together."""
EVENS_FIRST = np.array([0, 2, 4, 6, 1, 3, 5, 7])
"""The order of a block's biases and scales."""
_PADDING_BYTES = 1024
"""Weights that may be zeros filling up blocks, if they are not a small part of all."""


def accepts(site: Site) -> bool:
    """Whether the site is an int8 fully connected layer, exactly computed, its blocks filled."""
    return (
        isinstance(site.op, FullyConnected)
        and has_int8_parameters(site)
        and fits(dsp_dense.filters_of(site))
        and is_filled(site)
    )


def is_filled(site: Site) -> bool:
    """Whether not too many of the weights stored would be zeros filling up blocks."""
    channels, depth = site.inputs[1].shape
    stored = align_up(channels, BLOCK) * align_up(depth, VECTOR)
    filler_bytes = (stored - channels * depth) * site.inputs[1].dtype.bits // 8
    return filler_bytes <= max(_PADDING_BYTES, site.inputs[1].size_bytes // 8)


def dense_scales(filters: Filters, form: int) -> tuple[Table, int]:
    """The scales, and how far those of a block are from the next: 0 where all are alike."""
    if not has_one_scale(filters):
        table = block_scales(filters, BLOCK, form, EVENS_FIRST)
        return table, len(scale_parts(filters, form)) * 4 * BLOCK
    ones = np.ones(BLOCK, np.int64)
    alike = replace(filters, multiplier=ones * filters.multiplier[0], shift=ones * filters.shift[0])
    return block_scales(alike, BLOCK, form), 0


def _one_scale(filters: Filters) -> Table:
    """The multiplier and the shift of all channels."""
    data = np.array([filters.multiplier[0], filters.shift[0]], np.int32)
    return Table("scales", data, "constants")


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows, vectors = x.elements // depth, ceil_div(depth, VECTOR)
    filters = dsp_dense.filters_of(site)
    low, high = activation_range(op.activation, y)
    form = form_of(filters, y, op.activation)
    alike = form != ANY and has_one_scale(filters)
    scales, step_bytes = (_one_scale(filters), 0) if alike else dense_scales(filters, form)
    copied = depth % VECTOR != 0
    scratch = (Scratch(),) if copied else ()
    return Lowered(
        "mw_fully_connected_copied_s8_mve" if copied else "mw_fully_connected_s8_mve",
        (
            *(In(0), Out(0), *scratch, Ref("weights"), Ref("scales")),
            *passed(rows, depth, vectors, channels, step_bytes, y.zero_point, low, high),
            *fixed(form, int(alike)),
        ),
        (block_weights(filters, BLOCK, EVENS_FIRST), scales),
        scratch_bytes=VECTOR * vectors if copied else 0,
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    MveKernel("fully_connected_s8_mve", "mw_fully_connected_s8_mve.h", accepts, _lower),
)
