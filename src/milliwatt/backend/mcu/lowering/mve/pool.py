# SPDX-License-Identifier: MIT
"""Average pooling on cores with Helium."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Site
from milliwatt.backend.mcu.lowering.dsp.pool import accepts
from milliwatt.backend.mcu.lowering.mve.layout import MveKernel
from milliwatt.backend.mcu.lowering.portable import pool


def _lower(site: Site) -> Lowered:
    return replace(pool.lower_pool(site), function="mw_average_pool2d_s8_mve")


KERNELS: tuple[Kernel, ...] = (
    MveKernel("average_pool2d_s8_mve", "mw_average_pool2d_s8_mve.h", accepts, _lower),
)
