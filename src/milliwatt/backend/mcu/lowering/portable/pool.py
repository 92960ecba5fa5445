# SPDX-License-Identifier: MIT
"""Portable kernels of pooling and averaging."""

from __future__ import annotations

from math import prod

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Site
from milliwatt.backend.mcu.lowering.common.loops import Nest, dense_steps, merged
from milliwatt.backend.mcu.lowering.common.overlap import windows
from milliwatt.backend.mcu.lowering.common.shared import (
    PortableKernel,
    activation_code,
    fixed,
    is_site,
    passed,
    suffix,
)
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.base import Activation
from milliwatt.ops.pool import AveragePool2D, MaxPool2D, Mean
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import mean_factor

_TYPES = (DType.INT8, DType.INT16, DType.FLOAT32)
_MEAN_LOOPS = 3


def lower_pool(site: Site) -> Lowered:
    """The call of the portable kernel."""
    op = site.op
    assert isinstance(op, AveragePool2D | MaxPool2D)
    (x,), (y,) = site.inputs, site.outputs
    name = "average_pool2d" if isinstance(op, AveragePool2D) else "max_pool2d"
    return Lowered(
        f"mw_{name}_{suffix(x.dtype)}",
        (
            *(In(0), Out(0)),
            *fixed(x.shape[0]),
            *passed(*x.shape[1:], *y.shape[1:3], *op.filter_hw, *op.stride_hw),
            *passed(op.padding.top, op.padding.left),
            *_clamp(op.activation, y),
        ),
        overlaps=windows(x, y, op.stride_hw, op.padding),
    )


def _clamp(activation: Activation, y: TensorType) -> tuple[Arg, ...]:
    if y.dtype.is_float:
        return fixed(activation_code(activation))
    return passed(*activation_range(activation, y))


def _mean_loops(site: Site) -> tuple[Nest, Nest]:
    """Loops over what is kept and over what is averaged."""
    op = site.op
    assert isinstance(op, Mean)
    shape = site.inputs[0].shape
    steps = dense_steps(shape)
    kept = [i for i in range(len(shape)) if i not in op.axes]
    return (
        merged([shape[i] for i in kept], [[steps[i] for i in kept]]),
        merged([shape[i] for i in op.axes], [[steps[i] for i in op.axes]]),
    )


def _fits_mean(site: Site) -> bool:
    return all(len(nest.extents) <= _MEAN_LOOPS for nest in _mean_loops(site))


def mean_loop_arguments(site: Site) -> tuple[Arg, ...]:
    """Extent and step of three loops over what is kept and three over what is averaged."""
    found: list[Arg] = []
    for nest in _mean_loops(site):
        full = nest.padded(_MEAN_LOOPS)
        for extent, step in zip(full.extents, full.steps[0], strict=True):
            found += fixed(1, 0) if extent == 1 else passed(extent, step)
    return tuple(found)


def _lower_mean(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Mean)
    (x,), (y,) = site.inputs, site.outputs
    return Lowered(
        f"mw_mean_{suffix(x.dtype)}",
        (
            *(In(0), Out(0)),
            *mean_loop_arguments(site),
            *_mean_numbers(x, y, prod(x.shape[i] for i in op.axes)),
        ),
    )


def _mean_numbers(x: TensorType, y: TensorType, count: int) -> tuple[Arg, ...]:
    if y.dtype.is_float:
        return passed(float(count))
    return passed(
        *(-x.zero_point * count, *mean_factor(x, y, count)),
        *(y.zero_point, *y.dtype.integer_range),
    )


def _pool_kernel(op: type[AveragePool2D] | type[MaxPool2D], name: str, dtype: DType) -> Kernel:
    full = f"{name}_{suffix(dtype)}"
    return PortableKernel(full, f"mw_{full}.h", lambda s: is_site(s, op, dtype), lower_pool)


def _mean_kernel(dtype: DType) -> Kernel:
    name = f"mean_{suffix(dtype)}"
    return PortableKernel(
        name, f"mw_{name}.h", lambda s: is_site(s, Mean, dtype) and _fits_mean(s), _lower_mean
    )


KERNELS: tuple[Kernel, ...] = (
    *(_pool_kernel(AveragePool2D, "average_pool2d", dtype) for dtype in _TYPES),
    *(_pool_kernel(MaxPool2D, "max_pool2d", dtype) for dtype in _TYPES),
    *(_mean_kernel(dtype) for dtype in _TYPES),
)
