# SPDX-License-Identifier: MIT
"""Requantisation with one rounding on Helium, the zero point folded in, where proved equal."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.lowering.dsp.layout import Filters
from milliwatt.backend.mcu.lowering.dsp.one_rounding import (
    OneRounding,
    Thresholds,
    one_rounding,
    thresholds,
)
from milliwatt.ir.types import Array

ONCE = 4
"""MW_MVE_ONCE of mw_depthwise_lanes_s8_mve.h."""
_FRACTION_BITS = 10
"""Of the bias, below a unit of the sum."""
ONE_SUM = 1 << _FRACTION_BITS
"""By what sums are multiplied."""
_RESULT_BITS = 12
"""Of the product's high word, below a unit of the output."""
_STEPS = tuple(sorted(range(-40, 41), key=abs))
"""From a multiplier to those that are tried."""
_ROOM = 1 << 31
_FAR = 1 << 60


def once_folded(filters: Filters, zero_point: int, low: int, high: int) -> OneRounding | None:
    """Multipliers and biases with which outputs are, before saturation and rounded down,

        ((1024 * s + bias) * multiplier / 2**32 + 2**11) / 2**12

    for every sum s without bias that a layer can have; None if a channel has none. An output is at
    least k exactly from the sum T(k) on (dsp/one_rounding.py), which leaves an interval for the
    bias; multipliers near the one found there are tried until it is not empty.
    """
    found = one_rounding(
        filters, zero_point, low, high, fraction_bits=_FRACTION_BITS, result_bits=_RESULT_BITS
    )
    if found is None:
        return None
    wanted = thresholds(filters, zero_point, low, high)
    multiplier, bias = found.multiplier.copy(), np.zeros_like(found.bias)
    open_channels = np.arange(len(multiplier))
    for step in _STEPS:
        tried = np.clip(found.multiplier[open_channels] + step, 1, _ROOM - 1)
        least, most = _bias_interval(wanted, zero_point, tried, open_channels)
        right = least <= most
        multiplier[open_channels[right]] = tried[right]
        bias[open_channels[right]] = ((least + most) // 2)[right]
        open_channels = open_channels[~right]
        if not len(open_channels):
            return OneRounding(multiplier, bias)
    return None


def _bias_interval(
    wanted: Thresholds, zero_point: int, multiplier: Array, channels: Array
) -> tuple[Array, Array]:
    """The least and the largest bias of some channels, each with that multiplier."""
    sums, lowest, highest = (
        values[channels]
        for values in (wanted.sums, wanted.lowest[:, None], wanted.highest[:, None])
    )
    halves = 2 * (wanted.outputs + zero_point) - 1
    first = -(-(halves << _RESULT_BITS + 31) // multiplier[:, None])
    least = np.where(sums <= highest, first - ONE_SUM * sums, -_FAR).max(axis=1)
    most = np.where(sums > lowest, first - ONE_SUM * (sums - 1) - 1, _FAR).min(axis=1)
    return (
        np.maximum(least, (-_ROOM - ONE_SUM * lowest)[:, 0]),
        np.minimum(most, (_ROOM - 1 - ONE_SUM * highest)[:, 0]),
    )
