# SPDX-License-Identifier: MIT
"""The kernels, one module a family of operators; specialised ones before portable ones."""

from __future__ import annotations

from importlib import import_module

from milliwatt.backend.mcu.kernel import Kernel

_SPECIALISED = (
    "mve_conv",
    "mve_depthwise",
    "mve_dense",
    "mve_arith",
    "mve_pool",
    "dsp_conv",
    "dsp_depthwise",
    "dsp_dense",
    "dsp_arith",
)
_PORTABLE = (
    "conv",
    "transpose_conv",
    "dense",
    "pool",
    "arith",
    "activation",
    "quantize",
    "shape",
    "resize",
    "recurrent",
)


def all_kernels() -> tuple[Kernel, ...]:
    """Every kernel in order of preference."""
    found: list[Kernel] = []
    for family in (*_SPECIALISED, *_PORTABLE):
        found.extend(import_module(f"{__name__}.{family}").KERNELS)
    return tuple(found)
