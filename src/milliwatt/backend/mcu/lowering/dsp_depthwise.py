# SPDX-License-Identifier: MIT
"""Depthwise convolutions on cores with the DSP instructions."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel

KERNELS: tuple[Kernel, ...] = ()
