# SPDX-License-Identifier: MIT
"""What a value is: element type, shape, quantisation."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from milliwatt.errors import ModelError
from milliwatt.units import ceil_div

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


class DType(enum.Enum):
    """Element types. A sub-byte type lives in an int8 NumPy array, packed only when stored."""

    INT2 = "int2"
    INT4 = "int4"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    BOOL = "bool"

    @property
    def bits(self) -> int:
        """Bits one element takes when stored packed."""
        return _BITS[self]

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy type that holds one element."""
        return np.dtype("int8" if self in _SUB_BYTE else self.value)

    @property
    def is_float(self) -> bool:
        return self is DType.FLOAT32

    @property
    def integer_range(self) -> tuple[int, int]:
        """Lowest and highest value of an integer type."""
        if self in (DType.FLOAT32, DType.BOOL):
            raise ModelError(f"{self.value} has no integer range")
        if self is DType.UINT8:
            return 0, 255
        return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1


_SUB_BYTE = (DType.INT2, DType.INT4)
_BITS = {
    DType.INT2: 2,
    DType.INT4: 4,
    DType.INT8: 8,
    DType.UINT8: 8,
    DType.INT16: 16,
    DType.INT32: 32,
    DType.INT64: 64,
    DType.FLOAT32: 32,
    DType.BOOL: 8,
}


@dataclass(frozen=True, slots=True)
class Quant:
    """Affine quantisation: real = scale * (integer - zero_point).

    Per tensor: one scale, one zero point, `axis` None. Per channel: as many of each as the
    tensor has elements along `axis`. Scales are float32 values held as Python floats.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    def __post_init__(self) -> None:
        if len(self.scale) != len(self.zero_point) or not self.scale:
            raise ModelError(
                f"quantisation has {len(self.scale)} scales and {len(self.zero_point)} zero points"
            )
        if self.axis is None and len(self.scale) != 1:
            raise ModelError(f"per-tensor quantisation has {len(self.scale)} scales")

    @staticmethod
    def per_tensor(scale: float, zero_point: int) -> Quant:
        return Quant((float(scale),), (int(zero_point),))


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape (NHWC for images, every dimension known and positive), element type, quantisation."""

    shape: Shape
    dtype: DType
    quant: Quant | None = None

    def __post_init__(self) -> None:
        if any(d <= 0 for d in self.shape):
            raise ModelError(f"shape {list(self.shape)}: every dimension must be positive")
        axis = None if self.quant is None else self.quant.axis
        if self.quant is not None and axis is not None:
            if not 0 <= axis < len(self.shape):
                raise ModelError(f"quantised axis {axis} is outside shape {list(self.shape)}")
            if len(self.quant.scale) != self.shape[axis]:
                raise ModelError(
                    f"{len(self.quant.scale)} scales along axis {axis} of {list(self.shape)}"
                )

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole tensor, sub-byte elements packed."""
        return ceil_div(self.elements * self.dtype.bits, 8)

    @property
    def scale(self) -> float:
        """The per-tensor scale; a ModelError where there is none."""
        return self._per_tensor().scale[0]

    @property
    def zero_point(self) -> int:
        """The per-tensor zero point; a ModelError where there is none."""
        return self._per_tensor().zero_point[0]

    def _per_tensor(self) -> Quant:
        if self.quant is None or len(self.quant.scale) != 1:
            raise ModelError(f"{self} needs one scale and one zero point for the whole tensor")
        return self.quant

    def __str__(self) -> str:
        return f"{self.dtype.value}[{','.join(map(str, self.shape))}]"
