# SPDX-License-Identifier: MIT
"""Matrix products in blocks small enough that BLAS does not wake its threads for them."""

from __future__ import annotations

import numpy as np

from milliwatt.ir.types import Array

# OpenBLAS works alone up to 2**18 multiply-adds. For products of the size of a small network's
# layers its threads cost more than they save: 4 ms of waking against 0.1 ms of work, measured on
# four busy cores.
_BLOCK_MACS = 1 << 18
_LEAST_ROWS = 16


def matmul(a: Array, b: Array) -> Array:
    """a[M,K] @ b[K,N], on one core."""
    (rows, depth), columns = a.shape, b.shape[1]
    result = np.empty((rows, columns), a.dtype)
    width = max(1, min(columns, _BLOCK_MACS // (depth * min(rows, _LEAST_ROWS))))
    height = max(1, min(rows, _BLOCK_MACS // (depth * width)))
    for left in range(0, columns, width):
        for top in range(0, rows, height):
            block = (slice(top, top + height), slice(left, left + width))
            np.matmul(a[block[0]], b[:, block[1]], out=result[block])
    return result
