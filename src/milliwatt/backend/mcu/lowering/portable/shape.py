# SPDX-License-Identifier: MIT
"""Portable kernels that move elements, whatever their type."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Overlap, Site
from milliwatt.backend.mcu.lowering.common.loops import Nest, dense_steps, loop_literals, merged
from milliwatt.backend.mcu.lowering.common.overlap import in_order, runs
from milliwatt.backend.mcu.lowering.common.shared import PortableKernel, fixed, passed
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.shape import Concat, Pack, Pad, Reshape, Slice, Split, Transpose, Unpack

_HEADER = "mw_copy.h"
_LOOPS = 5
_PAD_LOOPS = 4
_GROUPS = (4, 16)


def _movable(site: Site) -> bool:
    return all(t.dtype.bits in (8, 16, 32) for t in (*site.inputs, *site.outputs))


def _element_bytes(kind: TensorType) -> int:
    return kind.dtype.bits // 8


def _lower_copy(site: Site) -> Lowered:
    return Lowered(
        "mw_copy",
        (In(0), Out(0), *passed(site.inputs[0].size_bytes)),
        overlaps=(Overlap(0, 0),),
    )


@dataclass(frozen=True, slots=True)
class _Gather:
    """Runs of bytes taken from a tensor: where the first begins, loops of byte steps."""

    start_bytes: int
    nest: Nest
    run_bytes: int


def _gather(site: Site) -> _Gather:
    """What a Transpose or Slice copies."""
    x, op = site.inputs[0], site.op
    element = _element_bytes(x)
    steps = [s * element for s in dense_steps(x.shape)]
    start = 0
    if isinstance(op, Transpose):
        steps = [steps[p] for p in op.perm]
    elif isinstance(op, Slice):
        start = sum(b * s for b, s in zip(op.begin, steps, strict=True))
        steps = [s * k for s, k in zip(steps, op.strides, strict=True)]
    nest = merged(site.outputs[0].shape, [steps])
    if nest.extents and nest.steps[0][-1] == element:
        outer = Nest(nest.extents[:-1], (nest.steps[0][:-1],))
        return _Gather(start, outer, nest.extents[-1] * element)
    return _Gather(start, nest, element)


def _accepts_gather(site: Site) -> bool:
    return (
        isinstance(site.op, Transpose | Slice)
        and _movable(site)
        and len(_gather(site).nest.extents) <= _LOOPS
    )


def _lower_gather(site: Site) -> Lowered:
    found = _gather(site)
    nest = found.nest.padded(_LOOPS)
    # A single element is moved by one load and store where its size is known.
    one_element = found.run_bytes == _element_bytes(site.inputs[0])
    run = fixed(found.run_bytes) if one_element else passed(found.run_bytes)
    return Lowered(
        "mw_copy_strided",
        (
            *(In(0), Out(0)),
            *passed(found.start_bytes),
            *loop_literals(nest.extents, *nest.steps),
            *run,
        ),
        overlaps=runs(
            found.start_bytes + nest.offsets(0), found.run_bytes, site.outputs[0].size_bytes
        ),
    )


def _join_axis(site: Site) -> int:
    op = site.op
    assert isinstance(op, Concat | Pack | Split | Unpack)
    return op.axis


def _run_bytes(kind: TensorType, axis: int) -> int:
    """Bytes of a tensor that lie together when it is cut before `axis`."""
    return prod(kind.shape[axis:]) * _element_bytes(kind)


def _accepts_join(site: Site) -> bool:
    return isinstance(site.op, Concat | Pack) and len(site.inputs) <= _GROUPS[-1] and _movable(site)


def _group(count: int) -> int:
    return next(size for size in _GROUPS if count <= size)


def _lower_join(site: Site) -> Lowered:
    axis = _join_axis(site)
    count = len(site.inputs)
    rows = prod(site.outputs[0].shape[:axis])
    runs = [_run_bytes(kind, axis) for kind in site.inputs]
    parts: list[Arg] = []
    for i, run in enumerate(runs):
        parts += [In(i), *passed(run)]
    # The last operand may end where the result does.
    overlaps = (Overlap(count - 1, 0, rows * sum(runs[:-1])),)
    if count == 2:
        return Lowered("mw_concat_2", (Out(0), *passed(rows), *parts), overlaps=overlaps)
    size = _group(count)
    for _ in range(size - count):
        parts += [In(0), *passed(0)]
    return Lowered(f"mw_concat_{size}", (Out(0), *passed(rows), *parts), overlaps=overlaps)


def _accepts_split(site: Site) -> bool:
    return (
        isinstance(site.op, Split | Unpack) and len(site.outputs) <= _GROUPS[-1] and _movable(site)
    )


def _lower_split(site: Site) -> Lowered:
    axis = _join_axis(site)
    count = len(site.outputs)
    rows = prod(site.inputs[0].shape[:axis])
    run = site.inputs[0].size_bytes // rows // count
    outs = [Out(i) for i in range(count)]
    if count == 2:
        return Lowered("mw_split_2", (In(0), *passed(rows, run), *outs))
    size = _group(count)
    outs += [Out(0)] * (size - count)
    return Lowered(f"mw_split_{size}", (In(0), *passed(rows, run, count), *outs))


@dataclass(frozen=True, slots=True)
class _Border:
    """Extents and borders of a Pad, dimensions without borders merged into those before them."""

    extents: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]


def _border(site: Site) -> _Border:
    op = site.op
    assert isinstance(op, Pad)
    extents: list[int] = []
    pads: list[tuple[int, int]] = []
    for extent, (before, after) in zip(site.inputs[0].shape, op.pads, strict=True):
        if extents and (before, after) == (0, 0):
            extents[-1] *= extent
            pads[-1] = (pads[-1][0] * extent, pads[-1][1] * extent)
        elif extents and pads[-1] == (0, 0) and extents[-1] == 1:
            extents[-1], pads[-1] = extent, (before, after)
        else:
            extents.append(extent)
            pads.append((before, after))
    missing = _PAD_LOOPS - len(extents)
    return _Border((*(1,) * missing, *extents), (*((0, 0),) * missing, *pads))


def _accepts_pad(site: Site) -> bool:
    return isinstance(site.op, Pad) and _movable(site) and len(_border(site).extents) == _PAD_LOOPS


def _pad_bits(site: Site) -> int:
    """The border's value as the integer whose low bytes are stored."""
    op = site.op
    assert isinstance(op, Pad)
    if site.inputs[0].dtype is DType.FLOAT32:
        return int(np.float32(op.value).view(np.int32))
    return int(op.value)


