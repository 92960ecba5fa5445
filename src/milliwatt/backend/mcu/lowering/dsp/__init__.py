# SPDX-License-Identifier: MIT
"""Kernels for cores with the DSP instructions: Cortex-M4, M7, M33 and those above."""
