# SPDX-License-Identifier: MIT
"""Layers of int8 weights that lie in flash in a lossless code, on cores with Helium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu.kernel import (
    Arg,
    Kernel,
    Lowered,
    Overlap,
    Ref,
    Scratch,
    Site,
    Table,
)
from milliwatt.backend.mcu.lowering.common.overlap import in_order
from milliwatt.backend.mcu.lowering.common.rice import Coded, encode
from milliwatt.backend.mcu.lowering.common.shared import passed
from milliwatt.backend.mcu.lowering.common.stored import (
    LARGEST_SHARE,
    MOST_CHANNELS,
    bytes_of,
    weights_of,
)
from milliwatt.backend.mcu.lowering.mve import (
    conv as mve_conv,
)
from milliwatt.backend.mcu.lowering.mve import (
    dense as mve_dense,
)
from milliwatt.backend.mcu.lowering.mve import (
    depthwise as mve_depthwise,
)
from milliwatt.backend.mcu.lowering.mve.layout import VECTOR, MveKernel
from milliwatt.ops.conv import Conv2D
from milliwatt.units import align_up, ceil_div

_GROUP_BYTES = 8
_BEYOND_BYTES = 4
"""The decoder fills groups, and writes a word at a time."""

Finish = Callable[[Site, Lowered, Coded], Lowered]


def _made_bytes(count: int) -> int:
    """Scratch memory for that many bytes decoded."""
    return align_up(count, _GROUP_BYTES) + _BEYOND_BYTES


def _codes(lowered: Lowered) -> Coded:
    return encode(bytes_of(weights_of(lowered)))


def _coded(base: Kernel, accepts: Callable[[Site], bool], finish: Finish) -> Kernel:
    """`base` with its weights in the code, for sites where that takes less flash."""

    def supports(site: Site) -> bool:
        if not (isinstance(base, MveKernel) and base.accepts(site) and accepts(site)):
            return False
        lowered = base.lower(site)
        codes_bytes = _codes(lowered).data.nbytes
        return codes_bytes < LARGEST_SHARE * lowered.tables[0].data.nbytes

    def lower(site: Site) -> Lowered:
        lowered = base.lower(site)
        return finish(site, lowered, _codes(lowered))

    name = base.name.replace("_s8_mve", "_coded_s8_mve")
    return MveKernel(name, "mw_coded_s8_mve.h", supports, lower)


def _with_codes(lowered: Lowered, codes: Coded, *numbers: int) -> Lowered:
    """The call with codes for weights, scratch memory, and numbers behind the codes."""
    plain = [arg for arg in lowered.args if arg != Scratch()]
    at = plain.index(Ref("weights"))
    behind = passed(codes.low_bytes, codes.k, *numbers)
    args: list[Arg] = [*plain[:at], Scratch(), plain[at], *behind, *plain[at + 1 :]]
    function = lowered.function.replace("_copied", "").replace("_s8_mve", "_coded_s8_mve")
    table = Table("weights", codes.data, alignment=1)
    tables = (table, *lowered.tables[1:])
    return replace(lowered, function=function, args=tuple(args), tables=tables)


def _finish_conv(site: Site, lowered: Lowered, codes: Coded) -> Lowered:
    most, overlaps = _channels_at_once(site, lowered)
    at = align_up(lowered.scratch_bytes, 4)
    made = _with_codes(lowered, codes, most, at)
    weights_bytes = _made_bytes(_fours_bytes(site, lowered, most))
    return replace(made, scratch_bytes=at + weights_bytes, overlaps=overlaps)


def _channels_at_once(site: Site, lowered: Lowered) -> tuple[int, tuple[Overlap, ...]]:
    """How many, and the overlaps left: none where the input is read for each block again."""
    channels = align_up(site.outputs[0].shape[3], mve_conv.BLOCK_CHANNELS)
    some = min(channels, MOST_CHANNELS)
    shared = min(site.inputs[0].size_bytes, site.outputs[0].size_bytes) if lowered.overlaps else 0
    saved = _fours_bytes(site, lowered, channels) - _fours_bytes(site, lowered, some)
    return (some, ()) if saved > shared else (channels, lowered.overlaps)


def _fours_bytes(site: Site, lowered: Lowered, channels: int) -> int:
    """Bytes of the weights and biases of that many channels."""
    fours = ceil_div(site.outputs[0].shape[3], mve_conv.BLOCK_CHANNELS)
    one = lowered.tables[0].data.nbytes // fours
    return one * ceil_div(channels, mve_conv.BLOCK_CHANNELS)


def _finish_dense(site: Site, lowered: Lowered, codes: Coded) -> Lowered:
    channels, depth = site.inputs[1].shape
    at = align_up(depth, VECTOR)
    # The kernel of one row takes no number of rows.
    first = lowered.args.index(Ref("scales")) + 1
    one_row = replace(lowered, args=(*lowered.args[:first], *lowered.args[first + 1 :]))
    block_bytes = mve_dense.BLOCK * (4 + at)
    return replace(
        _with_codes(one_row, codes, at),
        scratch_bytes=at + _made_bytes(block_bytes),
        overlaps=in_order(np.zeros(1, np.int64), np.array([0]), channels),
    )


def _finish_depthwise(site: Site, lowered: Lowered, codes: Coded) -> Lowered:
    del site
    at, count = align_up(lowered.scratch_bytes, 4), lowered.tables[0].data.nbytes
    made = _with_codes(lowered, codes, at, count)
    return replace(made, scratch_bytes=at + _made_bytes(count))


def _is_convolution(site: Site) -> bool:
    return isinstance(site.op, Conv2D)


def _has_one_row(site: Site) -> bool:
    return site.inputs[0].elements == site.inputs[1].shape[1]


def _any(site: Site) -> bool:
    del site
    return True


KERNELS: tuple[Kernel, ...] = (
    *(_coded(base, _is_convolution, _finish_conv) for base in mve_conv.OF_ANY_DEPTH),
    *(_coded(base, _any, _finish_depthwise) for base in mve_depthwise.KERNELS),
    *(_coded(base, _has_one_row, _finish_dense) for base in mve_dense.KERNELS),
)
