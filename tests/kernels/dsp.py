# SPDX-License-Identifier: MIT
"""What the tests of the DSP kernels share: the core, and the compilers that build for it."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.kernel import Core
from tests.support import needs_arm_gcc

DSP = Core(dsp=True)

GCC = (needs_arm_gcc, pytest.mark.emulator)
ZIG = (pytest.mark.emulator,)
SLOW = (pytest.mark.slow,)

CORTEX_M4 = [
    pytest.param("gcc", "-O2", marks=GCC),
    pytest.param("zig", "-O2", marks=ZIG),
    # Without optimisation fewer registers are free for the assembly.
    pytest.param("gcc", "-O0", marks=GCC),
    pytest.param("zig", "-O0", marks=ZIG + SLOW),
    pytest.param("gcc", "-Os", marks=GCC + SLOW),
    pytest.param("zig", "-Os", marks=ZIG + SLOW),
]
"""Compiler and optimisation."""
