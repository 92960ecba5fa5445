# SPDX-License-Identifier: MIT
"""Layers of int8 weights that lie in flash in a lossless code, with the DSP instructions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu.kernel import Core, In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
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
from milliwatt.backend.mcu.lowering.stored import (
    LARGEST_SHARE,
    coded_kernel,
    made_bytes,
    weights_of,
)
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

_BLOCK_CHANNELS = 4
_MOST = 16
"""Channels of a convolution decoded at a time, where not all are."""
_DSP = Core(dsp=True)


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


def _at_once(base: Kernel) -> Kernel:
    """A convolution's kernel with coded weights, all decoded before it runs."""
    whole = coded_kernel(base, _CONV)

    def accepts(site: Site) -> bool:
        return whole.supports(site, _DSP) and _memory_saved(site, base) <= 0

    return DspKernel(whole.name, whole.header, accepts, whole.lower)


def _by_blocks(base: Kernel) -> Kernel:
    """A convolution's kernel with coded weights, decoded `_MOST` channels at a time."""
    whole = coded_kernel(base, _CONV)

    def accepts(site: Site) -> bool:
        return whole.supports(site, _DSP) and _memory_saved(site, base) > 0

    def lower(site: Site) -> Lowered:
        return _in_blocks(site, base)

    return DspKernel(f"{whole.name}_blocks", _BLOCKS, accepts, lower)


def _memory_saved(site: Site, base: Kernel) -> int:
    """Bytes by which blocks of channels need less than the whole layer, which may be in place."""
    lowered = base.lower(site)
    all_bytes = lowered.scratch_bytes + made_bytes(weights_of(lowered).data.nbytes)
    in_place = bool(lowered.overlaps)
    shared = min(site.inputs[0].size_bytes, site.outputs[0].size_bytes) if in_place else 0
    return all_bytes - _in_blocks(site, base).scratch_bytes - shared


def _in_blocks(site: Site, base: Kernel) -> Lowered:
    lowered = base.lower(site)
    plain, scales = weights_of(lowered), lowered.tables[1]
    coded = encode(np.ascontiguousarray(plain.data).view(np.int8))
    _, height, width, channels = site.outputs[0].shape
    channel_pairs = ceil_div(channels, 2)
    pair_bytes = plain.data.nbytes // channel_pairs
    offset = align_up(lowered.scratch_bytes, 4)
    outputs = offset + made_bytes(_MOST // 2 * pair_bytes)
    return replace(
        lowered,
        function=lowered.function.replace("_s8_dsp", "_coded_blocks_s8_dsp"),
        args=(
            *lowered.args[:4],
            *passed(offset, pair_bytes, coded.k, coded.low_bytes, _MOST, outputs),
            *passed(scales.data.size // channel_pairs),
            *lowered.args[4:],
        ),
        tables=(replace(plain, data=coded.data, alignment=1), scales),
        scratch_bytes=outputs + align_up(_MOST * height * width, 4),
        overlaps=(),
    )


_CONV = "mw_conv2d_coded_s8_dsp.h"
_BLOCKS = "mw_conv2d_coded_blocks_s8_dsp.h"
_DEPTHWISE = "mw_depthwise_stored_dsp.h"

KERNELS: tuple[Kernel, ...] = (
    *(_at_once(base) for base in dsp_conv.KERNELS),
    *(_by_blocks(base) for base in dsp_conv.KERNELS),
    *(coded_kernel(base, _DEPTHWISE) for base in dsp_depthwise.KERNELS),
    DspKernel(
        "fully_connected_s8_coded",
        "mw_fully_connected_coded_s8_dsp.h",
        _accepts_dense,
        _lower_dense,
    ),
)
