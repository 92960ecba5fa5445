# SPDX-License-Identifier: MIT
"""Portable kernels that change number formats."""

from __future__ import annotations

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Site
from milliwatt.backend.mcu.lowering.common.overlap import elementwise
from milliwatt.backend.mcu.lowering.common.shared import PortableKernel, is_site, passed, suffix
from milliwatt.ir.types import DType
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.quant.scaling import rescale_factor

_HEADER = "mw_quantize.h"
_INTEGERS = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32)


def _flips_sign(site: Site) -> bool:
    if not isinstance(site.op, Quantize):
        return False
    (x,), (y,) = site.inputs, site.outputs
    return (
        {x.dtype, y.dtype} == {DType.INT8, DType.UINT8}
        and x.scale == y.scale
        and y.zero_point - x.zero_point == (128 if y.dtype is DType.UINT8 else -128)
    )


def _lower_flip(site: Site) -> Lowered:
    (x,), (y,) = site.inputs, site.outputs
    return Lowered("mw_flip_sign", (In(0), Out(0), *passed(x.elements)), overlaps=elementwise(x, y))


def _accepts_requantize(site: Site) -> bool:
    if not isinstance(site.op, Quantize):
        return False
    (x,), (y,) = site.inputs, site.outputs
    return (
        x.dtype in _INTEGERS
        and y.dtype in _INTEGERS
        and (y.dtype is not DType.INT32 or y.zero_point == 0)
    )


def _lower_requantize(site: Site) -> Lowered:
    (x,), (y,) = site.inputs, site.outputs
    return Lowered(
        f"mw_quantize_{suffix(x.dtype)}_{suffix(y.dtype)}",
        (
            *(In(0), Out(0)),
            *passed(x.elements, x.zero_point, y.zero_point, *rescale_factor(x, y)),
            *passed(*y.dtype.integer_range),
        ),
        overlaps=elementwise(x, y),
    )


def _accepts_quantize(site: Site) -> bool:
    return any(
        is_site(site, Quantize, DType.FLOAT32, to) for to in (DType.INT8, DType.UINT8, DType.INT16)
    )


def _lower_quantize(site: Site) -> Lowered:
    (x,), (y,) = site.inputs, site.outputs
    return Lowered(
        f"mw_quantize_f32_{suffix(y.dtype)}",
        (
            *(In(0), Out(0)),
            *passed(x.elements, y.scale, y.zero_point, *y.dtype.integer_range),
        ),
        overlaps=elementwise(x, y),
    )


def _accepts_dequantize(site: Site) -> bool:
    return any(
        is_site(site, Dequantize, from_, DType.FLOAT32)
        for from_ in (DType.INT8, DType.UINT8, DType.INT16)
    )


def _lower_dequantize(site: Site) -> Lowered:
    (x,), (y,) = site.inputs, site.outputs
    return Lowered(
        f"mw_dequantize_{suffix(x.dtype)}_f32",
        (In(0), Out(0), *passed(x.elements, x.scale, x.zero_point)),
        overlaps=elementwise(x, y),
    )


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("flip_sign", _HEADER, _flips_sign, _lower_flip),
    PortableKernel("requantize", _HEADER, _accepts_requantize, _lower_requantize),
    PortableKernel("quantize_f32", _HEADER, _accepts_quantize, _lower_quantize),
    PortableKernel("dequantize", _HEADER, _accepts_dequantize, _lower_dequantize),
)
