# SPDX-License-Identifier: MIT
"""Depthwise convolutions with int4 and int2 weights on cores with Helium."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import pack_runs
from milliwatt.backend.mcu.lowering.common.shared import passed
from milliwatt.backend.mcu.lowering.dsp import depthwise as dsp_depthwise
from milliwatt.backend.mcu.lowering.dsp.subbyte_layout import has_subbyte_parameters
from milliwatt.backend.mcu.lowering.mve.depthwise import (
    groups_of,
    has_one_filter_a_channel,
    is_exact,
    lies_inside,
    lower_inside,
    lower_rows,
)
from milliwatt.backend.mcu.lowering.mve.layout import VECTOR, MveKernel
from milliwatt.backend.mcu.lowering.mve.subbyte_layout import is_subbyte_exact
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.units import align_up, ceil_div

_BIAS_BYTES = 4 * VECTOR


def _accepts(site: Site) -> bool:
    if not (isinstance(site.op, DepthwiseConv2D) and has_subbyte_parameters(site)):
        return False
    if not has_one_filter_a_channel(site):
        return False
    filters = dsp_depthwise.filters_of(site)
    return is_subbyte_exact(filters, site.inputs[1].dtype.bits) and is_exact(filters)


def _accepts_inside(site: Site) -> bool:
    return _accepts(site) and lies_inside(site)


def _unpacked_first(site: Site, lowered: Lowered) -> Lowered:
    """The call `lowered`, its weights made bytes in scratch memory first."""
    bits, plain = site.inputs[1].dtype.bits, lowered.tables[0]
    groups = groups_of(dsp_depthwise.filters_of(site))
    taps, biases_last = len(groups.stored), groups.biases_last
    blocks = plain.data.reshape(-1, _BIAS_BYTES + VECTOR * taps)
    stored = Table("weights", _packed(blocks, bits, biases_last))
    offset = align_up(lowered.scratch_bytes, 4)
    vectors = ceil_div(taps * bits, 8)
    made = passed(offset, len(blocks), taps, vectors, int(biases_last), bits)
    args: list[Arg] = [a for a in lowered.args if a != Scratch()]
    at = args.index(Ref("weights"))
    args = [*args[:at], Scratch(), args[at], *made, *args[at + 1 :]]
    assert args[at - 1] == Out(0)
    beyond = 0 if biases_last else VECTOR * (vectors * 8 // bits - taps)
    return replace(
        lowered,
        function=lowered.function.replace("_s8_mve", "_subbyte_mve"),
        args=tuple(args),
        tables=(stored, *lowered.tables[1:]),
        scratch_bytes=offset + plain.data.nbytes + beyond,
    )


def _packed(blocks: Array, bits: int, biases_last: bool) -> Array:
    """The table of bytes [blocks, bytes], the weights of several taps in each 16 bytes."""
    weights = blocks[:, :-_BIAS_BYTES] if biases_last else blocks[:, _BIAS_BYTES:]
    biases = blocks[:, -_BIAS_BYTES:] if biases_last else blocks[:, :_BIAS_BYTES]
    by_lane = weights.reshape(len(blocks), -1, VECTOR).transpose(0, 2, 1)
    packed = pack_runs(by_lane, bits).transpose(0, 2, 1).reshape(len(blocks), -1)
    parts = [packed, biases] if biases_last else [biases, packed]
    return np.concatenate(parts, axis=1).reshape(-1)


def _lower(site: Site) -> Lowered:
    return _unpacked_first(site, lower_rows(site, dsp_depthwise.filters_of(site)))


def _lower_inside(site: Site) -> Lowered:
    return _unpacked_first(site, lower_inside(site, dsp_depthwise.filters_of(site)))


_HEADER = "mw_depthwise_subbyte_mve.h"
KERNELS: tuple[Kernel, ...] = (
    MveKernel("depthwise_conv2d_inside_subbyte_mve", _HEADER, _accepts_inside, _lower_inside),
    MveKernel("depthwise_conv2d_subbyte_mve", _HEADER, _accepts, _lower),
)
