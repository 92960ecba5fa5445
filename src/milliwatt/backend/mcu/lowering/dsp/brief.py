# SPDX-License-Identifier: MIT
"""The small convolutions with scales of 8 or 7 bytes a channel, where the usual ones have 12 or 8.

A set of thresholds (one_rounding.py) is that of a rounded line: about 50 bits say which, and no
constants that give every output can be much shorter than seven bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Site, Table
from milliwatt.backend.mcu.lowering.dsp.conv import (
    ONCE_BRIEF,
    TWICE_BRIEF,
    Layer,
    LayerOf,
    clamp_of,
    filters_of,
    is_1x1,
    is_undilated,
    lower_1x1_small,
    lower_conv_small,
    once_of,
)
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    brief_words,
    can_pack,
    channel_pair_words,
    has_small_sums,
)
from milliwatt.backend.mcu.lowering.dsp.one_rounding import RESULT_BITS, offset_of
from milliwatt.errors import VerifyError
from milliwatt.ir.types import Array

_SHORT_BITS = 24
"""Of a multiplier of three bytes."""


def _twice(site: Site) -> Table | None:
    """The scales of sums that are rounded twice."""
    filters = filters_of(site)
    return brief_words(filters) if can_pack(filters) else None


def _once(site: Site) -> Table | None:
    """The scales of sums that are rounded once."""
    if not (has_small_sums(filters_of(site)) and can_pack(filters_of(site))):
        return None
    once = once_of(site, RESULT_BITS, _SHORT_BITS)
    short = None if once is None else once.short()
    return None if short is None else short.by_pairs()


def _layer(site: Site, pairs: Array, scales_of: Callable[[Site], Table | None], form: int) -> Layer:
    scales, filters, y = scales_of(site), filters_of(site), site.outputs[0]
    if scales is None:
        raise VerifyError("a layer without brief scales was lowered")
    nothing = np.zeros(((len(filters.bias) + 1) // 2, 0), np.int32)
    words = channel_pair_words(filters, pairs, True, nothing)
    zero = offset_of(y.zero_point) if form == ONCE_BRIEF else y.zero_point
    return Layer((words, scales), zero, clamp_of(site), True, form)


def _kernel(
    name: str,
    is_site: Callable[[Site], bool],
    lower: Callable[[Site, LayerOf], Lowered],
    scales_of: Callable[[Site], Table | None],
    form: int,
) -> Kernel:
    def accepts(site: Site) -> bool:
        return is_site(site) and scales_of(site) is not None

    def build(site: Site) -> Lowered:
        return lower(site, partial(_layer, scales_of=scales_of, form=form))

    return DspKernel(name, "mw_conv2d_small_s8_dsp.h", accepts, build)


KERNELS: tuple[Kernel, ...] = (
    _kernel("conv2d_1x1_brief_s8_dsp", is_1x1, lower_1x1_small, _twice, TWICE_BRIEF),
    _kernel("conv2d_brief_s8_dsp", is_undilated, lower_conv_small, _twice, TWICE_BRIEF),
    _kernel("conv2d_1x1_brief_once_s8_dsp", is_1x1, lower_1x1_small, _once, ONCE_BRIEF),
    _kernel("conv2d_brief_once_s8_dsp", is_undilated, lower_conv_small, _once, ONCE_BRIEF),
)
