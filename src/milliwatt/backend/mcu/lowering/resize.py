# SPDX-License-Identifier: MIT
"""Portable kernels that resize images."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Site, Table
from milliwatt.backend.mcu.lowering._overlap import runs
from milliwatt.backend.mcu.lowering._shared import PortableKernel, fixed, passed
from milliwatt.ir.types import Array
from milliwatt.ops.resize import ResizeNearest


def _sources(site: Site) -> tuple[Array, Array]:
    """The input row of each output row and the input column of each output column."""
    _, rows, columns, _ = site.inputs[0].shape
    numbered = np.arange(rows * columns, dtype=np.int32).reshape(1, rows, columns, 1)
    (chosen,) = site.op.reference([numbered], site.inputs, site.outputs)
    return chosen[0, :, 0, 0] // columns, chosen[0, 0, :, 0] % columns


def _accepts_nearest(site: Site) -> bool:
    return isinstance(site.op, ResizeNearest) and site.inputs[0].dtype.bits in (8, 16, 32)


def _lower_nearest(site: Site) -> Lowered:
    (x,), (y,) = site.inputs, site.outputs
    batch, in_h, in_w, channels = x.shape
    rows, columns = _sources(site)
    pixel_bytes = channels * x.dtype.bits // 8
    pixels = (
        np.arange(batch)[:, None, None] * (in_h * in_w) + rows[:, None] * in_w + columns
    ).reshape(-1)
    return Lowered(
        "mw_resize_nearest",
        (
            *(In(0), Out(0), Ref("row"), Ref("column")),
            *fixed(batch),
            *passed(in_h, in_w, *y.shape[1:3], pixel_bytes),
        ),
        (
            Table("row", rows.astype(np.int16), "constants"),
            Table("column", columns.astype(np.int16), "constants"),
        ),
        overlaps=runs(pixels * pixel_bytes, pixel_bytes, y.size_bytes),
    )


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("resize_nearest", "mw_resize_nearest.h", _accepts_nearest, _lower_nearest),
)
