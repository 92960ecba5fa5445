# SPDX-License-Identifier: MIT
"""The kernels, one module a family of operators.

Specialised ones come before portable ones, and those before alternatives: kernels that are slower
than one of the others on every site but smaller, or of which only a measurement can tell.
"""

from __future__ import annotations

from importlib import import_module

from milliwatt.backend.mcu.kernel import Kernel

_SPECIALISED = (
    "mve.sparse",
    "mve.conv",
    "mve.depthwise",
    "mve.sparse_dense",
    "mve.dense",
    "mve.arith",
    "mve.pool",
    "mve.subbyte",
    "mve.subbyte_depthwise",
    "dsp.sparse_conv",
    "dsp.sparse_dense",
    "dsp.conv",
    "dsp.depthwise_words",
    "dsp.depthwise_row",
    "dsp.depthwise",
    "dsp.dense",
    "portable.affine_add",
    "dsp.arith",
    "dsp.pool",
    "swar.dense",
    "swar.conv",
    "swar.depthwise",
    "swar.subbyte",
    "dsp.subbyte_conv",
    "dsp.subbyte_depthwise",
    "dsp.subbyte_dense",
)
_PORTABLE = (
    "portable.conv",
    "portable.transpose_conv",
    "portable.dense",
    "portable.pool",
    "portable.arith",
    "portable.activation",
    "portable.quantize",
    "portable.shape",
    "portable.resize",
    "portable.recurrent",
)
_ALTERNATIVE: tuple[str, ...] = (
    "dsp.winograd",
    "mve.winograd",
    "dsp.small",
    "dsp.dense_expanded",
    "dsp.brief",
    "mve.coded",
    "dsp.coded",
    "swar.coded",
)
"""Never the default choice for speed; chosen for another objective, or by a kept choice."""


def all_kernels() -> tuple[Kernel, ...]:
    """Every kernel in order of preference."""
    found: list[Kernel] = []
    for family in (*_SPECIALISED, *_PORTABLE, *_ALTERNATIVE):
        found.extend(import_module(f"{__name__}.{family}").KERNELS)
    return tuple(found)
