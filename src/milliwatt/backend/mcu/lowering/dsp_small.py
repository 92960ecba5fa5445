# SPDX-License-Identifier: MIT
"""The DSP kernels in forms that take less code and constants, and a little more time."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Site
from milliwatt.backend.mcu.lowering._shared import passed
from milliwatt.backend.mcu.lowering.dsp_depthwise import accepts_3x3, lower_lines_3x3
from milliwatt.backend.mcu.lowering.dsp_layout import DspKernel


def _lower_3x3(site: Site) -> Lowered:
    return lower_lines_3x3(site, passed)


KERNELS: tuple[Kernel, ...] = (
    DspKernel(
        "depthwise_conv2d_3x3_small_s8_dsp",
        "mw_depthwise_conv2d_3x3_s8_dsp.h",
        accepts_3x3,
        _lower_3x3,
    ),
)
