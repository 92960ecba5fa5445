# SPDX-License-Identifier: MIT
"""Compile trained neural networks to bit-exact C for microcontrollers."""

__version__ = "0.1.0"
