# SPDX-License-Identifier: MIT
"""Kernels as they are stored and loaded: zero rows left out, or a bit mask and what is not zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.dimc.extract import Product
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.rows import kept_rows, kernel_codes
from milliwatt.ir.types import Array


def coded_bits(values: Array, bits: int, zero: int = 0) -> int:
    """Bits of the mask and of the elements other than `zero`."""
    return values.size + bits * int(np.count_nonzero(values != zero))


def stored_layer(machine: Machine, product: Product) -> Layer:
    """The product's layer with the rows that the machine leaves out and the bits that it loads.

    The fewer of raw and coded, where the machine codes kernels.
    """
    layer, matrix = product.layer, product.matrix
    bits = layer.kernels * layer.kernel_bits
    left_out = 0
    if machine.skip_zero_rows:
        rows = kernel_codes(machine, layer, matrix)
        kept = kept_rows(machine, layer, rows)
        left_out = len(rows.codes) - len(kept)
        widths = np.array([part.bits for part in rows.parts])
        bits = layer.kernel_elements * int(widths[kept % len(widths)].sum())
    if machine.weight_coding == "bitmask":
        bits = min(bits, coded_bits(matrix, layer.weight_bits))
    return replace(layer, zero_rows=left_out, stored_weight_bits=bits)
