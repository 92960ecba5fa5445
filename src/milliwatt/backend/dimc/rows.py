# SPDX-License-Identifier: MIT
"""Kernels as the rows that tiles hold: a row for each slice of each kernel's weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.slices import Slice, choose_code, decode, slices_of, split
from milliwatt.ir.types import Array


@dataclass(frozen=True, slots=True)
class KernelRows:
    """Unsigned codes [rows, elements] of all kernels, the slices of a kernel one below the other,
    low bits first."""

    codes: Array
    parts: tuple[Slice, ...]

    def decoded(self, codes: Array, rows: Array) -> Array:
        """What codes[rows, elements] of these rows stand for, before the slices' shifts."""
        values = np.empty_like(codes)
        for index, part in enumerate(self.parts):
            own = rows % len(self.parts) == index
            values[own] = decode(codes[own], part)
        return values


def kernel_codes(machine: Machine, layer: Layer, matrix: Array) -> KernelRows:
    """The rows of matrix[kernels, elements]."""
    widths = machine.weight_slices(layer.weight_bits)
    code = choose_code(matrix, layer.weight_bits, f"weights of layer '{layer.name}'")
    parts = slices_of(widths, code)
    codes = np.stack(list(split(matrix, parts)), axis=1).reshape(-1, matrix.shape[1])
    return KernelRows(codes, parts)


def kept_rows(machine: Machine, layer: Layer, kernels: KernelRows) -> Array:
    """Indices of the rows that tiles hold: all, or those with a weight that is not zero.

    A chain runs in step, so a row is left out only where it is zero in every tile of the chain.
    Grouped layers keep all: their rows meet different channels. One row always stays.
    """
    everything = np.arange(len(kernels.codes))
    if not machine.skip_zero_rows or layer.groups > 1:
        return everything
    kept = np.flatnonzero(kernels.decoded(kernels.codes, everything).any(axis=1))
    return kept if kept.size else everything[:1]
