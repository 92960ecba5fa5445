# SPDX-License-Identifier: MIT
"""Random networks whose numbers lie at their ends, with kernels and objectives drawn at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from milliwatt.backend.mcu.choice.objective import Objective, parse_objective
from milliwatt.backend.mcu.choice.select import forms, site_of
from milliwatt.backend.mcu.choice.wide import divide_wide
from milliwatt.backend.mcu.compile import Compiled, compile_graph, core_of, optimised
from milliwatt.backend.mcu.values.states import separate_outputs
from milliwatt.backend.mcu.values.views import is_view
from milliwatt.errors import OptionError
from milliwatt.hardware import load_target
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import Array, DType, Quant, Shape, TensorType
from tests.backend.mcu.streaming.networks import RandomCnn, finished

CHANNELS = (1, 3, 4, 5, 8, 12, 14, 16, 17, 24, 32, 33, 36, 48, 51, 64)
OBJECTIVES = ("speed", "flash", "sram", "speed,flash=0.2", "speed=0.3,flash", "speed,sram,flash")
Pattern = Callable[[np.random.Generator, Array, int, int], Array]
"""Other weights [channels, taps], given those drawn and the ends of their type."""

PATTERNS: tuple[Pattern, ...] = (
    lambda rng, drawn, low, high: np.where(rng.random(drawn.shape) < 0.15, drawn, 0),
    lambda rng, drawn, low, high: np.where(rng.random((len(drawn), 1)) < 0.5, drawn, 0),
    lambda rng, drawn, low, high: np.clip(np.round(rng.laplace(0, 2, drawn.shape)), low, high),
    lambda rng, drawn, low, high: np.full(drawn.shape, rng.choice([low, high, low + 1])),
    lambda rng, drawn, low, high: rng.choice([low, high, low + 1], drawn.shape),
    lambda rng, drawn, low, high: np.where(np.arange(drawn.shape[1]) % 2, low, drawn * 0 + high),
)


class ExtremeCnn(RandomCnn):
    """Zero points at both ends, factors from 1/1000 to 8, weights all alike, biases far out."""

    def quant(self) -> Quant | None:
        drawn = super().quant()
        assert drawn is not None
        if self.chance(0.5):
            return drawn
        return Quant.per_tensor(drawn.scale[0], int(self.rng.choice([-128, 127, 0])))

    def conv(self, x: str, rows: int, columns: int, channels: int | None = None) -> str:
        return super().conv(x, rows, columns, int(self.rng.choice(CHANNELS)))

    def weights(self, shape: Shape, axis: int, x: TensorType, taps: int) -> tuple[str, str, Quant]:
        w, b, quant = super().weights(shape, axis, x, taps)
        self.constants[w] = self._pattern(self.constants[w], axis, self.types[w].dtype)
        if self.chance(0.2):
            far = self.constants[b].astype(np.int64) << self.number(0, 12)
            self.constants[b] = far.clip(-(1 << 30), 1 << 30).astype(np.int32)
        scale = quant.scale[0]
        if self.chance(0.5):
            accumulator = self.types[b].quant
            assert accumulator is not None
            scale = max(accumulator.scale) * 2.0 ** self.number(-3, 10)
        zero = quant.zero_point[0] if self.chance(0.5) else int(self.rng.choice([-128, 127]))
        return w, b, Quant.per_tensor(float(np.float32(scale)), zero)

    def _pattern(self, weights: Array, axis: int, dtype: DType) -> Array:
        """The weights after one of PATTERNS, or as they are; half of them symmetric."""
        low, high = dtype.integer_range
        low += self.number(0, 1)
        moved = np.moveaxis(weights, axis, 0)
        flat = np.maximum(moved.reshape(len(moved), -1), low)
        which = self.number(0, 2 * len(PATTERNS) - 1)
        if which < len(PATTERNS):
            flat = PATTERNS[which](self.rng, flat, low, high)
        made = np.moveaxis(flat.reshape(moved.shape), 0, axis)
        return np.ascontiguousarray(made).astype(weights.dtype)


def extreme_cnn(seed: int) -> Graph:
    """A network of up to five layers; equal seeds give equal networks."""
    return finished(ExtremeCnn(seed), f"extreme{seed}", 5)


def compile_extreme(seed: int, board: str) -> Compiled:
    """That network by any of its kernels, for any objective; every other one in little memory."""
    rng = np.random.default_rng(seed)
    graph, target = extreme_cnn(seed), load_target(board)
    objective = parse_objective(str(rng.choice(OBJECTIVES)))
    kept = _any_kernels(graph, target, rng, float(rng.choice([0.0, 0.4, 1.0])))
    pushed = bool(rng.random() < 0.3) and _can_be_pushed(graph, target)
    if rng.random() < 0.5:
        objective = Objective(sram=1.0)
    return compile_graph(graph, target, objective=objective, kept=kept, push_rows=pushed)


def _any_kernels(
    graph: Graph, target: Target, rng: np.random.Generator, part: float
) -> dict[str, str]:
    """For some of the nodes one of the kernels that compute them."""
    placed, core = separate_outputs(divide_wide(optimised(graph))), core_of(target)
    kept: dict[str, str] = {}
    for node in placed.nodes:
        if not is_view(placed, node) and rng.random() < part:
            some = forms(site_of(placed, node), core)
            kept[node.name] = some[int(rng.integers(len(some)))].name
    return kept


def _can_be_pushed(graph: Graph, target: Target) -> bool:
    try:
        compile_graph(graph, target, push_rows=True)
    except OptionError:
        return False
    return True
