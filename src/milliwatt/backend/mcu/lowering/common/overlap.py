# SPDX-License-Identifier: MIT
"""How far an output may reach into the memory of an input that is read in order."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Overlap
from milliwatt.ir.types import Array, TensorType
from milliwatt.ops.base import Padding


def elementwise(x: TensorType, y: TensorType, *, input_index: int = 0) -> tuple[Overlap, ...]:
    """Element i of y is written after element i of x is read, elements going upwards.

    Empty for two different types neither of which is a byte: C's rules of aliasing let a compiler
    reorder accesses through such pointers.
    """
    x_bytes, y_bytes = x.dtype.bits // 8, y.dtype.bits // 8
    if x.dtype != y.dtype and 1 not in (x_bytes, y_bytes):
        return ()
    return (Overlap(input_index, 0, max(0, (y_bytes - x_bytes) * y.elements)),)


def in_order(
    first_read_bytes: Array, written_bytes: Array, output_bytes: int, *, input_index: int = 0
) -> tuple[Overlap, ...]:
    """The overlap of a kernel that works in steps, each reading, then writing, or both at once.

    Step p reads nothing of the input below `first_read_bytes[p]`, and once it is done nothing of
    the output at or above `written_bytes[p]` (ascending) is written. No byte may be written while
    it is still to be read: what is written by the end of step p lies below all that step p and
    those after it read. Empty where only disjoint buffers will do.
    """
    still_read = np.minimum.accumulate(first_read_bytes[::-1])[::-1]
    gap = max(0, int((written_bytes - still_read).max()))
    return () if gap >= output_bytes else (Overlap(input_index, 0, gap),)


def windows(
    x: TensorType,
    y: TensorType,
    stride_hw: tuple[int, int],
    padding: Padding,
    dilation_hw: tuple[int, int] = (1, 1),
    *,
    copied: bool = False,
) -> tuple[Overlap, ...]:
    """The overlap of a kernel that computes pixel after pixel of y[N,OH,OW,C] from windows of x.

    `copied`: a window is read to its end before the first channel of its pixel is written.
    """
    rows = _first_in(y.shape[1], stride_hw[0], padding.top, dilation_hw[0])
    columns = _first_in(y.shape[2], stride_hw[1], padding.left, dilation_hw[1])
    return pixels(x, y, rows, columns, copied=copied)


def pixels(
    x: TensorType, y: TensorType, rows: Array, columns: Array, *, copied: bool = False
) -> tuple[Overlap, ...]:
    """The overlap of a kernel that computes pixel after pixel of y[N,OH,OW,C].

    `rows` holds the first row of x that each row of y reads, `columns` the first column alike.
    `copied`: what a pixel needs is read before its first channel is written.
    """
    batch, in_h, in_w, in_c = x.shape
    image = rows[:, None] * in_w + columns[None, :]
    all_images = np.arange(batch)[:, None] * (in_h * in_w) + image.reshape(1, -1)
    first_read = all_images.reshape(-1) * (in_c * x.dtype.bits // 8)
    pixel_bytes = y.shape[3] * y.dtype.bits // 8
    written = (np.arange(first_read.size) + 1) * pixel_bytes
    if copied:
        first_read = np.append(first_read[1:], x.size_bytes)
    return in_order(first_read, written, y.size_bytes)


def blocks(first_read_bytes: Array, ends: Array, channels: int) -> tuple[Overlap, ...]:
    """The overlap of a kernel that reads a block of pixels' inputs, then writes its outputs.

    `first_read_bytes[p]` is the lowest input byte that pixel p or one after it reads, `ends[b]` the
    pixel after block b. While a block's outputs are written only the blocks after it are still to
    be read.
    """
    nothing = np.iinfo(np.int64).max // 2
    read_after = np.append(first_read_bytes, nothing)[ends]
    return in_order(read_after, ends * channels, len(first_read_bytes) * channels)


def ends_of_blocks(pixels: int, block: int) -> Array:
    """The pixel after each block of `block` pixels, of which the last may have fewer."""
    return np.minimum(np.arange(block, pixels + block, block), pixels)


def runs(
    read_bytes: Array, run_bytes: int, output_bytes: int, *, input_index: int = 0
) -> tuple[Overlap, ...]:
    """The overlap of a kernel that fills y in order with runs copied from `read_bytes` of x."""
    written = (np.arange(read_bytes.size) + 1) * run_bytes
    return in_order(read_bytes, written, output_bytes, input_index=input_index)


def _first_in(outputs: int, stride: int, before: int, dilation: int) -> Array:
    """For each window, its first tap that is not before the map."""
    start = np.arange(outputs) * stride - before
    return np.where(start >= 0, start, start % dilation)
