# SPDX-License-Identifier: MIT
"""Fully connected layers most of whose blocks of weights are zeros, on cores with Helium."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Site, Table
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.dense import filters_of
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.mve import dense as mve_dense
from milliwatt.backend.mcu.lowering.mve.dense import BLOCK, EVENS_FIRST, dense_scales
from milliwatt.backend.mcu.lowering.mve.layout import VECTOR, MveKernel, by_blocks, form_of
from milliwatt.backend.mcu.lowering.portable.dense import rows_overlap
from milliwatt.ir.types import Array, DType
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up

MARGIN = 0.9
"""The kernel is offered where it is predicted to take less than this share of the dense kernel's
instructions."""


def accepts(site: Site) -> bool:
    """Whether the usual kernel takes the site, whose inputs fill vectors."""
    return mve_dense.accepts(site) and site.inputs[1].shape[1] % VECTOR == 0


def _blocks(weights: Array) -> Array:
    """weights[channels, depth], filled up: [groups of 8 channels, 8, vectors, 16]."""
    channels, depth = weights.shape
    full = np.zeros((align_up(channels, BLOCK), depth), np.int8)
    full[:channels] = weights
    return full.reshape(-1, BLOCK, depth // VECTOR, VECTOR)


def kept_blocks(weights: Array) -> list[Array]:
    """For each eight channels the places of their blocks that hold a weight, at least one."""
    used = np.asarray(_blocks(weights).any(axis=(1, 3)))
    places = [np.flatnonzero(used[group]) for group in range(len(used))]
    return [found if len(found) else np.zeros(1, np.int64) for found in places]


def _pays(site: Site) -> bool:
    """Whether fewer instructions are predicted than of the dense kernel."""
    kept = kept_blocks(filters_of(site).weights)
    vectors = site.inputs[1].shape[1] // VECTOR
    sparse = sum(20 * len(places) + 30 for places in kept)
    return sparse < MARGIN * len(kept) * (17.5 * vectors + 27)


def sparse_weights(filters: Filters) -> Table:
    """Weights and biases, as mw_fully_connected_sparse_s8_mve.h reads them."""
    parts: list[Array] = []
    biases = by_blocks(filters.bias, BLOCK, EVENS_FIRST)
    kept = kept_blocks(filters.weights)
    for bias, blocks, places in zip(biases, _blocks(filters.weights), kept, strict=True):
        head = np.concatenate([[len(places) - 1], bias]).astype("<i4").view(np.int8)
        distances = (VECTOR * np.diff(places, prepend=0)).astype("<i4").view(np.int8)
        weights = blocks[:, places].transpose(1, 0, 2).reshape(len(places), -1)
        parts += [head, np.hstack([distances.reshape(-1, 4), weights]).reshape(-1)]
    return Table("weights", np.concatenate(parts))


def _accepts(site: Site) -> bool:
    return accepts(site) and _pays(site)


def _lower(site: Site) -> Lowered:
    op, (y,) = site.op, site.outputs
    assert isinstance(op, FullyConnected)
    channels, depth = site.inputs[1].shape
    rows = site.inputs[0].elements // depth
    filters = filters_of(site)
    low, high = activation_range(op.activation, y)
    form = form_of(filters, y, op.activation)
    scales, step_bytes = dense_scales(filters, form)
    return Lowered(
        "mw_fully_connected_sparse_s8_mve",
        (
            *(In(0), Out(0), Ref("weights"), Ref("scales")),
            *passed(rows, depth, channels, step_bytes, y.zero_point, low, high),
            *fixed(form),
        ),
        (sparse_weights(filters), scales),
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


KERNELS: tuple[Kernel, ...] = (
    MveKernel(
        "fully_connected_sparse_s8_mve", "mw_fully_connected_sparse_s8_mve.h", _accepts, _lower
    ),
)
