# SPDX-License-Identifier: MIT
"""What the tests of the Helium kernels share: the core, and the compilers that build for it."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.kernel import Core
from tests.support import needs_arm_gcc, needs_qemu

MVE = Core(dsp=True, mve=True)

GCC = (needs_arm_gcc, needs_qemu, pytest.mark.qemu)
ZIG = (needs_qemu, pytest.mark.qemu)
SLOW = (pytest.mark.slow,)

CORTEX_M55 = [
    pytest.param("gcc", "-O2", marks=GCC),
    pytest.param("zig", "-O2", marks=ZIG),
    pytest.param("gcc", "-O0", marks=GCC + SLOW),
    pytest.param("zig", "-O0", marks=ZIG + SLOW),
    pytest.param("gcc", "-Os", marks=GCC + SLOW),
    pytest.param("zig", "-Os", marks=ZIG + SLOW),
]
"""Compiler and optimisation."""
