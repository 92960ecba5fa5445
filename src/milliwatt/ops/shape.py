# SPDX-License-Identifier: MIT
"""Operators that move elements and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.ir.types import Array, Shape
from milliwatt.ops._operands import expect_axis, expect_count, expect_dtype, expect_same_quant
from milliwatt.ops.base import Op, Types


@dataclass(frozen=True, slots=True)
class Reshape(Op):
    """x's elements, in order, under another shape.

    The integers are copied: where the output has another quantisation, they mean other reals.
    """

    shape: tuple[int, ...]

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        if prod(self.shape) != inputs[0].elements or any(d < 1 for d in self.shape):
            raise ModelError(f"{self.kind}: {inputs[0]} does not fill shape {list(self.shape)}")
        return (self.shape,)

    def check(self, inputs: Types, outputs: Types) -> None:
        expect_dtype(self, "output", outputs[0], (inputs[0].dtype,))

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        return (values[0].reshape(self.shape),)


@dataclass(frozen=True, slots=True)
class Transpose(Op):
    """x with its dimensions reordered: output dimension i is input dimension perm[i]."""

    perm: tuple[int, ...]

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        shape = inputs[0].shape
        if sorted(self.perm) != list(range(len(shape))):
            raise ModelError(f"{self.kind}: {self.perm} does not permute {inputs[0]}")
        return (tuple(shape[p] for p in self.perm),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _expect_same_format(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        return (np.ascontiguousarray(values[0].transpose(self.perm)),)


@dataclass(frozen=True, slots=True)
class Concat(Op):
    """The operands one after another along `axis`."""

    axis: int

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        if not inputs:
            raise ModelError(f"{self.kind} needs at least one operand")
        first = inputs[0].shape
        expect_axis(self, self.axis, len(first))
        for other in inputs[1:]:
            alike = len(other.shape) == len(first) and all(
                d == e
                for i, (d, e) in enumerate(zip(other.shape, first, strict=True))
                if i != self.axis
            )
            if not alike:
                raise ModelError(
                    f"{self.kind}: {inputs[0]} and {other} differ outside axis {self.axis}"
                )
        total = sum(t.shape[self.axis] for t in inputs)
        return ((*first[: self.axis], total, *first[self.axis + 1 :]),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _expect_same_format(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        return (np.concatenate(values, axis=self.axis),)


@dataclass(frozen=True, slots=True)
class Split(Op):
    """x cut into `parts` equal pieces along `axis`, one output each."""

    axis: int
    parts: int

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        shape = inputs[0].shape
        expect_axis(self, self.axis, len(shape))
        if self.parts < 1 or shape[self.axis] % self.parts:
            raise ModelError(
                f"{self.kind}: axis {self.axis} of {inputs[0]} does not split into "
                f"{self.parts} equal parts"
            )
        piece = shape[self.axis] // self.parts
        return ((*shape[: self.axis], piece, *shape[self.axis + 1 :]),) * self.parts

    def check(self, inputs: Types, outputs: Types) -> None:
        _expect_same_format(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        pieces = np.split(values[0], self.parts, axis=self.axis)
        return tuple(np.ascontiguousarray(piece) for piece in pieces)


@dataclass(frozen=True, slots=True)
class Slice(Op):
    """Element begin + k*stride of x for k below `size`, along every axis; rank is kept.

    Strides may be negative, never zero; `size` is the output's extent.
    """

    begin: tuple[int, ...]
    size: tuple[int, ...]
    strides: tuple[int, ...]

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        shape = inputs[0].shape
        if not len(self.begin) == len(self.size) == len(self.strides) == len(shape):
            raise ModelError(f"{self.kind}: begin, size and strides must cover {inputs[0]}")
        for axis, extent in enumerate(shape):
            begin, size, stride = self.begin[axis], self.size[axis], self.strides[axis]
            last = begin + (size - 1) * stride
            if size < 1 or stride == 0 or not (0 <= begin < extent and 0 <= last < extent):
                raise ModelError(
                    f"{self.kind}: begin {begin}, size {size}, stride {stride} leave axis "
                    f"{axis} of {inputs[0]}"
                )
        return (self.size,)

    def check(self, inputs: Types, outputs: Types) -> None:
        _expect_same_format(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        axes = [
            begin + stride * np.arange(size)
            for begin, size, stride in zip(self.begin, self.size, self.strides, strict=True)
        ]
        return (values[0][np.ix_(*axes)] if axes else values[0],)


@dataclass(frozen=True, slots=True)
class Pad(Op):
    """x with (before, after) elements of `value` added along every axis.

    `value` is in the tensor's own integers: the zero point where the real value is 0.
    """

    pads: tuple[tuple[int, int], ...]
    value: int | float

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        shape = inputs[0].shape
        if len(self.pads) != len(shape) or any(min(pad) < 0 for pad in self.pads):
            raise ModelError(f"{self.kind}: {self.pads} does not pad {inputs[0]}")
        return (
            tuple(d + before + after for d, (before, after) in zip(shape, self.pads, strict=True)),
        )

    def check(self, inputs: Types, outputs: Types) -> None:
        _expect_same_format(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        return (np.pad(values[0], self.pads, constant_values=self.value),)


@dataclass(frozen=True, slots=True)
class Pack(Op):
    """Operands of one shape stacked along a new `axis`."""

    axis: int

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        if not inputs:
            raise ModelError(f"{self.kind} needs at least one operand")
        shape = inputs[0].shape
        expect_axis(self, self.axis, len(shape) + 1)
        for other in inputs[1:]:
            if other.shape != shape:
                raise ModelError(f"{self.kind}: {inputs[0]} and {other} differ in shape")
        return ((*shape[: self.axis], len(inputs), *shape[self.axis :]),)

    def check(self, inputs: Types, outputs: Types) -> None:
        _expect_same_format(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        return (np.stack(values, axis=self.axis),)


@dataclass(frozen=True, slots=True)
class Unpack(Op):
    """One output for each element of x along `axis`, which goes."""

    axis: int

    def infer(self, inputs: Types) -> tuple[Shape, ...]:
        expect_count(self, inputs, 1)
        shape = inputs[0].shape
        expect_axis(self, self.axis, len(shape))
        return ((*shape[: self.axis], *shape[self.axis + 1 :]),) * shape[self.axis]

    def check(self, inputs: Types, outputs: Types) -> None:
        _expect_same_format(self, inputs, outputs)

    def reference(
        self, values: Sequence[Array], inputs: Types, outputs: Types
    ) -> tuple[Array, ...]:
        count = values[0].shape[self.axis]
        return tuple(np.ascontiguousarray(values[0].take(i, self.axis)) for i in range(count))


def _expect_same_format(op: Op, inputs: Types, outputs: Types) -> None:
    """An UnsupportedError unless all operands and results share element type and quantisation."""
    for other in (*inputs[1:], *outputs):
        expect_same_quant(op, inputs[0], other)
