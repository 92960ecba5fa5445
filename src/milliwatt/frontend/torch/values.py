# SPDX-License-Identifier: MIT
"""Values of an exported program, and in which layout the graph holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.errors import UnsupportedError
from milliwatt.frontend.builder import FloatGraphBuilder
from milliwatt.ir.types import Array, Shape
from milliwatt.ops.shape import Reshape, Transpose

TO_CHANNELS_LAST = (0, 2, 3, 1)
TO_CHANNELS_FIRST = (0, 3, 1, 2)


@dataclass(frozen=True, slots=True)
class Value:
    """A value: its name in the graph, and whether it is an image turned to NHWC.

    PyTorch's images are NCHW; the graph holds every one of them as NHWC.
    """

    name: str
    channels_last: bool = False


Argument = Value | Array | int | float | bool | None | str | Sequence[int]


class Importer:
    """The graph being built, and the conversions between layouts."""

    def __init__(self, name: str) -> None:
        self.builder = FloatGraphBuilder(name)

    def torch_shape(self, value: Value) -> Shape:
        """The shape PyTorch sees."""
        shape = self.builder.shape(value.name)
        return tuple(shape[i] for i in TO_CHANNELS_FIRST) if value.channels_last else shape

    def axis(self, value: Value, dim: int) -> int:
        """The graph's axis of PyTorch's dimension `dim`, which may count from the end."""
        rank = len(self.builder.shape(value.name))
        dim %= rank
        return (0, 3, 1, 2)[dim] if value.channels_last else dim

    def as_torch(self, name: str, value: Value) -> str:
        """The value in PyTorch's own order of dimensions."""
        if not value.channels_last:
            return value.name
        return self.builder.add_node(
            f"{name}.channels_first", Transpose(TO_CHANNELS_FIRST), value.name
        )

    def from_torch(self, name: str, value: str) -> Value:
        """A value in PyTorch's order; four dimensions are taken for an image."""
        if len(self.builder.shape(value)) != 4:
            return Value(value)
        return Value(
            self.builder.add_node(f"{name}.channels_last", Transpose(TO_CHANNELS_LAST), value),
            channels_last=True,
        )

    def reshape(self, name: str, value: Value, shape: Sequence[int]) -> Value:
        """PyTorch's view: elements in PyTorch's order under another shape; one -1 is inferred."""
        known = int(np.prod([d for d in shape if d != -1], dtype=np.int64))
        total = int(np.prod(self.torch_shape(value), dtype=np.int64))
        full = tuple(total // max(known, 1) if d == -1 else int(d) for d in shape)
        if full == self.torch_shape(value):
            return value
        flat = self.as_torch(name, value)
        return self.from_torch(name, self.builder.add_node(name, Reshape(full), flat))

    def constant(self, name: str, array: Array, like: Value) -> str:
        """A constant operand that broadcasts against `like`, laid out as it is."""
        rank = len(self.builder.shape(like.name))
        if array.ndim > rank:
            raise UnsupportedError(f"'{name}': a constant of {array.ndim} dimensions, not {rank}")
        full = array.reshape((1,) * (rank - array.ndim) + array.shape) if array.ndim else array
        if like.channels_last and full.ndim == 4:
            full = full.transpose(TO_CHANNELS_LAST)
        return self.builder.add_constant(f"{name}.constant", full.reshape(full.shape or (1,)))
