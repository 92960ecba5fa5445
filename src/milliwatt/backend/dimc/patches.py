# SPDX-License-Identifier: MIT
"""What tiles are fed: the input under the kernel at each output position."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import as_strided

from milliwatt.backend.dimc.layer import Layer
from milliwatt.ir.types import Array
from milliwatt.ops._convolve import pad_image
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D


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

    def products(self, rows: Array, elements: range, kernels: Array, layer: Layer) -> Array:
        """Sums [outputs, rows] of rows[row, elements] with those elements of every window.

        `kernels` says whose row each is, and so which group of channels it meets.
        """
        if self.groups == layer.in_channels and layer.kernel_elements == _taps(layer):
            return self._by_tap(rows, elements, kernels, layer)
        share = layer.kernels // self.groups
        result = np.empty((self.outputs, rows.shape[0]), rows.dtype)
        for group in np.unique(kernels // share):
            mine = kernels // share == group
            windows = self._windows(int(group), elements, rows.dtype.type)
            result[:, mine] = windows @ rows[mine].T
        return result

    def _windows(self, group: int, elements: range, kind: type[np.floating]) -> Array:
        """Windows [outputs, elements] of one group's channels."""
        depth = self.values.shape[3] // self.groups
        image = self.values[..., group * depth : (group + 1) * depth].astype(kind)
        batch, down, right, channel = image.strides
        taps_y, taps_x = self.kernel_hw
        view = as_strided(
            image,
            (image.shape[0], *self.output_hw, taps_y, taps_x, depth),
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
        return view.reshape(self.outputs, -1)[:, elements.start : elements.stop]

    def _by_tap(self, rows: Array, elements: range, kernels: Array, layer: Layer) -> Array:
        """Depthwise: every row meets one channel; one kernel tap after the other."""
        channels = kernels // (layer.kernels // self.groups)
        result = np.zeros((self.values.shape[0], *self.output_hw, rows.shape[0]), rows.dtype)
        image = self.values[..., channels].astype(rows.dtype)
        for index, element in enumerate(elements):
            row, column = divmod(element, self.kernel_hw[1])
            top, left = row * self.dilation_hw[0], column * self.dilation_hw[1]
            seen = image[
                :,
                top : top + (self.output_hw[0] - 1) * self.stride_hw[0] + 1 : self.stride_hw[0],
                left : left + (self.output_hw[1] - 1) * self.stride_hw[1] + 1 : self.stride_hw[1],
            ]
            result += seen * rows[:, index]
        return result.reshape(self.outputs, -1)


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


def dense_patches(x: Array) -> Patches:
    """The windows of a fully connected layer: the rows of x[rows, depth]."""
    return Patches(x.astype(np.int32)[:, None, None, :], (1, 1), (1, 1), (1, 1), (1, 1), 1)


def _taps(layer: Layer) -> int:
    return layer.kernel_hw[0] * layer.kernel_hw[1]
