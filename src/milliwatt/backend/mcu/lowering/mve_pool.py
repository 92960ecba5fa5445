# SPDX-License-Identifier: MIT
"""Average pooling on cores with Helium."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.backend.mcu.kernel import Kernel, Lowered, Site
from milliwatt.backend.mcu.lowering import pool
from milliwatt.backend.mcu.lowering.dsp_pool import accepts
from milliwatt.backend.mcu.lowering.mve_layout import MveKernel


def _lower(site: Site) -> Lowered:
    return replace(pool.lower_pool(site), function="mw_average_pool2d_s8_mve")


KERNELS: tuple[Kernel, ...] = (
    MveKernel("average_pool2d_s8_mve", "mw_average_pool2d_s8_mve.h", accepts, _lower),
)
