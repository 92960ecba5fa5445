# SPDX-License-Identifier: MIT
"""What a kernel permits, in the terms of the memory problem."""

from __future__ import annotations

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.kernel import Overlap


def in_place(read: str, write: str, overlap: Overlap) -> memory.InPlace:
    """The permission for the values `read` and `write` of one call."""
    if overlap.exact:
        return memory.InPlace(read, write, -overlap.gap_bytes, -overlap.gap_bytes)
    return memory.InPlace.trailing(read, write, overlap.gap_bytes)
