# SPDX-License-Identifier: MIT
"""Layers of int8 weights that lie in flash in a lossless code, with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Core, In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.overlap import in_order
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.common.stored import (
    MOST_CHANNELS,
    Stored,
    block_bytes,
    by_blocks,
    bytes_of,
    coded,
    coded_kernel,
    is_smaller,
    made_bytes,
    memory_saved,
    weights_of,
)
from milliwatt.backend.mcu.lowering.dsp import (
    brief as dsp_brief,
)
from milliwatt.backend.mcu.lowering.dsp import (
    conv as dsp_conv,
)
from milliwatt.backend.mcu.lowering.dsp import (
    dense as dsp_dense,
)
from milliwatt.backend.mcu.lowering.dsp import (
    depthwise as dsp_depthwise,
)
from milliwatt.backend.mcu.lowering.dsp import (
    small as dsp_small,
)
from milliwatt.backend.mcu.lowering.dsp.dense import filters_of
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    can_pack,
    coarse_words,
    four_channel_words,
    has_one_scale,
    is_coarse,
)
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.arith import activation_range
from milliwatt.units import align_up, ceil_div

_BLOCK_CHANNELS = 4
_DSP = Core(dsp=True)


def _dense_words(site: Site) -> Table:
    """The weights as the kernel of plain ones reads them."""
    filters = filters_of(site)
    return four_channel_words(filters, can_pack(filters))


def _codes(site: Site) -> Stored:
    return coded(bytes_of(_dense_words(site)))


def _accepts_dense(site: Site) -> bool:
    x = site.inputs[0]
    return (
        dsp_dense.computes(site)
        and x.elements == site.inputs[1].shape[1]
        and is_smaller(_codes(site), _dense_words(site))
    )


def _lower_dense(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, FullyConnected)
    (y,) = site.outputs
    channels, depth = site.inputs[1].shape
    filters = filters_of(site)
    stored = _codes(site)
    four_bytes = _BLOCK_CHANNELS * (4 + align_up(depth, 4))
    per_channel = not has_one_scale(filters)
    low, high = activation_range(op.activation, y)
    return Lowered(
        "mw_fully_connected_coded_s8_dsp",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(depth, channels, four_bytes, y.zero_point),
            *fixed(low, high, int(can_pack(filters)), int(per_channel), int(is_coarse(filters))),
            *passed(stored.low_bytes, stored.k),
        ),
        (
            stored.table,
            coarse_words(filters, None if per_channel else 1),
        ),
        scratch_bytes=made_bytes(four_bytes),
        overlaps=in_order(np.zeros(1, np.int64), np.array([channels]), channels),
    )


def _at_once(base: Kernel) -> Kernel:
    """A convolution's kernel with coded weights, all decoded before it runs."""
    whole = coded_kernel(base, _CONV)

    def accepts(site: Site) -> bool:
        return whole.supports(site, _DSP) and _memory_saved(site, base) <= 0

    return DspKernel(whole.name, whole.header, accepts, whole.lower)


def _by_blocks(base: Kernel) -> Kernel:
    """A convolution's kernel with coded weights, decoded `MOST_CHANNELS` at a time."""
    whole = coded_kernel(base, _CONV)

    def accepts(site: Site) -> bool:
        return whole.supports(site, _DSP) and _memory_saved(site, base) > 0

    def lower(site: Site) -> Lowered:
        return _in_blocks(site, base)

    return DspKernel(f"{whole.name}_blocks", _BLOCKS, accepts, lower)


def _memory_saved(site: Site, base: Kernel) -> int:
    """Bytes by which blocks of channels need less than the whole layer, which may be in place."""
    lowered = base.lower(site)
    blocks = block_bytes(_unit_bytes(lowered, site), 2, MOST_CHANNELS, site)
    return memory_saved(lowered, site, blocks)


def _unit_bytes(lowered: Lowered, site: Site) -> int:
    """Bytes of two channels' words."""
    return weights_of(lowered).data.nbytes // ceil_div(site.outputs[0].shape[3], 2)


def _in_blocks(site: Site, base: Kernel) -> Lowered:
    lowered = base.lower(site)
    stored = coded(bytes_of(weights_of(lowered)))
    channel_pairs = ceil_div(site.outputs[0].shape[3], 2)
    unit_bytes = _unit_bytes(lowered, site)
    blocks = block_bytes(unit_bytes, 2, MOST_CHANNELS, site)
    return by_blocks(
        lowered,
        lowered.function.replace("_s8_dsp", "_coded_blocks_s8_dsp"),
        stored,
        blocks,
        passed(MOST_CHANNELS, unit_bytes, lowered.tables[1].data.nbytes // channel_pairs),
    )


_CONV = "mw_conv2d_coded_s8_dsp.h"
_BLOCKS = "mw_conv2d_coded_blocks_s8_dsp.h"
_DEPTHWISE = "mw_depthwise_stored_dsp.h"
_CONVOLUTIONS = (
    *dsp_conv.KERNELS,
    *(kernel for kernel in dsp_small.KERNELS if "depthwise" not in kernel.name),
    *dsp_brief.KERNELS,
)

KERNELS: tuple[Kernel, ...] = (
    *(_at_once(base) for base in _CONVOLUTIONS),
    *(_by_blocks(base) for base in _CONVOLUTIONS),
    *(coded_kernel(base, _DEPTHWISE) for base in dsp_depthwise.KERNELS),
    DspKernel(
        "fully_connected_s8_coded",
        "mw_fully_connected_coded_s8_dsp.h",
        _accepts_dense,
        _lower_dense,
    ),
)
