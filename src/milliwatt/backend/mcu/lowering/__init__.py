# SPDX-License-Identifier: MIT
"""The kernels, one module a family of operators.

Specialised ones come before portable ones, and those before alternatives: kernels that are slower
than one of the others on every site but smaller, or of which only a measurement can tell.
"""

from __future__ import annotations

from importlib import import_module

from milliwatt.backend.mcu.kernel import Kernel

_SPECIALISED = (
    "mve_sparse",
    "mve_conv",
    "mve_depthwise",
    "mve_sparse_dense",
    "mve_dense",
    "mve_arith",
    "mve_pool",
    "mve_subbyte",
    "mve_subbyte_depthwise",
    "sparse_conv",
    "sparse_dense",
    "dsp_conv",
    "dsp_depthwise_words",
    "dsp_depthwise_row",
    "dsp_depthwise",
    "dsp_dense",
    "affine_add",
    "dsp_arith",
    "dsp_pool",
    "swar_dense",
    "swar_conv",
    "swar_depthwise",
    "swar_subbyte",
    "subbyte_conv",
    "subbyte_depthwise",
    "subbyte_dense",
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
_ALTERNATIVE: tuple[str, ...] = (
    "winograd",
    "mve_winograd",
    "dsp_small",
    "mve_coded",
    "coded",
    "swar_coded",
)
"""Never the default choice for speed; chosen for another objective, or by a kept choice."""


def all_kernels() -> tuple[Kernel, ...]:
    """Every kernel in order of preference."""
    found: list[Kernel] = []
    for family in (*_SPECIALISED, *_PORTABLE, *_ALTERNATIVE):
        found.extend(import_module(f"{__name__}.{family}").KERNELS)
    return tuple(found)
