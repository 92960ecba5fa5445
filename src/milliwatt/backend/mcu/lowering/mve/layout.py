# SPDX-License-Identifier: MIT
"""Constants laid out for the Helium kernels' loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Lowered, Site, Table
from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Activation
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

VECTOR = 16
"""Bytes of a vector."""
PLAIN, RELU, RELU_CLAMPED, ANY = range(4)
"""MW_MVE_PLAIN, MW_MVE_RELU, MW_MVE_RELU_CLAMPED and MW_MVE_ANY of mw_requantize_mve.h."""
_LARGEST_RESULT = (1 << 15) - 256
"""What rescaled sums may come to, so that they fit 16 bits with a zero point."""
_SIGN, _NOTHING = -31, -32
"""Shifts that leave a negative number's sign as 1, and 0."""


@dataclass(frozen=True, slots=True)
class MveKernel:
    """A kernel for cores with Helium: what it accepts, and how it is called."""

    name: str
    header: str
    accepts: Callable[[Site], bool]
    build: Callable[[Site], Lowered]

    def supports(self, site: Site, core: Core) -> bool:
        """Whether the core has the instructions and the site is one of this kernel's."""
        return core.mve and self.accepts(site)

    def lower(self, site: Site) -> Lowered:
        """The call."""
        return self.build(site)


def without_left_shifts(filters: Filters) -> Filters:
    """`filters`, with the weights and biases of channels shifted to the left shifted instead.

    Only of channels whose weights stay int8.
    """
    factor = np.left_shift(1, np.clip(filters.shift, 0, 7))
    fits = (np.abs(filters.weights).max(axis=1) * factor <= 127) & (filters.shift <= 7)
    factor = np.where(fits, factor, 1)
    return Filters(
        filters.weights * factor[:, None],
        filters.bias * factor,
        filters.multiplier,
        np.where(fits, np.minimum(filters.shift, 0), filters.shift),
    )


def fits(filters: Filters) -> bool:
    """Whether weights are int8, and sums, shifted to the left where a channel is, below 2**30."""
    left = np.where(filters.multiplier == 0, 0, np.maximum(filters.shift, 0))
    return bool(
        filters.weights.min() >= -128
        and filters.weights.max() <= 127
        and (_reach(filters) * 2.0**left).max() < 1 << 30
    )


def form_of(filters: Filters, y: TensorType, activation: Activation) -> int:
    """The form of requantisation that a layer needs."""
    low, high = activation_range(activation, y)
    relu, saturated = low >= y.zero_point, (low, high) == y.dtype.integer_range
    highest_shift = filters.shift[filters.multiplier != 0].max(initial=-1)
    is_coarse = highest_shift > 0 or (highest_shift == 0 and not relu)
    results = _reach(filters) * filters.multiplier * 2.0 ** (filters.shift - 31)
    if is_coarse or results.max() > _LARGEST_RESULT:
        return ANY
    if relu:
        return RELU if saturated else RELU_CLAMPED
    return PLAIN if saturated else ANY


def _reach(filters: Filters) -> Array:
    """What no sum of each channel exceeds."""
    return np.abs(filters.bias) + 128 * np.abs(filters.weights).sum(axis=1)


def block_weights(filters: Filters, block: int, order: Array | None = None) -> Table:
    """Weights and biases for kernels that compute `block` channels together.

    For every `block` channels their biases, then for each 16 taps the channels' weights in turn.
    Absent channels and taps are zeros. The biases of a block stand in that `order`.
    """
    channels, depth = filters.weights.shape
    vectors, blocks = ceil_div(depth, VECTOR), ceil_div(channels, block)
    full = np.zeros((blocks * block, vectors * VECTOR), np.int8)
    full[:channels, :depth] = filters.weights
    by_vector = full.reshape(blocks, block, vectors, VECTOR).transpose(0, 2, 1, 3)
    biases = by_blocks(filters.bias, block, order).astype("<i4").view(np.int8)
    words = np.concatenate([biases, by_vector.reshape(blocks, -1)], axis=1)
    return Table("weights", words.reshape(-1))


def block_scales(filters: Filters, block: int, form: int, order: Array | None = None) -> Table:
    """For every `block` channels, in that `order`, multipliers, then shifts.

    In the form for any layer what `scale_parts` says.
    """
    parts = [by_blocks(values, block, order) for values in scale_parts(filters, form)]
    return Table("scales", np.concatenate(parts, axis=1).reshape(-1), "constants")


def by_blocks(values: Array, block: int, order: Array | None = None) -> Array:
    """`values` of the channels by blocks, each in that `order`: int32 array [blocks, block]."""
    blocks = filled(values, block).reshape(-1, block)
    return blocks if order is None else np.ascontiguousarray(blocks[:, order])


def scale_parts(filters: Filters, form: int) -> tuple[Array, ...]:
    """Multipliers and shifts.

    In the form for any layer left shifts, multipliers, how far right a number's sign goes, and
    right shifts.
    """
    if form != ANY:
        return filters.multiplier, filters.shift
    left, right = np.maximum(filters.shift, 0), np.minimum(filters.shift, 0)
    return left, filters.multiplier, np.where(right < 0, _SIGN, _NOTHING), right


def filled(values: Array, block: int) -> Array:
    """`values` as int32, zeros appended up to a whole number of blocks."""
    missing = align_up(len(values), block) - len(values)
    return np.concatenate([values, np.zeros(missing, np.int64)]).astype(np.int32)
