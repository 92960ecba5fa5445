# SPDX-License-Identifier: MIT
"""Kernels in plain C, for every core."""
