# SPDX-License-Identifier: MIT
"""Weights in the lossless code on cores without packed multiplication."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel
from milliwatt.backend.mcu.lowering.swar.stored import CODED

KERNELS: tuple[Kernel, ...] = CODED
