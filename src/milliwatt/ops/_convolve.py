# SPDX-License-Identifier: MIT
"""Sums of products over sliding windows, exact for integers and fast."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from milliwatt.ir.types import Array
from milliwatt.ops._linear import exact_float, largest_sum
from milliwatt.ops._matmul import matmul
from milliwatt.ops.base import Padding
from milliwatt.ops.window import HW, image_hw


def pad_image(x: Array, padding: Padding, value: int | float = 0) -> Array:
    """x[N,H,W,C] with `value` around it."""
    if padding == Padding():
        return x
    rows, columns = (padding.top, padding.bottom), (padding.left, padding.right)
    return np.pad(x, ((0, 0), rows, columns, (0, 0)), constant_values=value)


def tap(x: Array, offset_hw: HW, stride_hw: HW, output_hw: HW) -> Array:
    """What one window position sees: x[:, oy + i*sy, ox + j*sx, :] for every output (i, j)."""
    (top, left), (down, right), (rows, columns) = offset_hw, stride_hw, output_hw
    last_row, last_column = top + (rows - 1) * down, left + (columns - 1) * right
    return x[:, top : last_row + 1 : down, left : last_column + 1 : right, :]


def convolve(
    x: Array, weights: Array, stride_hw: HW, dilation_hw: HW, padding: Padding, output_hw: HW
) -> Array:
    """Sums [N,OH,OW,Cout] of x[N,H,W,Cin] times weights[Cout,KH,KW,Cin/groups], in floats."""
    channels, depth = weights.shape[0], weights.shape[3]
    groups = x.shape[3] // depth
    kind = exact_float(x, weights, 0)
    padded = pad_image(x.astype(kind), padding)
    matrix = weights.reshape(channels, -1).astype(kind)
    share = channels // groups
    parts: list[Array] = []
    for group in range(groups):
        image = padded[..., group * depth : (group + 1) * depth]
        patches = _patches(image, image_hw(weights.shape), stride_hw, dilation_hw, output_hw)
        parts.append(matmul(patches, matrix[group * share : (group + 1) * share].T))
    sums = parts[0] if groups == 1 else np.concatenate(parts, axis=1)
    return sums.reshape(x.shape[0], *output_hw, channels)


def _patches(x: Array, filter_hw: HW, stride_hw: HW, dilation_hw: HW, output_hw: HW) -> Array:
    """Every window of x as a row [KH*KW*C]; no copy where the windows lie in order."""
    batch, rows, columns, channels = x.strides
    shape = (x.shape[0], *output_hw, *filter_hw, x.shape[3])
    strides = (
        batch,
        rows * stride_hw[0],
        columns * stride_hw[1],
        rows * dilation_hw[0],
        columns * dilation_hw[1],
        channels,
    )
    windows = as_strided(x, shape, strides, writeable=False)
    return windows.reshape(x.shape[0] * output_hw[0] * output_hw[1], -1)


def convolve_depthwise(
    x: Array, weights: Array, stride_hw: HW, dilation_hw: HW, padding: Padding, output_hw: HW
) -> Array:
    """Sums [N,OH,OW,C*M] of x[N,H,W,C] times weights[1,KH,KW,C*M], channel by channel."""
    channels = weights.shape[3]
    if x.dtype.kind == "f":
        kind = np.float64
    else:
        kind = np.int32 if largest_sum(x, weights, 3) < 1 << 31 else np.int64
    padded = pad_image(x.astype(kind), padding)
    padded = np.repeat(padded, channels // x.shape[3], axis=3)
    taps = weights[0].astype(kind)
    sums = np.zeros((x.shape[0], *output_hw, channels), kind)
    product = np.empty_like(sums)
    for row in range(taps.shape[0]):
        for column in range(taps.shape[1]):
            offset = (row * dilation_hw[0], column * dilation_hw[1])
            seen = tap(padded, offset, stride_hw, output_hw)
            sums += np.multiply(seen, taps[row, column], out=product)
    return sums


def convolve_transposed(
    x: Array, weights: Array, stride_hw: HW, padding: Padding, output_hw: HW
) -> Array:
    """Sums [N,OH,OW,Cout] in floats: each pixel of x[N,H,W,Cin] spreads weights[Cout,KH,KW,Cin]."""
    batch, rows, columns, depth = x.shape
    channels, taps_y, taps_x, _ = weights.shape
    kind = exact_float(x, weights, 0)
    matrix = weights.reshape(-1, depth).astype(kind)
    spread = matmul(x.reshape(-1, depth).astype(kind), matrix.T).reshape(
        batch, rows, columns, channels, taps_y, taps_x
    )
    full = np.zeros(
        (
            batch,
            max((rows - 1) * stride_hw[0] + taps_y, padding.top + output_hw[0]),
            max((columns - 1) * stride_hw[1] + taps_x, padding.left + output_hw[1]),
            channels,
        ),
        kind,
    )
    for y in range(taps_y):
        for x_tap in range(taps_x):
            seen = tap(full, (y, x_tap), stride_hw, (rows, columns))
            seen += spread[..., y, x_tap]
    return full[
        :, padding.top : padding.top + output_hw[0], padding.left : padding.left + output_hw[1]
    ]
