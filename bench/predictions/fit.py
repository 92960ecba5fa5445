# SPDX-License-Identifier: MIT
"""Rates of a kernel's cost, fitted to measured layers.

For each kernel a sum of rates times a few features of the layer is fitted, no rate negative; of all
sets of up to three features the one is taken whose error on layers left out in turn is least.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from milliwatt.backend.mcu.choice.predict import FEATURES
from milliwatt.errors import DataError

LAYERS_A_FEATURE = 3
"""A fit has at most one feature for so many layers."""

PENALTY = 0.1
"""A feature more must lessen the error by this share."""

PRODUCT = FEATURES.index("product")
"""Counts as two: few kernels leave out zeros, and others' layers have some by chance."""

Array = NDArray[np.float64]


def best_fit(features: Array, counts: Array) -> tuple[Array, Array]:
    """Rates[features], and the error of each layer by a fit to the others.

    `features` [layers, features], `counts` [layers]. A lone layer's error is that of its own fit.
    """
    best: tuple[float, Array, Array] | None = None
    most = max(1, min(3, len(counts) // LAYERS_A_FEATURE))
    for size in range(1, most + 1):
        for chosen in combinations(range(features.shape[1]), size):
            rates = _rates(features, counts, chosen)
            if rates is None:
                continue
            errors = _errors(features, counts, chosen)
            counted = size + (PRODUCT in chosen)
            score = float(np.sqrt((errors**2).mean())) * (1 + PENALTY * counted)
            if best is None or score < best[0] - 1e-9:
                best = score, rates, errors
    if best is None:
        raise DataError("no feature fits the layers with a rate that is not negative")
    return best[1], best[2]


def relative_errors(rates: Array, features: Array, counts: Array) -> Array:
    """How far predictions are off, of what was measured."""
    return np.abs(features @ rates / counts - 1)


def _rates(features: Array, counts: Array, chosen: Sequence[int]) -> Array | None:
    """Rates of least squared relative error, 0 but for the chosen features.

    None where one is negative, or no layer tells them apart.
    """
    scaled = features[:, chosen] / counts[:, None]
    some, _, rank, _ = np.linalg.lstsq(scaled, np.ones(len(counts)), rcond=None)
    if rank < len(chosen) or (some < 0).any():
        return None
    found = np.zeros(features.shape[1])
    found[list(chosen)] = some
    return found


def _errors(features: Array, counts: Array, chosen: Sequence[int]) -> Array:
    """Relative errors of layers, each predicted by a fit to the others; 1 where there is none."""
    errors = np.ones(len(counts))
    for out in range(len(counts)):
        kept = np.arange(len(counts)) != out if len(counts) > 1 else np.array([True])
        rates = _rates(features[kept], counts[kept], chosen)
        if rates is not None:
            errors[out] = abs(float(features[out] @ rates) / counts[out] - 1)
    return errors
