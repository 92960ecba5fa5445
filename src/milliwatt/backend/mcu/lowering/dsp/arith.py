# SPDX-License-Identifier: MIT
"""Element-wise sums and products on cores with the DSP instructions."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Site
from milliwatt.backend.mcu.lowering.common.shared import fixed, is_site, passed
from milliwatt.backend.mcu.lowering.dsp.layout import SECOND_SHIFT, DspKernel
from milliwatt.backend.mcu.lowering.portable.arith import fits_loops, in_place, loop_arguments
from milliwatt.ir.types import DType
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import Factor, addition_factors, product_factor

HALF: Factor = (1 << 30, 0)
"""The factor of the operand with the larger scale."""
_LEFT_SHIFT = 20
"""Bits below the point that mw_add_s8_dsp.h works with."""


def accepts(site: Site) -> bool:
    """Whether the site adds or subtracts int8 of equal shape, exactly."""
    if not is_site(site, (Add, Sub), DType.INT8):
        return False
    a, b = site.inputs
    (y,) = site.outputs
    if not a.elements == b.elements == y.elements or b.dtype is not DType.INT8:
        return False
    factors = addition_factors(a, b, y)
    operands = (factors.a, factors.b)
    return (
        factors.left_shift == _LEFT_SHIFT
        and all(f == HALF or f[1] <= -1 for f in operands)
        and factors.output[1] <= -1
    )


def _divisor(factor: Factor) -> int:
    """-2**(32 + shift); any number where the factor is 1/2 or 0, which need none."""
    multiplier, shift = factor
    return 0 if factor == HALF else -(1 << (30 if multiplier == 0 else 32 + shift))


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Add | Sub)
    a, b = site.inputs
    (y,) = site.outputs
    factors = addition_factors(a, b, y)
    return Lowered(
        "mw_add_s8_dsp",
        (
            *(In(0), In(1), Out(0)),
            *passed(y.elements),
            *fixed(int(factors.a == HALF), int(factors.b == HALF), int(isinstance(op, Sub))),
            *passed(a.zero_point, factors.a[0], _divisor(factors.a)),
            *passed(b.zero_point, factors.b[0], _divisor(factors.b)),
            *passed(y.zero_point, factors.output[0], _divisor(factors.output)),
            *fixed(*activation_range(op.activation, y)),
        ),
        overlaps=in_place(site),
    )


_LARGEST_SHIFT = 12
"""To the left, of the product of two numbers of 9 bits: doubled, it must fit 32 bits."""


def _accepts_product(site: Site) -> bool:
    """Whether the site multiplies int8, exactly."""
    if not (is_site(site, Mul, DType.INT8) and fits_loops(site)):
        return False
    a, b = site.inputs
    return b.dtype is DType.INT8 and product_factor(a, b, site.outputs[0])[1] <= _LARGEST_SHIFT


def _lower_product(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Mul)
    a, b = site.inputs
    (y,) = site.outputs
    multiplier, shift = product_factor(a, b, y)
    is_coarse = shift >= 0 and multiplier != 0
    shifts = shift | (1 << SECOND_SHIFT) if is_coarse else 0
    return Lowered(
        "mw_mul_s8_dsp",
        (
            *(In(0), In(1), Out(0)),
            *loop_arguments(site),
            *passed(a.zero_point, b.zero_point, y.zero_point, multiplier, shifts),
            *passed(_divisor((multiplier, min(shift, -1)))),
            *fixed(int(is_coarse), *activation_range(op.activation, y)),
        ),
        overlaps=in_place(site),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel("add_s8_dsp", "mw_add_s8_dsp.h", accepts, _lower),
    DspKernel("mul_s8_dsp", "mw_mul_s8_dsp.h", _accepts_product, _lower_product),
)
