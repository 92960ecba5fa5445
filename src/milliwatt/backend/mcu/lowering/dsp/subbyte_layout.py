# SPDX-License-Identifier: MIT
"""int4 and int2 weights laid out as mw_subbyte_dsp.h reads them, and when its sums are exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.kernel import Site, Table
from milliwatt.backend.mcu.lowering.common.linear import has_constant_parameters
from milliwatt.backend.mcu.lowering.dsp.layout import (
    NONE,
    Filters,
    even_channels,
    paired,
)
from milliwatt.ir.types import Array, DType
from milliwatt.units import align_up

_DTYPES = (DType.INT4, DType.INT2)
_MOST_SHIFT = 8


@dataclass(frozen=True, slots=True)
class Packing:
    """How weights of so many bits lie in words."""

    bits: int

    @property
    def pairs_per_word(self) -> int:
        return 8 // self.bits

    @property
    def even_scale(self) -> int:
        """What the even channels' sums are multiplied by."""
        return 16 if self.bits == 4 else 64

    @property
    def odd_scale(self) -> int:
        """What the odd channels' sums are multiplied by."""
        return 1 if self.bits == 4 else 16

    def words(self, pair_count: int) -> int:
        """Words of two channels' weights."""
        return align_up(pair_count, self.pairs_per_word) // self.pairs_per_word


def packing_of(site: Site) -> Packing:
    """How the site's weights are packed."""
    return Packing(site.inputs[1].dtype.bits)


def as_int8(site: Site) -> Site:
    """The site, its weights taken for int8."""
    x, weights, bias = site.inputs
    return replace(site, inputs=(x, replace(weights, dtype=DType.INT8), bias))


def has_subbyte_parameters(site: Site) -> bool:
    """Whether activations are int8, weights int4 or int2 and known, sums in 32 bits."""
    x, weights, bias = site.inputs
    return (
        x.dtype is DType.INT8
        and site.outputs[0].dtype is DType.INT8
        and weights.dtype in _DTYPES
        and bias.dtype is DType.INT32
        and has_constant_parameters(site)
    )


def is_subbyte_exact(filters: Filters, packing: Packing) -> bool:
    """Whether sums fit, multiplied as they are, and centred weights the bits they are stored in.

    Left shifts of a sum, for factors of 1/2 and more, must leave it below 2**30.
    """
    low, high = -(1 << (packing.bits - 1)), (1 << (packing.bits - 1)) - 1
    reach = np.abs(filters.bias) + 128 * np.abs(filters.weights).sum(axis=1)
    shifted = reach * 2.0 ** np.maximum(filters.shift, 0)
    return bool(
        filters.weights.min() >= low
        and filters.weights.max() <= high
        and packing.even_scale * int(reach.max()) < 1 << 31
        and shifted.max() < 1 << 30
        and filters.shift.max() < _MOST_SHIFT
    )


def subbyte_words(filters: Filters, pairs: Array, packing: Packing) -> Table:
    """For every two channels the starting values of their sums, then their words."""
    missing = -len(pairs) % packing.pairs_per_word
    full = np.concatenate([pairs, np.full((missing, 2), NONE)])
    weights, bias = even_channels(filters.weights), even_channels(filters.bias)
    both = paired(weights, full)
    digits = (1 << packing.bits) * both[0::2] + both[1::2] + (1 << (packing.bits - 1))
    even = packing.even_scale * bias[0::2]
    mixed = even + packing.odd_scale * bias[1::2]
    words = np.concatenate([even[:, None], mixed[:, None], _words(digits, packing)], axis=1)
    return Table("weights", words.reshape(-1).astype(np.int64).astype(np.int32))


def _words(digits: Array, packing: Packing) -> Array:
    """Two channels' numbers for each half of each pair: int64 [channel pairs, words]."""
    by_word = digits.reshape(len(digits), -1, packing.pairs_per_word, 2)
    words = np.zeros(by_word.shape[:2], np.int64)
    for j in range(packing.pairs_per_word):
        for half in range(2):
            if packing.bits == 4:
                words |= (by_word[:, :, j, half] & 255) << (16 * half + 8 * j)
            else:
                within = 8 * (j // 2) + (4 if j % 2 == 0 else 0)
                words |= (by_word[:, :, j, half] & 15) << (16 * half + within)
    return words
