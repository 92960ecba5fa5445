# SPDX-License-Identifier: MIT
"""The lossless code in which weights can lie in flash (mw_rice_dsp.h)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.ir.types import Array

LONGEST_ZEROS = 7
_ESCAPE_BITS = 16
PARAMETERS = range(1, 8)


@dataclass(frozen=True, slots=True)
class Coded:
    """Bytes in code: 16-bit units, and the parameter k with which they are to be read."""

    units: Array
    k: int

    @property
    def size_bytes(self) -> int:
        return int(self.units.nbytes)


def encode(values: Array) -> Coded:
    """int8 values in the code's shortest form; decoding gives them back exactly."""
    k = min(PARAMETERS, key=lambda each: int(_lengths(values, each).sum()))
    codes, lengths = _codes(values, k), _lengths(values, k)
    ends = np.cumsum(lengths)
    bits = np.zeros(_padded_bits(int(ends[-1])), np.uint8)
    for i in range(_ESCAPE_BITS):
        used = lengths > i
        bits[(ends - 1 - i)[used]] = (codes[used] >> i) & 1
    return Coded(np.packbits(bits).view(">u2").astype(np.uint16), k)


def _padded_bits(bits: int) -> int:
    """Whole units, one more than needed: the reader keeps 16 bits at hand."""
    return (bits + 15) // 16 * 16 + 16


def _zeros(values: Array, k: int) -> Array:
    wide = values.astype(np.int64)
    return np.where(wide < 0, ~wide, wide) >> (k - 1)


def _lengths(values: Array, k: int) -> Array:
    """Bits of each value's code."""
    zeros = _zeros(values, k)
    return np.where(zeros > LONGEST_ZEROS, _ESCAPE_BITS, zeros + 1 + k)


def _codes(values: Array, k: int) -> Array:
    """Each value's code as a number."""
    wide = values.astype(np.int64)
    magnitude = np.where(wide < 0, ~wide, wide)
    low = magnitude & ((1 << (k - 1)) - 1)
    plain = (1 << k) | ((wide < 0).astype(np.int64) << (k - 1)) | low
    return np.where(_zeros(values, k) > LONGEST_ZEROS, wide & 255, plain)