def _lower_pad(site: Site) -> Lowered:
    border = _border(site)
    args: list[Arg] = []
    for extent, pads in zip(border.extents, border.pads, strict=True):
        args += fixed(extent) if (extent, pads) == (1, (0, 0)) else passed(extent)
    for extent, pads in zip(border.extents, border.pads, strict=True):
        args += fixed(0, 0) if (extent, pads) == (1, (0, 0)) else passed(*pads)
    element = _element_bytes(site.inputs[0])
    return Lowered(
        "mw_pad",
        (In(0), Out(0), *args, *passed(_pad_bits(site)), *fixed(element)),
        overlaps=_pad_overlap(border, element, site.outputs[0].size_bytes),
    )


def _pad_overlap(border: _Border, element: int, output_bytes: int) -> tuple[Overlap, ...]:
    """Line after line of the result: borders read nothing, other lines the next line of x."""
    inside = np.ones(1, bool)
    for extent, (before, after) in zip(border.extents[:-1], border.pads[:-1], strict=True):
        here = np.zeros(before + extent + after, bool)
        here[before : before + extent] = True
        inside = (inside[:, None] & here).reshape(-1)
    line = border.extents[-1] * element
    whole = (border.extents[-1] + sum(border.pads[-1])) * element
    lines_read = np.cumsum(inside) - inside
    return in_order(lines_read * line, (np.arange(inside.size) + 1) * whole, output_bytes)


def _is_reshape(site: Site) -> bool:
    return isinstance(site.op, Reshape) and _movable(site)


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("copy", _HEADER, _is_reshape, _lower_copy),
    PortableKernel("copy_strided", _HEADER, _accepts_gather, _lower_gather),
    PortableKernel("concat", _HEADER, _accepts_join, _lower_join),
    PortableKernel("split", _HEADER, _accepts_split, _lower_split),
    PortableKernel("pad", "mw_pad.h", _accepts_pad, _lower_pad),
)
