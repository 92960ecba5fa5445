# SPDX-License-Identifier: MIT
"""The DSP kernels in forms that take less code, constants or memory, and a little more time."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Site
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp.conv import (
    computes_1x1,
    computes_conv,
    lower_1x1_small,
    lower_conv_small,
)
from milliwatt.backend.mcu.lowering.dsp.depthwise import (
    accepts_3x3,
    filters_of,
    has_two_words,
    lower_lines_3x3,
)
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel


def _lower_3x3(site: Site) -> Lowered:
    return lower_lines_3x3(site, passed)


def _accepts_twice(site: Site) -> bool:
    return accepts_3x3(site) and has_two_words(filters_of(site))


def _lower_twice(site: Site) -> Lowered:
    return lower_lines_3x3(site, passed, twice=True)


def _accepts_one_by_one(site: Site) -> bool:
    """Whether more than one channel would be taken at a time."""
    if not accepts_3x3(site):
        return False
    channels = site.outputs[0].shape[3]
    return channels >= 4 and channels == site.inputs[0].shape[3]


def _lower_one_by_one(site: Site) -> Lowered:
    return lower_lines_3x3(site, fixed, one_by_one=True)


KERNELS: tuple[Kernel, ...] = (
    DspKernel("conv2d_1x1_small_s8_dsp", "mw_conv2d_small_s8_dsp.h", computes_1x1, lower_1x1_small),
    DspKernel("conv2d_small_s8_dsp", "mw_conv2d_small_s8_dsp.h", computes_conv, lower_conv_small),
    DspKernel(
        "depthwise_conv2d_3x3_small_s8_dsp",
        "mw_depthwise_conv2d_3x3_s8_dsp.h",
        accepts_3x3,
        _lower_3x3,
    ),
    DspKernel(
        "depthwise_conv2d_3x3_twice_s8_dsp",
        "mw_depthwise_conv2d_3x3_s8_dsp.h",
        _accepts_twice,
        _lower_twice,
    ),
    DspKernel(
        "depthwise_conv2d_3x3_lean_s8_dsp",
        "mw_depthwise_conv2d_3x3_s8_dsp.h",
        _accepts_one_by_one,
        _lower_one_by_one,
    ),
)
