# SPDX-License-Identifier: MIT
"""Constants of convolutions and fully connected layers, laid out for the portable kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Site, Table
from milliwatt.errors import VerifyError
from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.quant.arith import wrap_int32


def constant(site: Site, index: int) -> Array:
    """The value of an input that `supports` found to be constant."""
    value = site.constants[index]
    if value is None:
        raise VerifyError(f"{site.op.kind}: input {index} must be constant")
    return value


def has_constant_parameters(site: Site) -> bool:
    """Whether weights and bias (inputs 1 and 2) are known."""
    return site.constants[1] is not None and site.constants[2] is not None


def has_int8_parameters(site: Site) -> bool:
    """Whether the site is int8 throughout, weights and bias known, its sums in 32 bits."""
    x, weights, bias = site.inputs
    kinds = (x.dtype, weights.dtype, site.outputs[0].dtype)
    return (
        kinds == (DType.INT8,) * 3 and bias.dtype is DType.INT32 and has_constant_parameters(site)
    )


def weight_bits(site: Site) -> int:
    """Bits of one stored weight."""
    return site.inputs[1].dtype.bits


def weight_zero(site: Site) -> int:
    """The zero point all weights share (per-channel ones have 0)."""
    quant = site.inputs[1].quant
    if quant is None or len(quant.zero_point) != 1:
        return 0
    return quant.zero_point[0]


def weights_table(weights: Array, dtype: DType) -> Table:
    """Weights stored run by run along the last axis; sub-byte runs begin at a whole byte."""
    if dtype.bits < 8:
        weights = pack_runs(weights, dtype.bits)
    return Table("weights", np.ascontiguousarray(weights).reshape(-1))


def pack_runs(values: Array, bits: int) -> Array:
    """Values of 2 or 4 bits, 8 / bits to a byte along the last axis, the first in the low bits."""
    per_byte = 8 // bits
    missing = -values.shape[-1] % per_byte
    filler = np.zeros((*values.shape[:-1], missing), values.dtype)
    full = np.concatenate([values, filler], axis=-1).astype(np.int16) & ((1 << bits) - 1)
    parts = [full[..., i::per_byte] << (bits * i) for i in range(per_byte)]
    return np.bitwise_or.reduce(parts).astype(np.uint8).view(np.int8)


def folded_bias(bias: Array, filters: Array, x_zero: int, w_zero: int) -> Table:
    """bias[c] - x_zero * sum of (filters[c, :] - w_zero), modulo 2**32 as the accumulator wraps."""
    sums = (filters.astype(np.int64) - w_zero).sum(axis=1)
    return Table("bias", wrap_int32(bias.astype(np.int64) - x_zero * sums).astype(np.int32))


def float_table(name: str, values: Array) -> Table:
    """float32 weights or biases in order."""
    return Table(name, np.ascontiguousarray(values, np.float32).reshape(-1))


def wide_bias(bias: Array) -> tuple[Table, int]:
    """Biases in one 32-bit word each where all fit, else in two, the low one first; and which."""
    wide = np.ascontiguousarray(bias, np.int64)
    if (wide == wide.astype(np.int32)).all():
        return Table("bias", wide.astype(np.int32)), 1
    return Table("bias", wide.astype("<i8").view("<i4").astype(np.int32)), 2


@dataclass(frozen=True, slots=True)
class Scaling:
    """Requantisation tables: one element per channel, or one in all where they are equal."""

    multiplier: Table
    shift: Table
    per_channel: bool

    @property
    def tables(self) -> tuple[Table, Table]:
        return self.multiplier, self.shift


def scaling(factors: tuple[Array, Array]) -> Scaling:
    """The tables of a 32-bit accumulator's factors."""
    multiplier, shift = factors
    return _scaling(multiplier.astype(np.int32), shift.astype(np.int8))


def wide_scaling(factors: tuple[Array, Array]) -> Scaling:
    """The tables of a 64-bit accumulator's factors: 16-bit multipliers and right shifts."""
    multiplier, shift = wide_factors(*factors)
    return _scaling(multiplier.astype(np.int32), shift.astype(np.int8))


def wide_factors(multiplier: Array, shift: Array) -> tuple[Array, Array]:
    """Factors of a 64-bit accumulator as `mw_requantize_wide` takes them."""
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    return reduced, 15 - shift


def scaling_of_bias(factors: tuple[Array, Array], bias: TensorType) -> tuple[Scaling, bool]:
    """The tables for an accumulator of the bias's element type, and whether it has 64 bits."""
    wide = bias.dtype is DType.INT64
    return (wide_scaling if wide else scaling)(factors), wide


def _scaling(multiplier: Array, shift: Array) -> Scaling:
    equal = bool((multiplier == multiplier[0]).all() and (shift == shift[0]).all())
    kept = slice(0, 1) if equal else slice(None)
    return Scaling(
        Table("multiplier", multiplier[kept].copy(), "constants"),
        Table("shift", shift[kept].copy(), "constants", alignment=1),
        not equal,
    )
