# SPDX-License-Identifier: MIT
"""Portable kernels that resize images."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Site, Table
from milliwatt.backend.mcu.lowering.common.overlap import pixels
from milliwatt.backend.mcu.lowering.common.shared import PortableKernel, fixed, passed, suffix
from milliwatt.ir.types import Array, DType
from milliwatt.ops.resize import (
    Line,
    ResizeBilinear,
    ResizeNearest,
    float_line,
    integer_line,
)


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
        overlaps=pixels(x, y, rows, columns),
    )


def _accepts_bilinear(site: Site) -> bool:
    return isinstance(site.op, ResizeBilinear) and site.inputs[0].dtype in (
        DType.INT8,
        DType.INT16,
        DType.FLOAT32,
    )


def _line_tables(name: str, line: Line) -> tuple[Table, Table, Table]:
    """Tables of one axis. Where both pixels are one its weight says nothing, and is 0."""
    first, second, weight = line
    weight = np.where(first == second, 0, weight)
    weights = weight.astype(np.float32 if weight.dtype.kind == "f" else np.int16)
    return (
        Table(f"{name}_first", first.astype(np.int16), "constants"),
        Table(f"{name}_second", second.astype(np.int16), "constants"),
        Table(f"{name}_weight", weights, "constants"),
    )


def _lower_bilinear(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, ResizeBilinear)
    (x,), (y,) = site.inputs, site.outputs
    find = float_line if x.dtype.is_float else integer_line
    rows = find(op, x.shape[1], op.output_hw[0])
    columns = find(op, x.shape[2], op.output_hw[1])
    tables = (*_line_tables("row", rows), *_line_tables("column", columns))
    return Lowered(
        f"mw_resize_bilinear_{suffix(x.dtype)}",
        (
            *(In(0), Out(0), *(Ref(t.name) for t in tables)),
            *fixed(x.shape[0]),
            *passed(*x.shape[1:], *op.output_hw),
        ),
        tables,
        overlaps=pixels(x, y, rows[0], columns[0]),
    )


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("resize_nearest", "mw_resize_nearest.h", _accepts_nearest, _lower_nearest),
    PortableKernel("resize_bilinear", "mw_resize_bilinear.h", _accepts_bilinear, _lower_bilinear),
)
