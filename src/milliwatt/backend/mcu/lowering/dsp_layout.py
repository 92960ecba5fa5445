# SPDX-License-Identifier: MIT
"""Constants laid out for the DSP kernels' loops, and when their arithmetic is exact.

A "pair" is two int8 inputs widened to int16 in one word, multiplied with two weights by SMLAD.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Lowered, Site, Table
from milliwatt.backend.mcu.lowering._linear import constant, has_constant_parameters, weight_zero
from milliwatt.ir.types import Array, DType

NONE = -1
"""In a pair: no second element."""


@dataclass(frozen=True, slots=True)
class DspKernel:
    """A kernel for cores with the DSP instructions: what it accepts, and how it is called."""

    name: str
    header: str
    accepts: Callable[[Site], bool]
    build: Callable[[Site], Lowered]

    def supports(self, site: Site, core: Core) -> bool:
        """Whether the core has the instructions and the site is one of this kernel's."""
        return core.dsp and self.accepts(site)

    def lower(self, site: Site) -> Lowered:
        """The call."""
        return self.build(site)


@dataclass(frozen=True, slots=True)
class Filters:
    """A layer's parameters, the input's zero point folded away.

    Output channel c is `bias[c]` plus the sum of `weights[c, k]` times input k, rescaled by
    `multiplier[c]` and `shift[c]`. `weights` are int8 values less their zero point.
    """

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array


def folded_filters(site: Site, weights: Array, factors: tuple[Array, Array]) -> Filters:
    """The parameters of a site whose constant weights are given as [channels, taps]."""
    centred = weights.astype(np.int64) - weight_zero(site)
    bias = constant(site, 2).astype(np.int64) - site.inputs[0].zero_point * centred.sum(axis=1)
    return Filters(centred, bias, *factors)


def has_int8_parameters(site: Site) -> bool:
    """Whether the site is int8 throughout, weights and bias known, its sums in 32 bits."""
    x, weights, bias = site.inputs
    kinds = (x.dtype, weights.dtype, site.outputs[0].dtype)
    return (
        kinds == (DType.INT8,) * 3 and bias.dtype is DType.INT32 and has_constant_parameters(site)
    )


def is_exact(filters: Filters) -> bool:
    """Whether `mw_requantize_s8_dsp` equals the reference for whatever the layer can be given.

    Centred weights must fit int8; sums, partial ones too, must stay below 2**30, so that they can
    be doubled; and every right shift must be at least 1 (a multiplier of 0 needs none).
    """
    reach = np.abs(filters.bias) + 128 * np.abs(filters.weights).sum(axis=1)
    return bool(
        filters.weights.min() >= -128
        and filters.weights.max() <= 127
        and reach.max() < 1 << 30
        and ((filters.shift <= -1) | (filters.multiplier == 0)).all()
    )


def pairs_of_runs(lengths: Sequence[int]) -> Array:
    """The elements each pair holds, as mw_widen_s8_dsp.h forms them: int array [pairs, 2].

    The input is a row of runs of these lengths, each widened by itself.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for length in lengths:
        whole = start + length // 4 * 4
        for k in range(start, whole, 4):
            found += [(k, k + 2), (k + 1, k + 3)]
        rest = range(whole, start + length)
        found += [(k, k + 1 if k + 1 in rest else NONE) for k in rest[::2]]
        start += length
    return np.array(found, np.int64).reshape(-1, 2)


def paired(weights: Array, pairs: Array) -> Array:
    """weights[channels, taps] in the order of `pairs`: [channels, pairs, 2], 0 for no element."""
    padded = np.concatenate([weights, np.zeros_like(weights[:, :1])], axis=1)
    return padded[:, pairs]


def channel_pair_words(filters: Filters, pairs: Array) -> Table:
    """Weights and biases as mw_matmul_s8_4px reads them.

    For every two channels: their biases, then one word a pair: bytes 0 and 2 are the even
    channel's weights, bytes 1 and 3 the odd one's. An absent last channel is all zeros.
    """
    weights = _even_channels(paired(filters.weights, pairs))
    count = weights.shape[1]
    grouped = weights.reshape(-1, 2, count, 2).transpose(0, 2, 3, 1).astype(np.int8)
    words = np.ascontiguousarray(grouped).reshape(len(grouped), count * 4).view("<i4")
    biases = _even_channels(filters.bias).reshape(-1, 2).astype(np.int32)
    return Table("weights", np.concatenate([biases, words], axis=1).reshape(-1))


def scale_words(filters: Filters) -> Table:
    """For every channel its multiplier and its divisor -2**(32 + shift); even in number."""
    exponent = np.where(filters.multiplier == 0, 30, 32 + filters.shift)
    divisor = -(np.int64(1) << exponent)
    words = np.stack([filters.multiplier, divisor], axis=1).astype(np.int32)
    return Table("scales", _even_channels(words).reshape(-1), "constants")


def _even_channels(values: Array) -> Array:
    """`values` with a zero channel appended where their number is odd."""
    if len(values) % 2 == 0:
        return values
    return np.concatenate([values, np.zeros_like(values[:1])])
