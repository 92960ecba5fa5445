# SPDX-License-Identifier: MIT
"""What digital-to-analogue and analogue-to-digital converters make of numbers."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.types import Array


def dac_step(low: int, high: int, bits: int) -> float:
    """The converter's step over the input codes `low` … `high`; never below one code."""
    return max(1.0, (high - low) / (2**bits - 1))


def through_dac(values: Array, step: float) -> Array:
    """Values rounded to multiples of the step; zero stays zero."""
    return values if step == 1.0 else np.round(values / step) * step


def adc_step(full_scale: float, bits: int) -> float:
    """The step of a converter of 2**bits - 1 levels from -full_scale to full_scale."""
    return 2 * full_scale / (2**bits - 2)


def through_adc(sums: Array, full_scale: float, bits: int) -> Array:
    """Sums rounded to the converter's steps and clipped to its range."""
    step = adc_step(full_scale, bits)
    return np.clip(np.round(sums / step) * step, -full_scale, full_scale)
