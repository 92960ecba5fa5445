# SPDX-License-Identifier: MIT
"""Depthwise convolutions with int4 and int2 weights on cores with the DSP instructions."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Site, Table
from milliwatt.backend.mcu.lowering import dsp_depthwise
from milliwatt.backend.mcu.lowering._linear import pack_runs
from milliwatt.backend.mcu.lowering.dsp_layout import DspKernel
from milliwatt.backend.mcu.lowering.stored import StoredWeights, from_scratch
from milliwatt.backend.mcu.lowering.subbyte_layout import has_subbyte_parameters
from milliwatt.ir.types import DType
from milliwatt.ops.conv import DepthwiseConv2D

_HEADER = "mw_depthwise_stored_dsp.h"


def _as_int8(site: Site) -> Site:
    """The site, its weights taken for int8."""
    x, weights, bias = site.inputs
    return replace(site, inputs=(x, replace(weights, dtype=DType.INT8), bias))


def _subbyte(base: Kernel) -> Kernel:
    """`base` with int4 or int2 weights, which fit their bits though the zero point is folded in."""

    def accepts(site: Site) -> bool:
        if not (isinstance(site.op, DepthwiseConv2D) and has_subbyte_parameters(site)):
            return False
        if not (isinstance(base, DspKernel) and base.accepts(_as_int8(site))):
            return False
        low, high = site.inputs[1].dtype.integer_range
        weights = base.lower(_as_int8(site)).tables[0].data
        return bool(weights.min() >= low and weights.max() <= high)

    def lower(site: Site) -> Lowered:
        lowered = base.lower(_as_int8(site))
        bits = site.inputs[1].dtype.bits
        plain = lowered.tables[0]
        stored = StoredWeights(Table("weights", pack_runs(plain.data, bits)), bits)
        function = lowered.function.replace("_s8_dsp", "_subbyte_dsp")
        return from_scratch(lowered, function, stored)

    return DspKernel(base.name.replace("_s8_dsp", "_subbyte_dsp"), _HEADER, accepts, lower)


KERNELS: tuple[Kernel, ...] = tuple(_subbyte(base) for base in dsp_depthwise.KERNELS)
