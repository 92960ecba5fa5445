# SPDX-License-Identifier: MIT
"""Integers as slices of few bits, and back: how tiles hold weights and take activations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from milliwatt.errors import DataError
from milliwatt.ir.types import Array

Code = Literal["signed", "unsigned", "bipolar"]
"""Two's complement; natural numbers; one bit that stands for -1 and +1."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some bits of an integer: its value adds code value · 2**shift."""

    bits: int
    shift: int
    code: Code


def choose_code(values: Array, bits: int, what: str) -> Code:
    """How `bits` bits hold these values: two's complement where it can.

    One bit may also hold 0 and 1, or -1 and +1. A DataError where none holds them all.
    """
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    if least >= -(1 << (bits - 1)) and most < 1 << (bits - 1):
        return "signed"
    if bits == 1 and least >= 0 and most <= 1:
        return "unsigned"
    if bits == 1 and bool((np.abs(values) == 1).all()):
        return "bipolar"
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    also = " (or 0 and 1, or -1 and +1)" if bits == 1 else ""
    raise DataError(f"{what} go from {least} to {most}; {bits} bits hold {low} to {high}{also}")


def slices_of(widths: tuple[int, ...], code: Code) -> tuple[Slice, ...]:
    """The slices, low bits first: natural numbers, but for the sign in the highest."""
    shifts = [sum(widths[:i]) for i in range(len(widths))]
    return tuple(
        Slice(width, shift, code if i == len(widths) - 1 else "unsigned")
        for i, (width, shift) in enumerate(zip(widths, shifts, strict=True))
    )


def split(values: Array, parts: tuple[Slice, ...]) -> Iterator[Array]:
    """The unsigned codes of each slice of the values, int32."""
    wide = values.astype(np.int32)
    for part in parts:
        if part.code == "bipolar":
            yield (wide + 1) >> 1
        else:
            yield wide >> part.shift & ((1 << part.bits) - 1)


def decode(codes: Array, part: Slice) -> Array:
    """What the codes stand for, before the slice's shift, int32."""
    if part.code == "bipolar":
        return 2 * codes - 1
    if part.code == "unsigned":
        return codes
    sign = 1 << (part.bits - 1)
    return (codes ^ sign) - sign
