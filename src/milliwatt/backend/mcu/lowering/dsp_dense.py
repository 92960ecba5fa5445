# SPDX-License-Identifier: MIT
"""Fully connected layers on cores with the DSP instructions."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel

KERNELS: tuple[Kernel, ...] = ()
