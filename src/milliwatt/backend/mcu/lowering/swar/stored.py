# SPDX-License-Identifier: MIT
"""int4, int2 and coded weights on cores without packed multiplication.

The kernels are those of int8 weights, which are made in scratch memory: all of a layer's, or those
of a block of channels (mw_stored.h, mw_stored_blocks.h).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.backend.mcu.kernel import Core, Kernel, Lowered, Scratch, Site
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.common.stored import (
    MOST_CHANNELS,
    Stored,
    block_bytes,
    by_blocks,
    bytes_of,
    coded,
    from_scratch,
    is_smaller,
    made_bytes,
    memory_saved,
    packed,
    weights_of,
    with_numbers,
    with_table,
)
from milliwatt.backend.mcu.lowering.dsp.subbyte_layout import as_int8, has_subbyte_parameters
from milliwatt.backend.mcu.lowering.swar import (
    conv as swar_conv,
)
from milliwatt.backend.mcu.lowering.swar import (
    dense as swar_dense,
)
from milliwatt.backend.mcu.lowering.swar import (
    depthwise as swar_depthwise,
)
from milliwatt.backend.mcu.lowering.swar.layout import CHANNELS, SwarKernel
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.units import align_up, ceil_div

_SWAR = Core(swar=True)
_DENSE_UNIT = 4
"""Channels whose weights share words in a fully connected layer."""
_DENSE_CHANNELS = 8
"""Channels of a fully connected layer whose weights are made at a time."""
_LOWER_THREE = np.array([-128, -128, -128, 0], np.int8)
"""MW_LOWER_THREE of mw_fully_connected_stored_s8_swar.h, byte by byte."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What a kernel of int8 weights becomes: its call, given how its weights are stored."""

    base: Kernel
    header: str
    weights: Callable[[Lowered], Array]
    call: Callable[[Lowered, Site, Stored], Lowered]


def _plain_bytes(lowered: Lowered) -> Array:
    return bytes_of(weights_of(lowered))


def _dense_bytes(lowered: Lowered) -> Array:
    """The words' bytes, their offsets taken off."""
    return (_plain_bytes(lowered).reshape(-1, _DENSE_UNIT) ^ _LOWER_THREE).reshape(-1)


def _with_rest(lowered: Lowered) -> int:
    """Whether weights exceed their groups: then every channel has at least one entry."""
    return int(any(t.name == "rest" and t.data.size > 1 for t in lowered.tables))


def _scale_words(lowered: Lowered, channels: int) -> int:
    """Words of scales from one channel to the next, 0 where all share them."""
    scales = next(t for t in lowered.tables if t.name == "scales")
    return scales.data.size // channels if scales.data.size >= channels else 0


def _named(lowered: Lowered, kind: str) -> str:
    return lowered.function.replace("_s8_swar", f"_{kind}_s8_swar")


def _whole(lowered: Lowered, site: Site, stored: Stored) -> Lowered:
    del site
    return from_scratch(lowered, _named(lowered, "stored"), stored)


def _convolution(lowered: Lowered, site: Site, stored: Stored) -> Lowered:
    """All weights at once, or blocks of channels, whichever takes less memory."""
    channels = site.outputs[0].shape[3]
    eight_bytes = weights_of(lowered).data.nbytes // ceil_div(channels, CHANNELS)
    blocks = block_bytes(eight_bytes, CHANNELS, MOST_CHANNELS, site)
    if memory_saved(lowered, site, blocks) <= 0:
        return _whole(lowered, site, stored)
    layout = (
        *passed(MOST_CHANNELS, eight_bytes, _scale_words(lowered, channels)),
        *fixed(stored.bits, _with_rest(lowered)),
    )
    return by_blocks(lowered, _named(lowered, "stored_blocks"), stored, blocks, layout)


def _dense(lowered: Lowered, site: Site, stored: Stored) -> Lowered:
    """Blocks of channels: one row's outputs lie side by side as they are."""
    channels, depth = site.outputs[0].shape[-1], site.inputs[1].shape[-1]
    four_bytes = _DENSE_UNIT * depth
    most = _DENSE_CHANNELS * (1 if _DENSE_CHANNELS * depth % 16 == 0 else 2)
    offset = align_up(lowered.scratch_bytes, 4)
    units = ceil_div(min(most, channels), _DENSE_UNIT)
    padded = align_up(channels, _DENSE_UNIT)
    rest = fixed(_with_rest(lowered)) if "groups" in lowered.function else ()
    numbers = (
        *passed(offset, stored.k, stored.low_bytes, most, four_bytes),
        *passed(_scale_words(lowered, padded)),
        *fixed(stored.bits),
        *rest,
    )
    args = with_numbers(lowered, *numbers)
    if Scratch() not in args:
        args = (*args[:2], Scratch(), *args[2:])
    return replace(
        lowered,
        function=_named(lowered, "stored"),
        args=args,
        tables=with_table(lowered, stored.table),
        scratch_bytes=offset + made_bytes(units * four_bytes),
        overlaps=(),
    )


def _has_one_row(site: Site) -> bool:
    depth = site.inputs[1].shape[-1]
    return isinstance(site.op, DepthwiseConv2D) or site.inputs[0].elements == depth


def _forms() -> list[_Form]:
    found = [
        _Form(k, "mw_fully_connected_stored_s8_swar.h", _dense_bytes, _dense)
        for k in swar_dense.KERNELS
    ]
    found += [
        _Form(k, "mw_conv2d_stored_s8_swar.h", _plain_bytes, _convolution)
        for k in swar_conv.KERNELS
    ]
    found += [
        _Form(k, "mw_depthwise_stored_swar.h", _plain_bytes, _whole) for k in swar_depthwise.KERNELS
    ]
    return found


def _takes(form: _Form, site: Site) -> bool:
    return form.base.supports(site, _SWAR) and (form.call is not _dense or _has_one_row(site))


def _subbyte(form: _Form) -> Kernel:
    """The kernel with int4 or int2 weights, which fit their bits without their zero point."""

    def accepts(site: Site) -> bool:
        known = isinstance(site.op, Conv2D | DepthwiseConv2D | FullyConnected)
        if not (known and has_subbyte_parameters(site) and _takes(form, as_int8(site))):
            return False
        low, high = site.inputs[1].dtype.integer_range
        weights = form.weights(form.base.lower(as_int8(site)))
        return bool(weights.min() >= low and weights.max() <= high)

    def lower(site: Site) -> Lowered:
        lowered = form.base.lower(as_int8(site))
        return form.call(lowered, site, packed(form.weights(lowered), site.inputs[1].dtype.bits))

    name = form.base.name.replace("_s8_swar", "_subbyte_swar")
    return SwarKernel(name, form.header, accepts, lower)


def _coded(form: _Form) -> Kernel:
    """The kernel with its weights in the lossless code, for sites where that takes less flash."""

    def accepts(site: Site) -> bool:
        if not _takes(form, site):
            return False
        lowered = form.base.lower(site)
        return is_smaller(coded(form.weights(lowered)), weights_of(lowered))

    def lower(site: Site) -> Lowered:
        lowered = form.base.lower(site)
        return form.call(lowered, site, coded(form.weights(lowered)))

    name = form.base.name.replace("_s8_swar", "_s8_coded_swar")
    return SwarKernel(name, form.header, accepts, lower)


SUBBYTE: tuple[Kernel, ...] = tuple(_subbyte(form) for form in _forms())
CODED: tuple[Kernel, ...] = tuple(_coded(form) for form in _forms())
