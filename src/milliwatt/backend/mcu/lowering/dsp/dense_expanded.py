# SPDX-License-Identifier: MIT
"""Fully connected layers with the DSP instructions: inputs are widened once, into scratch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Scratch, Site
from milliwatt.backend.mcu.lowering.common.overlap import in_order
from milliwatt.backend.mcu.lowering.dsp import dense
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel
from milliwatt.units import align_up

_USUAL = dense.KERNELS[0]


def _lower(site: Site) -> Lowered:
    """The usual kernel's call, with scratch memory behind the output."""
    usual = _USUAL.lower(site)
    channels, depth = site.inputs[1].shape
    rows = site.inputs[0].elements // depth
    after = np.arange(1, rows + 1)
    x, y, *others = usual.args
    return replace(
        usual,
        function="mw_fully_connected_expanded_s8_dsp",
        args=(x, y, Scratch(), *others),
        scratch_bytes=2 * align_up(depth, 4),
        overlaps=in_order(after * depth, after * channels, rows * channels),
    )


KERNELS: tuple[Kernel, ...] = (
    DspKernel(
        "fully_connected_expanded_s8_dsp",
        "mw_fully_connected_expanded_s8_dsp.h",
        dense.computes,
        _lower,
    ),
)
