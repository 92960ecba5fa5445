# SPDX-License-Identifier: MIT
"""The range of real values a tensor needs, from samples: min/max, or by least entropy lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from milliwatt.errors import DataError, OptionError
from milliwatt.ir.types import Array, Quant

RangeMethod = Literal["minmax", "entropy"]
RANGE_METHODS: tuple[RangeMethod, ...] = ("minmax", "entropy")

_BINS = 2048
_LEVELS = 128
"""Positive levels of an int8 code; the entropy search merges its histogram into as many."""
_CANDIDATE_STEP = 16
_SMALLEST_WIDTH = 1e-12


@dataclass(frozen=True, slots=True)
class Range:
    """An interval of real values; contains 0, so that zero has an exact code."""

    low: float
    high: float

    @property
    def is_zero(self) -> bool:
        """Whether it holds nothing but 0, for which every quantisation has a code."""
        return self.high - self.low < _SMALLEST_WIDTH

    def union(self, other: Range) -> Range:
        return Range(min(self.low, other.low), max(self.high, other.high))

    def int8(self) -> Quant:
        """The affine int8 quantisation of this range, zero exactly on its zero point.

        That of 0..1 where it holds nothing but 0.
        """
        low, high = (0.0, 1.0) if self.is_zero else (self.low, self.high)
        scale = float(np.float32((high - low) / 255.0))
        zero_point = int(np.clip(np.round(-128.0 - low / scale), -128, 127))
        return Quant.per_tensor(scale, zero_point)


def find_range(values: Array, method: RangeMethod) -> Range:
    """The range to quantise `values` (any shape, real) to.

    "minmax" loses nothing to clipping; "entropy" clips where that brings the quantised
    distribution closest, in Kullback-Leibler divergence, to the one observed (Migacz, "8-bit
    inference with TensorRT", GTC 2017). Raises DataError for values that are not finite.
    """
    if method not in RANGE_METHODS:
        raise OptionError(f"unknown range method '{method}'; there are: {', '.join(RANGE_METHODS)}")
    if not np.isfinite(values).all():
        raise DataError("calibration met values that are not finite")
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if method == "entropy" and high > low:
        bound = _entropy_bound(np.abs(values[values != 0]).astype(np.float64))
        low, high = max(low, -bound), min(high, bound)
    return Range(low, high)


def _entropy_bound(magnitudes: Array) -> float:
    counts, edges = np.histogram(magnitudes, bins=_BINS, range=(0.0, float(magnitudes.max())))
    ends = range(_LEVELS, _BINS + 1, _CANDIDATE_STEP)
    best = min(ends, key=lambda end: _divergence(counts.astype(np.float64), end))
    return float(edges[best])


def _divergence(counts: Array, end: int) -> float:
    """Divergence of the observed distribution from one clipped at bin `end` and quantised."""
    clipped = counts[:end].copy()
    clipped[-1] += counts[end:].sum()
    group = (np.arange(end) * _LEVELS) // end
    filled = counts[:end] > 0
    mass = np.bincount(group, weights=counts[:end], minlength=_LEVELS)
    width = np.bincount(group, weights=filled.astype(np.float64), minlength=_LEVELS)
    spread = np.where(filled, mass[group] / np.maximum(width[group], 1.0), 0.0)
    if clipped.sum() == 0 or spread.sum() == 0:
        return float("inf")
    observed, quantised = clipped / clipped.sum(), spread / spread.sum()
    used = observed > 0
    floor = 1e-9
    ratio = observed[used] / np.maximum(quantised[used], floor)
    return float(np.sum(observed[used] * np.log(ratio)))
