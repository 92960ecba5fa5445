# SPDX-License-Identifier: MIT
"""Fully connected layers with int4 and int2 weights on cores with the DSP instructions."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.dense import filters_of
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    coarse_words,
    has_one_scale,
    is_coarse,
    pairs_of_runs,
)
from milliwatt.backend.mcu.lowering.dsp.subbyte_layout import (
    has_subbyte_parameters,
    is_subbyte_exact,
    packing_of,
    subbyte_words,
)
from milliwatt.backend.mcu.lowering.portable.dense import rows_overlap
from milliwatt.ir.types import DType
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range


def _accepts(site: Site) -> bool:
    return (
        isinstance(site.op, FullyConnected)
        and has_subbyte_parameters(site)
        and is_subbyte_exact(filters_of(site), packing_of(site))
    )


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows = x.elements // depth
    filters, packing = filters_of(site), packing_of(site)
    per_channel = not has_one_scale(filters)
    pairs = pairs_of_runs([depth])
    words = packing.words(len(pairs))
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_fully_connected_subbyte_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(rows, depth, channels, words, y.zero_point),
            *fixed(low, high, packing.bits, int(is_coarse(filters)), int(per_channel)),
        ),
        (
            subbyte_words(filters, pairs, packing),
            coarse_words(filters, None if per_channel else 1),
        ),
        scratch_bytes=4 * words * packing.pairs_per_word,
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel("fully_connected_subbyte_dsp", "mw_fully_connected_subbyte_dsp.h", _accepts, _lower),
)
