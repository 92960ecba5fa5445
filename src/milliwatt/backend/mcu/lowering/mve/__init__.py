# SPDX-License-Identifier: MIT
"""Kernels for cores with Helium (MVE): Cortex-M55."""
