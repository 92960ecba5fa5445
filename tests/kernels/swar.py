# SPDX-License-Identifier: MIT
"""What the tests of kernels for cores without packed multiplication share."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.kernel import Core
from tests.cases.linear import Numbers
from tests.support import needs_arm_gcc

SWAR = Core(swar=True)

_GCC = (needs_arm_gcc, pytest.mark.emulator)
_ZIG = (pytest.mark.emulator,)
_SLOW = (pytest.mark.slow,)

BEYOND_INT32 = Numbers(x_zero=1, y_zero=2, gain=1e5)
"""Scales that only the reference's own arithmetic follows."""

CORES = [
    pytest.param("cortex-m0plus", "gcc", "-O2", marks=_GCC),
    pytest.param("cortex-m0plus", "zig", "-O2", marks=_ZIG),
    # Without optimisation fewer registers are free for the assembly.
    pytest.param("cortex-m0plus", "gcc", "-O0", marks=_GCC),
    pytest.param("cortex-m0plus", "zig", "-O0", marks=_ZIG + _SLOW),
    pytest.param("cortex-m0plus", "gcc", "-Os", marks=_GCC + _SLOW),
    pytest.param("cortex-m0plus", "zig", "-Os", marks=_ZIG + _SLOW),
    pytest.param("cortex-m3", "gcc", "-O2", marks=_GCC),
    pytest.param("cortex-m3", "zig", "-O2", marks=_ZIG),
    pytest.param("cortex-m3", "gcc", "-O0", marks=_GCC),
    pytest.param("cortex-m3", "zig", "-O0", marks=_ZIG + _SLOW),
    pytest.param("rv32imc", "zig", "-O2", marks=_ZIG),
]
"""Core, compiler and optimisation."""
