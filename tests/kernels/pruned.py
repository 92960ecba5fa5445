# SPDX-License-Identifier: MIT
"""Sites some of whose weights are made zero, as pruning does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from milliwatt.ir.types import Array
from milliwatt.units import ceil_div
from tests.cases.build import Case

Prune = Callable[[Array, np.random.Generator], Array]
"""weights[channels, taps] with some made zero."""


def unstructured(density: float) -> Prune:
    """Each weight is kept with that probability."""
    return lambda weights, rng: np.where(rng.random(weights.shape) < density, weights, 0)


def nm(kept: int, of: int) -> Prune:
    """Of each `of` weights in a row of taps, `kept` are kept."""

    def prune(weights: Array, rng: np.random.Generator) -> Array:
        channels, taps = weights.shape
        order = rng.random((channels, ceil_div(taps, of), of)).argsort(axis=2)
        return np.where((order < kept).reshape(channels, -1)[:, :taps], weights, 0)

    return prune


def blocks(density: float, channels: int, taps: int) -> Prune:
    """Blocks of that many channels and taps are kept with that probability."""

    def prune(weights: Array, rng: np.random.Generator) -> Array:
        shape = ceil_div(weights.shape[0], channels), ceil_div(weights.shape[1], taps)
        kept = np.kron(rng.random(shape) < density, np.ones((channels, taps), bool))
        return np.where(kept[: weights.shape[0], : weights.shape[1]], weights, 0)

    return prune


def pruned(case: Case, prune: Prune, seed: int = 0) -> Case:
    """The case, its output channels' weights pruned."""
    site, inputs = case
    flat = inputs[1].reshape(inputs[1].shape[0], -1)
    weights = prune(flat, np.random.default_rng(seed)).astype(np.int8).reshape(inputs[1].shape)
    constants = (None, weights, site.constants[2])
    return dataclasses.replace(site, constants=constants), [inputs[0], weights, inputs[2]]
