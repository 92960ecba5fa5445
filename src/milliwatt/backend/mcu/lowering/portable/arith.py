# SPDX-License-Identifier: MIT
"""Portable kernels of element-wise arithmetic."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Overlap, Site
from milliwatt.backend.mcu.lowering.common.loops import Nest, broadcast_steps, loop_literals, merged
from milliwatt.backend.mcu.lowering.common.overlap import elementwise
from milliwatt.backend.mcu.lowering.common.shared import (
    PortableKernel,
    activation_code,
    fixed,
    is_site,
    passed,
    suffix,
)
from milliwatt.ir.types import DType
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import addition_factors, product_factor

_INTEGERS = (DType.INT8, DType.INT16)
_LOOPS = 5


def _nest(site: Site) -> Nest:
    result = site.outputs[0].shape
    return merged(result, [broadcast_steps(t.shape, result) for t in site.inputs])


def fits_loops(site: Site) -> bool:
    """Whether so many loops as the kernels have go through both operands."""
    return len(_nest(site).extents) <= _LOOPS


def loop_arguments(site: Site) -> tuple[Arg, ...]:
    """Extents of five loops, the first operand's steps, the second's."""
    nest = _nest(site).padded(_LOOPS)
    return loop_literals(nest.extents, *nest.steps)


def in_place(site: Site) -> tuple[Overlap, ...]:
    """The result may take the place of an operand that is not repeated."""
    y = site.outputs[0]
    return tuple(
        overlap
        for i, kind in enumerate(site.inputs)
        if kind.elements == y.elements
        for overlap in elementwise(kind, y, input_index=i)
    )


def _lower_sum(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Add | Sub)
    a, b = site.inputs
    (y,) = site.outputs
    factors = addition_factors(a, b, y)
    return Lowered(
        f"mw_add_{suffix(y.dtype)}",
        (
            *(In(0), In(1), Out(0)),
            *loop_arguments(site),
            *fixed(int(isinstance(op, Sub)), factors.left_shift),
            *passed(a.zero_point, *factors.a, b.zero_point, *factors.b),
            *passed(y.zero_point, *factors.output, *activation_range(op.activation, y)),
        ),
        overlaps=in_place(site),
    )


def _lower_product(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Mul)
    a, b = site.inputs
    (y,) = site.outputs
    return Lowered(
        f"mw_mul_{suffix(y.dtype)}",
        (
            *(In(0), In(1), Out(0)),
            *loop_arguments(site),
            *passed(a.zero_point, b.zero_point, y.zero_point, *product_factor(a, b, y)),
            *passed(*activation_range(op.activation, y)),
        ),
        overlaps=in_place(site),
    )


_OPERATIONS = (Add, Sub, Mul)


def _lower_float(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Add | Sub | Mul)
    return Lowered(
        "mw_binary_f32",
        (
            *(In(0), In(1), Out(0)),
            *loop_arguments(site),
            *fixed(_OPERATIONS.index(type(op)), activation_code(op.activation)),
        ),
        overlaps=in_place(site),
    )


def _sum_kernel(dtype: DType) -> Kernel:
    name = f"add_{suffix(dtype)}"
    return PortableKernel(
        name, f"mw_{name}.h", lambda s: is_site(s, (Add, Sub), dtype) and fits_loops(s), _lower_sum
    )


def _product_kernel(dtype: DType) -> Kernel:
    name = f"mul_{suffix(dtype)}"
    return PortableKernel(
        name, f"mw_{name}.h", lambda s: is_site(s, Mul, dtype) and fits_loops(s), _lower_product
    )


KERNELS: tuple[Kernel, ...] = (
    *(_sum_kernel(dtype) for dtype in _INTEGERS),
    *(_product_kernel(dtype) for dtype in _INTEGERS),
    PortableKernel(
        "binary_f32",
        "mw_binary_f32.h",
        lambda s: is_site(s, _OPERATIONS, DType.FLOAT32) and fits_loops(s),
        _lower_float,
    ),
)
