# SPDX-License-Identifier: MIT
"""Kernels for cores without packed multiplication: Cortex-M0+, M3 and RV32IMC."""
