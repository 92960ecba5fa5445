# SPDX-License-Identifier: MIT
"""Fully connected layers most of whose weights are zero, with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import dense as dsp_dense
from milliwatt.backend.mcu.lowering.dsp.dense import filters_of
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel, four_channel_words, scale_words
from milliwatt.backend.mcu.lowering.dsp.sparse_layout import (
    FARTHEST,
    best_form,
    expanded_pairs,
    sparse_scales,
    sparse_words,
    stored_pairs,
    work,
)
from milliwatt.backend.mcu.lowering.portable.dense import rows_overlap
from milliwatt.ir.types import Array, DType
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range

MARGIN = 0.9
"""As in sparse_conv."""
BLOCK = 4
"""Channels, and inputs, of a block."""


def _pairs_cost(site: Site) -> float:
    """Instructions predicted of the kernel that stores pairs."""
    weights = filters_of(site).weights
    pairs, live = work(weights, [weights.shape[1]])
    return 7 * pairs + 16 * live


def _dense_cost(site: Site) -> float:
    """Instructions predicted of the kernel of all weights."""
    channels, depth = site.inputs[1].shape
    return channels * (1.12 * depth + 9)


def accepts(site: Site) -> bool:
    """Whether the site is a fully connected layer that has few weights."""
    return dsp_dense.accepts(site) and _pairs_cost(site) < MARGIN * _dense_cost(site)


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows = x.elements // depth
    filters = filters_of(site)
    form = best_form(filters.weights, [depth])
    stored = stored_pairs(filters.weights, [depth], form)
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


def _blocks(site: Site) -> Array:
    """Which blocks of 4 channels and 4 inputs have weights: bool, first axis channels."""
    weights = filters_of(site).weights
    channels, depth = weights.shape
    by_block = weights.reshape(channels // BLOCK, BLOCK, depth // BLOCK, BLOCK)
    return np.abs(by_block).max(axis=(1, 3)) > 0


def _accepts_blocks(site: Site) -> bool:
    """Whether few blocks have weights, and skipping pairs would take more instructions."""
    if not dsp_dense.accepts(site) or not dsp_dense.is_packed(site):
        return False
    channels, depth = site.inputs[1].shape
    if channels % BLOCK or depth % BLOCK or depth > BLOCK * FARTHEST:
        return False
    blocks = _blocks(site)
    cost = float(24 * blocks.sum() + 60 * len(blocks))
    return cost < MARGIN * _dense_cost(site) and cost < _pairs_cost(site)


def _block_tables(site: Site) -> tuple[Table, Table]:
    """Four channels at a time: how many blocks, starting values, words; and the blocks skipped."""
    blocks = _blocks(site)
    words = four_channel_words(filters_of(site), True).data
    by_channels = words.reshape(len(blocks), BLOCK + blocks.shape[1] * BLOCK)
    weights: list[Array] = []
    skips: list[Array] = []
    for row, stored in zip(by_channels, blocks, strict=True):
        weights += [np.array([stored.sum()]), row[:BLOCK]]
        weights.append(row[BLOCK:].reshape(-1, BLOCK)[stored].reshape(-1))
        skips.append(np.diff(np.flatnonzero(stored), prepend=0))
    return (
        Table("weights", np.concatenate(weights).astype(np.int32)),
        Table("skips", np.append(np.concatenate(skips), 0).astype(np.uint8), alignment=1),
    )


def _lower_blocks(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    x, (y,) = site.inputs[0], site.outputs
    channels, depth = site.inputs[1].shape
    rows = x.elements // depth
    return Lowered(
        "mw_fully_connected_blocks_s8_dsp",
        (
            *(In(0), Out(0), Ref("weights"), Ref("skips"), Ref("scales")),
            *passed(rows, depth, channels, y.zero_point),
            *fixed(*activation_range(op.activation, y)),
        ),
        (*_block_tables(site), scale_words(filters_of(site))),
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel(
        "fully_connected_blocks_s8_dsp",
        "mw_fully_connected_blocks_s8_dsp.h",
        _accepts_blocks,
        _lower_blocks,
    ),
    DspKernel(
        "fully_connected_sparse_s8_dsp", "mw_fully_connected_sparse_s8_dsp.h", accepts, _lower
    ),
)
