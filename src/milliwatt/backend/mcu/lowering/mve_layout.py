# SPDX-License-Identifier: MIT
"""Constants laid out for the Helium kernels' loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Lowered, Site, Table
from milliwatt.backend.mcu.lowering.dsp_layout import Filters
from milliwatt.ir.types import Array
from milliwatt.units import align_up, ceil_div

VECTOR = 16
"""Bytes of a vector."""
PLAIN, RELU, COARSE = range(3)
"""MW_MVE_PLAIN, MW_MVE_RELU and MW_MVE_COARSE of mw_requantize_mve.h."""
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
    reach = np.abs(filters.bias) + 128 * np.abs(filters.weights).sum(axis=1)
    left = np.where(filters.multiplier == 0, 0, np.maximum(filters.shift, 0))
    return bool(
        filters.weights.min() >= -128
        and filters.weights.max() <= 127
        and (reach * 2.0**left).max() < 1 << 30
    )


def form_of(filters: Filters, relu: bool) -> int:
    """The form of requantisation a layer needs; `relu`: no output is below its zero point."""
    highest = filters.shift[filters.multiplier != 0].max(initial=-1)
    if highest > 0 or (highest == 0 and not relu):
        return COARSE
    return RELU if relu else PLAIN


def block_weights(filters: Filters, block: int) -> Table:
    """Weights and biases for kernels that compute `block` channels together.

    For every `block` channels their biases, then for each 16 taps the channels' weights in turn.
    Absent channels and taps are zeros.
    """
    channels, depth = filters.weights.shape
    vectors, blocks = ceil_div(depth, VECTOR), ceil_div(channels, block)
    full = np.zeros((blocks * block, vectors * VECTOR), np.int8)
    full[:channels, :depth] = filters.weights
    by_vector = full.reshape(blocks, block, vectors, VECTOR).transpose(0, 2, 1, 3)
    biases = filled(filters.bias, block).reshape(blocks, block).astype("<i4").view(np.int8)
    words = np.concatenate([biases, by_vector.reshape(blocks, -1)], axis=1)
    return Table("weights", words.reshape(-1))


def block_scales(filters: Filters, block: int, form: int) -> Table:
    """For every `block` channels multipliers, then shifts.

    In a coarse layer left shifts, multipliers, how far right a number's sign goes and right shifts.
    """
    parts = [filled(values, block).reshape(-1, block) for values in scale_parts(filters, form)]
    return Table("scales", np.concatenate(parts, axis=1).reshape(-1), "constants")


def scale_parts(filters: Filters, form: int) -> tuple[Array, ...]:
    """What the scales of each channel are, in the order of mw_requantize_mve.h."""
    if form != COARSE:
        return filters.multiplier, filters.shift
    left, right = np.maximum(filters.shift, 0), np.minimum(filters.shift, 0)
    return left, filters.multiplier, np.where(right < 0, _SIGN, _NOTHING), right


def filled(values: Array, block: int) -> Array:
    """`values` as int32, zeros appended up to a whole number of blocks."""
    missing = align_up(len(values), block) - len(values)
    return np.concatenate([values, np.zeros(missing, np.int64)]).astype(np.int32)
