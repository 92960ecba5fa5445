# SPDX-License-Identifier: MIT
"""Average pooling on cores with the DSP instructions."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Site
from milliwatt.backend.mcu.lowering.common.shared import is_site
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel
from milliwatt.backend.mcu.lowering.portable import pool
from milliwatt.ir.types import DType
from milliwatt.ops.pool import AveragePool2D

_LARGEST_WINDOW = 255
"""Elements whose sum fits 16 bits."""


def accepts(site: Site) -> bool:
    """Whether the site averages int8 windows whose sums fit 16 bits."""
    op = site.op
    return (
        isinstance(op, AveragePool2D)
        and is_site(site, AveragePool2D, DType.INT8)
        and op.filter_hw[0] * op.filter_hw[1] <= _LARGEST_WINDOW
    )


def _lower(site: Site) -> Lowered:
    return replace(pool.lower_pool(site), function="mw_average_pool2d_s8_dsp")


KERNELS: tuple[Kernel, ...] = (
    DspKernel("average_pool2d_s8_dsp", "mw_average_pool2d_s8_dsp.h", accepts, _lower),
)
