# SPDX-License-Identifier: MIT
"""Layers of int8 weights that lie in flash in a lossless code, with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering import dsp_conv, dsp_dense, dsp_depthwise
from milliwatt.backend.mcu.lowering._overlap import in_order
from milliwatt.backend.mcu.lowering._shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp_dense import filters_of
from milliwatt.backend.mcu.lowering.dsp_layout import (
    DspKernel,
    can_pack,
    four_channel_words,
    has_one_scale,
    scale_words,
)
from milliwatt.backend.mcu.lowering.rice import Coded, encode
from milliwatt.backend.mcu.lowering.stored import LARGEST_SHARE, coded_kernel, made_bytes
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up

_BLOCK_CHANNELS = 4


def _dense_words(site: Site) -> Table:
    """The weights as the kernel of plain ones reads them."""
    filters = filters_of(site)
    return four_channel_words(filters, can_pack(filters))


def _codes(site: Site) -> Coded:
    return encode(_dense_words(site).data.view(np.int8))


def _accepts_dense(site: Site) -> bool:
    x = site.inputs[0]
    return (
        dsp_dense.accepts(site)
        and x.elements == site.inputs[1].shape[1]
        and _codes(site).size_bytes < LARGEST_SHARE * _dense_words(site).data.nbytes
    )


def _lower_dense(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    (y,) = site.outputs
    channels, depth = site.inputs[1].shape
    filters = filters_of(site)
    coded = _codes(site)
    block_bytes = _BLOCK_CHANNELS * (4 + align_up(depth, 4))
    per_channel = not has_one_scale(filters)
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_fully_connected_coded_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(depth, channels, block_bytes, y.zero_point),
            *fixed(low, high, int(can_pack(filters)), int(per_channel)),
            *passed(coded.low_bytes, coded.k),
        ),
        (
            Table("weights", coded.data, alignment=1),
            scale_words(filters, None if per_channel else 1),
        ),
        scratch_bytes=made_bytes(block_bytes),
        overlaps=in_order(np.zeros(1, np.int64), np.array([channels]), channels),
    )


_CONV = "mw_conv2d_coded_s8_dsp.h"
_DEPTHWISE = "mw_depthwise_stored_dsp.h"

KERNELS: tuple[Kernel, ...] = (
    *(coded_kernel(base, _CONV) for base in dsp_conv.KERNELS),
    *(coded_kernel(base, _DEPTHWISE) for base in dsp_depthwise.KERNELS),
    DspKernel(
        "fully_connected_s8_coded",
        "mw_fully_connected_coded_s8_dsp.h",
        _accepts_dense,
        _lower_dense,
    ),
)
