# SPDX-License-Identifier: MIT
"""Loop nests over tensors, with dimensions merged where every operand allows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from milliwatt.backend.mcu.kernel import Arg
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.ir.types import Array, Shape


@dataclass(frozen=True, slots=True)
class Nest:
    """Nested loops, the outermost first: extents, and each operand's step for each loop."""

    extents: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]

    def padded(self, rank: int) -> Nest:
        """The same loops with loops of extent 1 around them, `rank` in all."""
        missing = rank - len(self.extents)
        return Nest(
            (*(1,) * missing, *self.extents),
            tuple((*(0,) * missing, *steps) for steps in self.steps),
        )

    def offsets(self, operand: int) -> Array:
        """Where `operand` is at each turn of the whole nest, in order."""
        total = np.zeros(1, np.int64)
        for extent, step in zip(self.extents, self.steps[operand], strict=True):
            total = (total[:, None] + np.arange(extent) * step).reshape(-1)
        return total


def merged(extents: Sequence[int], steps: Sequence[Sequence[int]]) -> Nest:
    """The nest without loops of extent 1, neighbours merged where all operands step evenly."""
    kept = [i for i, extent in enumerate(extents) if extent > 1]
    loops: list[tuple[int, tuple[int, ...]]] = []
    for i in kept:
        inner = tuple(s[i] for s in steps)
        if loops:
            outer_extent, outer = loops[-1]
            if all(o == s * extents[i] for o, s in zip(outer, inner, strict=True)):
                loops[-1] = (outer_extent * extents[i], inner)
                continue
        loops.append((extents[i], inner))
    return Nest(
        tuple(extent for extent, _ in loops),
        tuple(tuple(inner[k] for _, inner in loops) for k in range(len(steps))),
    )


def dense_steps(shape: Shape) -> tuple[int, ...]:
    """Elements between neighbours along each dimension of a tensor stored in order."""
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


def broadcast_steps(shape: Shape, result: Shape) -> tuple[int, ...]:
    """Steps through a dense tensor that is repeated to the shape `result`."""
    full = (*(1,) * (len(result) - len(shape)), *shape)
    return tuple(0 if d == 1 else s for d, s in zip(full, dense_steps(full), strict=True))


def loop_literals(extents: Sequence[int], *steps: Sequence[int]) -> tuple[Arg, ...]:
    """Extents, then each operand's steps; a loop of extent 1 is known inside the kernel."""
    found: list[Arg] = []
    for extent in extents:
        found += fixed(1) if extent == 1 else passed(extent)
    for operand in steps:
        for extent, step in zip(extents, operand, strict=True):
            found += fixed(0) if extent == 1 else passed(step)
    return tuple(found)
