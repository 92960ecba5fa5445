# SPDX-License-Identifier: MIT
"""uint8 networks as int8: every value and zero point less 128, which changes no real value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.errors import UnsupportedError
from milliwatt.ir.types import Array, DType, Quant, TensorType

_SHIFT = 128


def signed_type(external: TensorType) -> TensorType:
    """The int8 type that holds a uint8 tensor's values less 128; any other type unchanged."""
    if external.dtype is not DType.UINT8:
        return external
    if external.quant is None:
        raise UnsupportedError(f"{external} has no scale; uint8 must be quantised")
    points = tuple(z - _SHIFT for z in external.quant.zero_point)
    quant = Quant(external.quant.scale, points, external.quant.axis)
    return replace(external, dtype=DType.INT8, quant=quant)


def signed_values(values: Array) -> Array:
    """A uint8 array's values less 128, as int8; any other array unchanged."""
    if values.dtype != np.uint8:
        return values
    return (values ^ np.uint8(_SHIFT)).view(np.int8)
