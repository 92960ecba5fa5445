# SPDX-License-Identifier: MIT
"""Fully connected layers on cores with the DSP instructions."""

from __future__ import annotations

from functools import lru_cache

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Site
from milliwatt.backend.mcu.lowering.common.linear import constant, has_int8_parameters
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    Filters,
    can_pack,
    coarse_words,
    folded_filters,
    four_channel_words,
    has_one_scale,
    is_coarse,
    is_exact,
    is_rescaled_exactly,
)
from milliwatt.backend.mcu.lowering.portable.dense import rows_overlap
from milliwatt.ir.types import DType
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import fully_connected_factors


@lru_cache(maxsize=8)
def filters_of(site: Site) -> Filters:
    """The layer's parameters."""
    x, weights, _ = site.inputs
    factors = fully_connected_factors(x, weights, site.outputs[0], weights.shape[0])
    return folded_filters(site, constant(site, 1), factors)


def is_dense(site: Site) -> bool:
    """Whether the site is an int8 fully connected layer."""
    return isinstance(site.op, FullyConnected) and has_int8_parameters(site)


def accepts(site: Site) -> bool:
    """The same, with factors below 1/2."""
    return is_dense(site) and is_exact(filters_of(site))


def computes(site: Site) -> bool:
    """The same, with any factors that there is a form for."""
    return is_dense(site) and is_rescaled_exactly(filters_of(site))


def is_packed(site: Site) -> bool:
    """Whether the kernel is given packed weights."""
    return can_pack(filters_of(site))


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows = x.elements // depth
    filters = filters_of(site)
    packed = can_pack(filters)
    per_channel = not has_one_scale(filters)
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_fully_connected_s8_dsp",
        (
            *(In(0), Out(0), Ref("weights"), Ref("scales")),
            *passed(rows, depth, channels, y.zero_point),
            *fixed(low, high, int(packed), int(per_channel), int(is_coarse(filters))),
        ),
        (four_channel_words(filters, packed), coarse_words(filters, None if per_channel else 1)),
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel("fully_connected_s8_dsp", "mw_fully_connected_s8_dsp.h", computes, _lower),
)
