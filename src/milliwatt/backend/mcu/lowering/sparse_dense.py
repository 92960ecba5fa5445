# SPDX-License-Identifier: MIT
"""Fully connected layers most of whose weights are zero, with the DSP instructions."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site
from milliwatt.backend.mcu.lowering import dsp_dense
from milliwatt.backend.mcu.lowering._shared import fixed, passed
from milliwatt.backend.mcu.lowering.dense import rows_overlap
from milliwatt.backend.mcu.lowering.dsp_dense import filters_of
from milliwatt.backend.mcu.lowering.dsp_layout import DspKernel
from milliwatt.backend.mcu.lowering.sparse_layout import (
    best_form,
    expanded_pairs,
    sparse_scales,
    sparse_words,
    work,
)
from milliwatt.ir.types import DType
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range

MARGIN = 0.9
"""As in sparse_conv."""


def _pays(site: Site) -> bool:
    """Whether fewer instructions are predicted than of the dense kernel."""
    weights = filters_of(site).weights
    pairs, live = work(best_form(weights, [weights.shape[1]])[1])
    return 7 * pairs + 16 * live < MARGIN * (1.12 * weights.size + 9 * len(weights))


def accepts(site: Site) -> bool:
    """Whether the site is a fully connected layer that has few weights."""
    return dsp_dense.accepts(site) and _pays(site)


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows = x.elements // depth
    filters = filters_of(site)
    form, stored = best_form(filters.weights, [depth])
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_fully_connected_sparse_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(rows, depth, channels, y.zero_point),
            *fixed(low, high, form.value),
        ),
        (sparse_words(filters, y, (low, high), stored), sparse_scales(filters, stored)),
        scratch_bytes=4 * len(expanded_pairs([depth], form)),
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel(
        "fully_connected_sparse_s8_dsp", "mw_fully_connected_sparse_s8_dsp.h", accepts, _lower
    ),
)
