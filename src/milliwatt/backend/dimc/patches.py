# SPDX-License-Identifier: MIT
"""What tiles are fed: the input under the kernel at each output position."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided

from milliwatt.backend.dimc.layer import Layer
from milliwatt.ir.types import Array
from milliwatt.ops._convolve import pad_image
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D, TransposeConv2D
from milliwatt.units import ceil_div


@dataclass(frozen=True, slots=True)
class Patches:
    """An image [N,H,W,C], padded, and the windows over it that the kernels meet.

    A fully connected layer has an image of one pixel a row of the input.
    """

    values: Array
    kernel_hw: tuple[int, int]
    stride_hw: tuple[int, int]
    dilation_hw: tuple[int, int]
    output_hw: tuple[int, int]
    groups: int

    @property
    def outputs(self) -> int:
        """Output positions, all images."""
        return self.values.shape[0] * self.output_hw[0] * self.output_hw[1]

    def with_values(self, values: Array) -> Patches:
        """The same windows over other values."""
        return replace(self, values=values)

    def unfold(self, layer: Layer, kind: type[np.floating]) -> Windows:
        """The windows laid out for multiplying, in floats that hold every sum."""
        slices = self.kernel_hw[0] * self.kernel_hw[1]
        if self.groups > 1 and layer.kernel_elements == slices:
            channels = np.arange(layer.kernels) // (layer.kernels // self.groups)
            return Taps(self, self.values[..., channels].astype(kind))
        return Matrices(tuple(self._matrix(group, kind) for group in range(self.groups)))

    def _matrix(self, group: int, kind: type[np.floating]) -> Array:
        """Windows [outputs, elements] of one group's channels."""
        depth = self.values.shape[3] // self.groups
        image = self.values[..., group * depth : (group + 1) * depth].astype(kind)
        batch, down, right, channel = image.strides
        view = as_strided(
            image,
            (image.shape[0], *self.output_hw, *self.kernel_hw, depth),
            (
                batch,
                down * self.stride_hw[0],
                right * self.stride_hw[1],
                down * self.dilation_hw[0],
                right * self.dilation_hw[1],
                channel,
            ),
            writeable=False,
        )
        return view.reshape(self.outputs, -1)


class Windows(Protocol):
    """What kernels are multiplied with."""

    def products(self, rows: Array, elements: range) -> Array:
        """Sums [outputs, rows] of rows[kernel rows, elements] with those elements of every window.

        Each kernel has as many rows, one below the other, and meets its own group's channels.
        """
        ...


@dataclass(frozen=True, slots=True)
class Matrices:
    """Windows [outputs, elements] of each group."""

    groups: tuple[Array, ...]

    def products(self, rows: Array, elements: range) -> Array:
        """See `Windows`."""
        share = rows.shape[0] // len(self.groups)
        return np.concatenate(
            [
                windows[:, elements.start : elements.stop] @ rows[i * share : (i + 1) * share].T
                for i, windows in enumerate(self.groups)
            ],
            axis=1,
        )


@dataclass(frozen=True, slots=True)
class Taps:
    """A depthwise layer: each kernel meets one channel of image[N,H,W,kernels]."""

    patches: Patches
    image: Array

    def products(self, rows: Array, elements: range) -> Array:
        """See `Windows`; one kernel tap after the other."""
        at = self.patches
        kernels = self.image.shape[3]
        weights = rows.reshape(kernels, -1, len(elements))
        result = np.zeros((*self._output_shape(), kernels, weights.shape[1]), rows.dtype)
        for index, element in enumerate(elements):
            row, column = divmod(element, at.kernel_hw[1])
            top, left = row * at.dilation_hw[0], column * at.dilation_hw[1]
            bottom = top + (at.output_hw[0] - 1) * at.stride_hw[0] + 1
            right = left + (at.output_hw[1] - 1) * at.stride_hw[1] + 1
            seen = self.image[:, top : bottom : at.stride_hw[0], left : right : at.stride_hw[1]]
            for part in range(weights.shape[1]):
                result[..., part] += seen * weights[:, part, index]
        return result.reshape(at.outputs, -1)

    def _output_shape(self) -> tuple[int, ...]:
        return self.patches.values.shape[0], *self.patches.output_hw


def image_patches(
    op: Conv2D | DepthwiseConv2D,
    x: Array,
    zero_point: int,
    kernel_hw: tuple[int, int],
    output_hw: tuple[int, int],
    groups: int,
) -> Patches:
    """The windows of a convolution over x[N,H,W,C]; around it is the zero point."""
    padded = pad_image(x.astype(np.int32), op.padding, zero_point)
    return Patches(padded, kernel_hw, op.stride_hw, op.dilation_hw, output_hw, groups)


def transposed_patches(
    op: TransposeConv2D, x: Array, zero_point: int, kernel_hw: tuple[int, int]
) -> Patches:
    """The windows of a transposed convolution over x[N,H,W,C]: zeros inserted, kernels turned."""
    extent = [n + k - 1 for n, k in zip(op.output_hw, kernel_hw, strict=True)]
    canvas = np.full((x.shape[0], *extent, x.shape[3]), zero_point, np.int32)
    first_y, rows = _inserted(x.shape[1], op.stride_hw[0], kernel_hw[0] - 1 - op.padding.top)
    first_x, columns = _inserted(x.shape[2], op.stride_hw[1], kernel_hw[1] - 1 - op.padding.left)
    room = canvas[:, rows :: op.stride_hw[0], columns :: op.stride_hw[1]]
    seen = x[:, first_y : first_y + room.shape[1], first_x : first_x + room.shape[2]]
    room[:, : seen.shape[1], : seen.shape[2]] = seen
    return Patches(canvas, kernel_hw, (1, 1), (1, 1), op.output_hw, 1)


def _inserted(size: int, stride: int, offset: int) -> tuple[int, int]:
    """The first of `size` elements, `stride` apart from `offset` on, not before 0; and where."""
    first = min(size, ceil_div(max(0, -offset), stride))
    return first, offset + first * stride


def dense_patches(x: Array) -> Patches:
    """The windows of a fully connected layer: the rows of x[rows, depth]."""
    return Patches(x.astype(np.int32)[:, None, None, :], (1, 1), (1, 1), (1, 1), (1, 1), 1)
