# SPDX-License-Identifier: MIT
"""int4 and int2 weights on cores without packed multiplication."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel
from milliwatt.backend.mcu.lowering.swar.stored import SUBBYTE

KERNELS: tuple[Kernel, ...] = SUBBYTE
