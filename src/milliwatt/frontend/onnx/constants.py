# SPDX-License-Identifier: MIT
"""Operands known while importing, with the integers behind them where they were dequantised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from milliwatt.errors import ModelError
from milliwatt.frontend.uint8 import signed_values
from milliwatt.ir.types import Array

UINT8_SHIFT = 128
"""What uint8 integers lose to be held as int8."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Integers and their quantisation: one scale and zero point, or as many as `axis` is long."""

    values: Array
    scale: Array
    zero_point: Array
    axis: int | None

    def signed(self) -> Codes:
        """uint8 codes as int8: all less 128."""
        if self.values.dtype != np.uint8:
            return self
        zeros = self.zero_point - UINT8_SHIFT
        return replace(self, values=signed_values(self.values), zero_point=zeros)

    def real(self) -> Array:
        """The float32 values: ONNX's DequantizeLinear."""
        shape = [1] * self.values.ndim
        if self.axis is not None:
            shape[self.axis] = -1
        scale, zero = self.scale.reshape(shape), self.zero_point.reshape(shape)
        centred = self.values.astype(np.int64) - zero
        return (centred.astype(np.float32) * scale).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Constant:
    """An array in the file's own order of dimensions; `codes` where it was dequantised."""

    array: Array
    codes: Codes | None = None

    def transpose(self, perm: Sequence[int]) -> Constant:
        """The constant with its dimensions reordered."""
        codes = self.codes
        if codes is not None:
            axis = None if codes.axis is None else list(perm).index(codes.axis)
            codes = replace(codes, values=codes.values.transpose(perm), axis=axis)
        return Constant(self.array.transpose(perm), codes)

    def reshape(self, shape: Sequence[int]) -> Constant:
        """The constant under another shape; per-channel codes are given up."""
        codes = self.codes
        if codes is not None:
            per_tensor = codes.axis is None
            codes = replace(codes, values=codes.values.reshape(shape)) if per_tensor else None
        return Constant(self.array.reshape(shape), codes)

    def insert_axis(self, position: int) -> Constant:
        """The constant with a dimension of 1 before dimension `position`."""
        codes = self.codes
        if codes is not None:
            axis = codes.axis
            if axis is not None and axis >= position:
                axis += 1
            codes = replace(codes, values=np.expand_dims(codes.values, position), axis=axis)
        return Constant(np.expand_dims(self.array, position), codes)

    def scaled(self, factor: float) -> Constant:
        """The constant times a positive factor, its codes unchanged."""
        if not factor > 0:
            raise ModelError(f"factor {factor} must be positive")
        if factor == 1:
            return self
        codes = self.codes
        if codes is not None:
            scale = (codes.scale * np.float32(factor)).astype(np.float32)
            if not np.isfinite(scale).all() or not (scale > 0).all():
                raise ModelError(f"factor {factor} leaves scales that are not positive and finite")
            codes = replace(codes, scale=scale)
        return Constant((self.array * np.float32(factor)).astype(np.float32), codes)
