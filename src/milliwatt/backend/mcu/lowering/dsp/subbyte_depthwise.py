# SPDX-License-Identifier: MIT
"""Depthwise convolutions with int4 and int2 weights on cores with the DSP instructions.

Coarse weights have large scales. Factors of 1/8 and more leave no room for the single rounding of
one_rounding.py, and for those of 1/2 and more the kernels of int8 weights have no form. But narrow
weights leave room in their bytes: unpacked as 2**j times themselves they make factors smaller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Ref, Site, Table
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.common.stored import bytes_of, from_scratch, packed, weights_of
from milliwatt.backend.mcu.lowering.dsp import depthwise as dsp_depthwise
from milliwatt.backend.mcu.lowering.dsp.depthwise import ONCE, ONCE_LARGE
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel, Filters
from milliwatt.backend.mcu.lowering.dsp.one_rounding import (
    FRACTION_BITS,
    LARGE_RESULT_BITS,
    RESULT_BITS,
    OneRounding,
    offset_of,
    one_rounding,
)
from milliwatt.backend.mcu.lowering.dsp.subbyte_layout import as_int8, has_subbyte_parameters
from milliwatt.ir.types import Quant, TensorType
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.quant.arith import activation_range

_HEADER = "mw_depthwise_stored_dsp.h"
_SCALES, _END = 5, -4
"""Places among a kernel's arguments: the scales; the output's zero point, clamp and form."""
_ROOM = 4096


def _with_room(site: Site, filters: Filters) -> Site:
    """The site as int8, with these weights, no bias, and a scale that every kernel has room for.

    Of a kernel's call for it the constants that scale sums, and the clamp, are wrong.
    """
    x, weights, bias = as_int8(site).inputs
    y = site.outputs[0]
    return replace(
        site,
        inputs=(x, replace(weights, quant=Quant.per_tensor(_scale_of(x), 0)), bias),
        outputs=(replace(y, quant=Quant.per_tensor(_ROOM * _scale_of(x) ** 2, y.zero_point)),),
        constants=(
            None,
            filters.weights.T.reshape(weights.shape).astype(np.int8),
            np.zeros(bias.shape, np.int32),
        ),
    )


def _scale_of(kind: TensorType) -> float:
    assert kind.quant is not None
    return kind.quant.scale[0]


@dataclass(frozen=True, slots=True)
class _Widened:
    """A layer's site with room, the shift with which its weights are unpacked, and their scales.

    `clamp` is the layer's own: bounds of activations go with the output's scale. `form` and
    `offset` say how the kernel is to scale.
    """

    site: Site
    shift: int
    once: OneRounding
    clamp: tuple[int, int]
    form: int
    offset: int


def _widened(site: Site) -> _Widened | None:
    """Weights shifted as far as their bytes allow, where a single rounding is then exact."""
    op, (y,) = site.op, site.outputs
    assert isinstance(op, DepthwiseConv2D)
    shift = 8 - site.inputs[1].dtype.bits
    filters = dsp_depthwise.filters_of(as_int8(site))
    clamp = activation_range(op.activation, y)
    room = _with_room(site, filters)
    for form, bits in ((ONCE, RESULT_BITS), (ONCE_LARGE, LARGE_RESULT_BITS)):
        once = one_rounding(
            filters,
            y.zero_point,
            *clamp,
            fraction_bits=FRACTION_BITS + shift,
            result_bits=bits,
        )
        if once is not None:
            return _Widened(room, shift, once, clamp, form, offset_of(y.zero_point, bits))
    return None


def _rounded_once(base: DspKernel, widened: _Widened) -> Lowered:
    """The call of a kernel that accepts the site with room, with the right scales."""
    lowered = base.lower(widened.site)
    args = [Ref("scales") if at == _SCALES else arg for at, arg in enumerate(lowered.args)]
    args[_END:] = [
        *passed(widened.offset),
        *fixed(*widened.clamp, widened.form),
    ]
    bias = Table("bias", widened.once.bias.astype(np.int32))
    tables = weights_of(lowered), bias, widened.once.scales()
    return replace(lowered, args=tuple(args), tables=tables)


def _subbyte(base: Kernel) -> Kernel:
    """`base` with int4 or int2 weights, which fit their bits though the zero point is folded in."""
    assert isinstance(base, DspKernel)

    def form(site: Site) -> tuple[Lowered, int] | None:
        """The call with weights as bytes, and the shift that they are to be given."""
        widened = _widened(site)
        if widened is not None and base.accepts(widened.site):
            return _rounded_once(base, widened), widened.shift
        plain = as_int8(site)
        return (base.lower(plain), 0) if base.accepts(plain) else None

    def accepts(site: Site) -> bool:
        if not (isinstance(site.op, DepthwiseConv2D) and has_subbyte_parameters(site)):
            return False
        found = form(site)
        if found is None:
            return False
        low, high = site.inputs[1].dtype.integer_range
        weights = weights_of(found[0]).data
        return bool(weights.min() >= low and weights.max() <= high)

    def lower(site: Site) -> Lowered:
        found = form(site)
        assert found is not None
        lowered, shift = found
        bits = site.inputs[1].dtype.bits
        function = lowered.function.replace("_s8_dsp", "_subbyte_dsp")
        return from_scratch(lowered, function, packed(bytes_of(weights_of(lowered)), bits, shift))

    return DspKernel(base.name.replace("_s8_dsp", "_subbyte_dsp"), _HEADER, accepts, lower)


KERNELS: tuple[Kernel, ...] = tuple(_subbyte(base) for base in dsp_depthwise.KERNELS)
