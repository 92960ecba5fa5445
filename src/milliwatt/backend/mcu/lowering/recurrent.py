# SPDX-License-Identifier: MIT
"""Portable kernels of recurrent layers."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel

KERNELS: tuple[Kernel, ...] = ()
