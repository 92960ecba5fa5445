# SPDX-License-Identifier: MIT
"""Element-wise sums on cores with Helium."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.backend.mcu.kernel import Core, In, Kernel, Lit, Lowered, Out, Site
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import arith as dsp_arith
from milliwatt.backend.mcu.lowering.mve.layout import MveKernel
from milliwatt.backend.mcu.lowering.portable import affine_add
from milliwatt.backend.mcu.lowering.portable.arith import in_place
from milliwatt.ops.arith import Add
from milliwatt.quant.arith import activation_range
from milliwatt.quant.scaling import addition_factors

(_AFFINE,) = affine_add.KERNELS


def _is_affine(site: Site) -> bool:
    return _AFFINE.supports(site, Core())


def _lower_affine(site: Site) -> Lowered:
    lowered = _AFFINE.lower(site)
    args = [passed(arg.value)[0] if isinstance(arg, Lit) else arg for arg in lowered.args]
    return replace(lowered, function="mw_add_affine_s8_mve", args=tuple(args))


def _accepts(site: Site) -> bool:
    return isinstance(site.op, Add) and dsp_arith.accepts(site)


def _lower(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Add)
    (a, b), (y,) = site.inputs, site.outputs
    factors = addition_factors(a, b, y)
    coarse, fine = (0, 1) if factors.a == dsp_arith.HALF else (1, 0)
    factor = (factors.a, factors.b)[fine]
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_add_s8_mve",
        (
            *(In(coarse), In(fine), Out(0)),
            *passed(y.elements, site.inputs[coarse].zero_point),
            *passed(site.inputs[fine].zero_point, *factor, y.zero_point, *factors.output),
            *passed(low, high),
            *fixed(int(factor == dsp_arith.HALF), int(low >= y.zero_point)),
        ),
        overlaps=in_place(site),
    )


KERNELS: tuple[Kernel, ...] = (
    MveKernel("add_affine_s8_mve", "mw_add_affine_s8_mve.h", _is_affine, _lower_affine),
    MveKernel("add_s8_mve", "mw_add_s8_mve.h", _accepts, _lower),
)
