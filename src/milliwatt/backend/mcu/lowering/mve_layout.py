# SPDX-License-Identifier: MIT
"""Constants laid out for the Helium kernels' loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Lowered, Site, Table
from milliwatt.backend.mcu.lowering import dsp_layout
from milliwatt.backend.mcu.lowering.dsp_layout import Filters
from milliwatt.ir.types import Array
from milliwatt.units import align_up, ceil_div

VECTOR = 16
"""Bytes of a vector."""


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


def is_exact(filters: Filters, relu: bool) -> bool:
    """Whether the vector requantisation equals the reference for whatever the layer is given.

    A shift of 0 is exact only where negative numbers cannot be seen (`relu`).
    """
    shift = np.where(filters.shift == 0, -1, filters.shift) if relu else filters.shift
    return dsp_layout.is_exact(replace(filters, shift=shift))


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


def block_scales(filters: Filters, block: int, channels: int | None = None) -> Table:
    """For every `block` channels (or of the first `channels`) multipliers, then shifts."""
    kept = slice(channels)
    parts = [
        filled(values[kept], block).reshape(-1, block)
        for values in (filters.multiplier, filters.shift)
    ]
    return Table("scales", np.concatenate(parts, axis=1).reshape(-1), "constants")


def filled(values: Array, block: int) -> Array:
    """`values` as int32, zeros appended up to a whole number of blocks."""
    missing = align_up(len(values), block) - len(values)
    return np.concatenate([values, np.zeros(missing, np.int64)]).astype(np.int32)
