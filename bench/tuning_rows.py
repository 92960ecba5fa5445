# SPDX-License-Identifier: MIT
"""Rows of what choices of kernels cost, as `python -m bench.choices` measures them."""

from __future__ import annotations

from dataclasses import dataclass

CHOICES, LAYERS = "choices.csv", "choices_layers.csv"


@dataclass(frozen=True, slots=True)
class ChoiceCost:
    """Costs by an objective, relative to the fastest kernels by default.

    `compiled` is what `compile` chooses by itself, `kernels` the best of the same kernels, `tuned`
    what is best if kernels are compiled for one shape as well. `changed` of `layers` differ between
    the first two.
    """

    model: str
    objective: str
    compiled: float
    kernels: float
    tuned: float
    changed: int
    layers: int


@dataclass(frozen=True, slots=True)
class TunedLayerCost:
    """Modelled cycles of one layer, by default and tuned; `what` names it for a reader."""

    layer: int
    what: str
    default_kernel: str
    default_cycles: int
    tuned_kernel: str
    tuned_cycles: int
