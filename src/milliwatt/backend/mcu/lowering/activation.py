# SPDX-License-Identifier: MIT
"""Portable kernels of activations."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import Kernel

KERNELS: tuple[Kernel, ...] = ()
