# SPDX-License-Identifier: MIT
"""The lossless code in which weights can lie in flash (mw_rice.h)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.ir.types import Array
from milliwatt.units import align_up

LONGEST_ZEROS = 11
_ESCAPE_ZEROS, _ESCAPE_BITS = LONGEST_ZEROS + 1, LONGEST_ZEROS + 1 + 7
PARAMETERS = range(1, 8)
GROUP = 8
"""Values whose low bits fill whole bytes."""
_READ_AHEAD_BYTES = 4
_NEARLY = 1.01


@dataclass(frozen=True, slots=True)
class Coded:
    """int8 values in code: their low bits, the quotients, and the parameter to read them with."""

    data: Array
    k: int
    low_bytes: int

    @property
    def size_bytes(self) -> int:
        return int(self.data.nbytes)


def encode(values: Array) -> Coded:
    """int8 values in code; decoding gives them back exactly.

    The parameter is the largest of those that are nearly best: it makes quotients short, and
    decoding fast. As many zeros follow as fill up the last group of 8.
    """
    filled = np.zeros(align_up(len(values), GROUP), np.int64)
    filled[: len(values)] = values
    magnitudes = np.where(filled < 0, ~filled, filled)
    sizes = {k: _size_bits(magnitudes, k) for k in PARAMETERS}
    k = max(k for k, size in sizes.items() if size <= _NEARLY * min(sizes.values()))
    low = _low_bits(filled, k)
    data = np.concatenate([low, _quotient_bits(magnitudes >> (k - 1))])
    return Coded(data, k, len(low))


def _size_bits(magnitudes: Array, k: int) -> int:
    return k * len(magnitudes) + int(_lengths(magnitudes >> (k - 1)).sum())


def _low_bits(values: Array, k: int) -> Array:
    """Sign and the lowest k - 1 bits of each value, as the number 0 to 2**k - 1 that is above
    -2**(k - 1), the first in the lowest bits: uint8."""
    half = 1 << (k - 1)
    numbers = (values & (half - 1)) + np.where(values < 0, 0, half)
    bits = (numbers[:, None] >> np.arange(k)) & 1
    return np.packbits(bits.reshape(-1).astype(np.uint8), bitorder="little")


def _lengths(quotients: Array) -> Array:
    """Bits of each quotient's code."""
    return np.where(quotients > LONGEST_ZEROS, _ESCAPE_BITS, quotients + 1)


def _quotient_bits(quotients: Array) -> Array:
    """So many zeros and a one, or 12 zeros and seven bits, the highest bit first: uint8."""
    codes, lengths = np.where(quotients > LONGEST_ZEROS, quotients, 1), _lengths(quotients)
    ends = np.cumsum(lengths)
    bits = np.zeros(align_up(int(ends[-1]), 8) + 8 * _READ_AHEAD_BYTES, np.uint8)
    for i in range(_ESCAPE_BITS - _ESCAPE_ZEROS):
        used = lengths > i
        bits[(ends - 1 - i)[used]] = (codes[used] >> i) & 1
    return np.packbits(bits)
