# SPDX-License-Identifier: MIT
"""TensorFlow's strided slice, made plain."""

from __future__ import annotations

from milliwatt.errors import ModelError
from milliwatt.ir.types import Shape


def strided_slice(
    shape: Shape,
    begin: Shape,
    end: Shape,
    strides: Shape,
    *,
    begin_mask: int,
    end_mask: int,
    ellipsis_mask: int,
    new_axis_mask: int,
    shrink_axis_mask: int,
) -> tuple[Shape, Shape, Shape, Shape]:
    """(begin, size, strides) for every axis of `shape`, and the shape of the result.

    Bit i of a mask speaks of entry i of begin, end and strides; an ellipsis outranks a new axis,
    which outranks a shrunk one. ModelError where the result would be empty.
    """
    if not len(begin) == len(end) == len(strides):
        raise ModelError(f"begin {begin}, end {end} and strides {strides} differ in length")
    entries = range(len(begin))
    ellipses = [i for i in entries if ellipsis_mask >> i & 1]
    if len(ellipses) > 1:
        raise ModelError("more than one ellipsis")
    new_axes = {i for i in entries if new_axis_mask >> i & 1 and i not in ellipses}
    covered = len(begin) - len(new_axes) - len(ellipses)
    if covered > len(shape):
        raise ModelError(f"{covered} slices for {len(shape)} dimensions")
    picks: list[range] = []
    result: list[int] = []
    for i in entries:
        if i in ellipses:
            skipped = shape[len(picks) : len(picks) + len(shape) - covered]
            picks += [range(d) for d in skipped]
            result += skipped
        elif i in new_axes:
            result.append(1)
        elif shrink_axis_mask >> i & 1:
            start = 0 if begin_mask >> i & 1 else begin[i]
            picks.append(_one(start, strides[i], shape[len(picks)]))
        else:
            start = None if begin_mask >> i & 1 else begin[i]
            stop = None if end_mask >> i & 1 else end[i]
            picks.append(_some(start, stop, strides[i], shape[len(picks)]))
            result.append(len(picks[-1]))
    rest = shape[len(picks) :]
    picks += [range(d) for d in rest]
    starts = tuple(p.start for p in picks)
    sizes, steps = tuple(len(p) for p in picks), tuple(p.step for p in picks)
    return starts, sizes, steps, (*result, *rest)


def _one(index: int, stride: int, extent: int) -> range:
    if not -extent <= index < extent or stride < 1:
        raise ModelError(f"index {index} with stride {stride} is outside {extent} elements")
    return range(index % extent, index % extent + 1)


def _some(start: int | None, stop: int | None, stride: int, extent: int) -> range:
    if stride == 0:
        raise ModelError("a stride is 0")
    pick = range(*slice(start, stop, stride).indices(extent))
    if len(pick) == 0:
        raise ModelError(f"slice {start}:{stop}:{stride} of {extent} elements is empty")
    return pick
