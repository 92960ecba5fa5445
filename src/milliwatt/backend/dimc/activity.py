# SPDX-License-Identifier: MIT
"""How busy the data keep a tile: the "(X)S_(Y)T" of ST's measurements."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.dimc.extract import graph_products
from milliwatt.errors import OptionError
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import Array

_NOTATION = re.compile(r"(\d{1,3})S_(\d{1,3})T")


@dataclass(frozen=True, slots=True)
class Activity:
    """Share of zeros in the kernels, and share of kernel bits that change from row to row."""

    sparsity: float
    transitions: float

    def __post_init__(self) -> None:
        if not (0 <= self.sparsity <= 1 and 0 <= self.transitions <= 1):
            raise OptionError(f"sparsity and transitions are shares from 0 to 1, not {self}")

    @property
    def level(self) -> float:
        """From 0, nothing switches, to 1: density times transitions, as in the array model (an
        assumption: ST's plot is not printed in numbers)."""
        return (1 - self.sparsity) * self.transitions

    def __str__(self) -> str:
        return f"{100 * self.sparsity:.0f}S_{100 * self.transitions:.0f}T"


FULL = Activity(0.0, 1.0)
"""Dense kernels, every bit another from row to row."""
RANDOM_HALF = Activity(0.5, 0.5)
"""Random kernels of 50 % sparsity, as in ST's network tables: two independent rows differ in half
their bits."""


def parse_activity(text: str) -> Activity:
    """`50S_50T` as an Activity; an OptionError where it is not of that form."""
    found = _NOTATION.fullmatch(text)
    if not found:
        raise OptionError(
            f"activity is '{text}'; it is written as in 50S_50T: percent of zeros in the kernels, "
            "percent of kernel bits that change from row to row"
        )
    return Activity(int(found[1]) / 100, int(found[2]) / 100)


def measure_activity(matrix: Array, bits: int) -> Activity:
    """The activity of weights [kernels, elements] stored in `bits` bits, kernel below kernel."""
    codes = matrix.astype(np.int64) & ((1 << bits) - 1)
    sparsity = float(np.mean(matrix == 0))
    if len(codes) < 2:
        return Activity(sparsity, 0.0)
    changed = codes[1:] ^ codes[:-1]
    flips = sum(int((changed >> bit & 1).sum()) for bit in range(bits))
    return Activity(sparsity, flips / (changed.size * bits))


def graph_activities(graph: Graph, weight_bits: dict[str, int]) -> dict[str, Activity]:
    """The activity of every layer's own weights, by the layer's name."""
    return {
        name: measure_activity(product.matrix, weight_bits[name])
        for name, product in graph_products(graph).items()
    }
