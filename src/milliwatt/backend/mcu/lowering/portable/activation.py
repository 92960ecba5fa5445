# SPDX-License-Identifier: MIT
"""Portable kernels of activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Site, Table
from milliwatt.backend.mcu.lowering.common.overlap import elementwise
from milliwatt.backend.mcu.lowering.common.shared import (
    PortableKernel,
    activation_code,
    fixed,
    is_site,
    passed,
    suffix,
)
from milliwatt.ir.types import Array, DType
from milliwatt.ops.activation import LeakyRelu, Logistic, LogSoftmax, Relu, Softmax, Tanh
from milliwatt.quant.arith import activation_range
from milliwatt.quant.nonlinear import (
    BoundedFactor,
    leaky_relu_factors,
    log_softmax_factors,
    softmax_factor,
    softmax_int16_factor,
)
from milliwatt.quant.scaling import rescale_factor
from milliwatt.quant.softmax import exponentials_int8
from milliwatt.quant.tables import (
    exp_table,
    one_over_one_plus_x_table,
    sigmoid_table,
    sigmoid_table_factor,
)

_S8, _S16, _F32 = DType.INT8, DType.INT16, DType.FLOAT32


def _lower_lookup(site: Site) -> Lowered:
    """The operator's own reference, tabulated over all 256 inputs."""
    (x,), (y,) = site.inputs, site.outputs
    every = np.arange(256, dtype=np.uint8).view(np.int8)
    kinds = [replace(x, shape=(256,))], [replace(y, shape=(256,))]
    (table,) = site.op.reference([every], *kinds)
    return Lowered(
        "mw_lookup_s8",
        (In(0), Out(0), Ref("table"), *passed(x.elements)),
        (Table("table", table, "constants", alignment=1),),
        overlaps=elementwise(x, y),
    )


def _accepts_lookup(site: Site) -> bool:
    return is_site(site, (Logistic, Tanh, LeakyRelu), _S8)


def _accepts_relu(site: Site) -> bool:
    return is_site(site, Relu, _S8) or is_site(site, Relu, _S16)


def _lower_relu(site: Site) -> Lowered:
    """A requantisation whose clamp is the activation's."""
    assert isinstance(site.op, Relu)
    (x,), (y,) = site.inputs, site.outputs
    kind = suffix(x.dtype)
    return Lowered(
        f"mw_quantize_{kind}_{kind}",
        (
            *(In(0), Out(0)),
            *passed(x.elements, x.zero_point, y.zero_point, *rescale_factor(x, y)),
            *passed(*activation_range(site.op.activation, y)),
        ),
        overlaps=elementwise(x, y),
    )


_BEYOND_TABLE = 1 << 17
"""A multiplier that takes 1 and -1 beyond the ends of the sigmoid table, as any larger one does."""


def _lower_sigmoid_s16(site: Site) -> Lowered:
    (x,), (y,) = site.inputs, site.outputs
    logistic = isinstance(site.op, Logistic)
    multiplier, shift = sigmoid_table_factor(x, (0,) if logistic else (0, 1))
    return Lowered(
        "mw_logistic_s16" if logistic else "mw_tanh_s16",
        (In(0), Out(0), Ref("sigmoid"), *passed(x.elements, min(multiplier, _BEYOND_TABLE), shift)),
        (sigmoid(),),
        overlaps=elementwise(x, y),
    )


def sigmoid() -> Table:
    """The table of int16 logistic and tanh."""
    return Table("sigmoid", sigmoid_table(), "constants")


def _lower_leaky_s16(site: Site) -> Lowered:
    assert isinstance(site.op, LeakyRelu)
    (x,), (y,) = site.inputs, site.outputs
    positive, negative = leaky_relu_factors(x, y, site.op.alpha)
    return Lowered(
        "mw_leaky_relu_s16",
        (In(0), Out(0), *passed(x.elements, *positive, *negative)),
        overlaps=elementwise(x, y),
    )


def _rows(site: Site) -> tuple[int, int]:
    """Rows, and elements of a row, along the last axis."""
    x = site.inputs[0]
    return x.elements // x.shape[-1], x.shape[-1]


def _exponentials(factor: BoundedFactor) -> Array:
    """exp of differences 0, -1, … in Q0.31, up to the last that is not 0."""
    table = exponentials_int8(factor)
    return table[: np.flatnonzero(table)[-1] + 1].astype(np.int32)


def _lower_softmax_s8(site: Site) -> Lowered:
    assert isinstance(site.op, Softmax)
    (x,), (y,) = site.inputs, site.outputs
    table = _exponentials(softmax_factor(x, site.op.beta))
    return Lowered(
        f"mw_softmax_s8_{suffix(y.dtype)}",
        (In(0), Out(0), Ref("exponential"), *passed(*_rows(site), table.size)),
        (Table("exponential", table, "constants"),),
        overlaps=elementwise(x, y),
    )


def _accepts_softmax_pairs(site: Site) -> bool:
    return is_site(site, Softmax, _S8) and site.inputs[0].shape[-1] == 2


def _lower_softmax_pairs(site: Site) -> Lowered:
    """The operator's own reference, tabulated over all differences of two elements."""
    (x,), (y,) = site.inputs, site.outputs
    difference = np.arange(-255, 256)
    pairs = np.stack([np.maximum(difference, 0), np.maximum(-difference, 0)], axis=1) - 128
    shape = (len(pairs), 2)
    kinds = [replace(x, shape=shape)], [replace(y, shape=shape)]
    (results,) = site.op.reference([pairs.astype(np.int8)], *kinds)
    return Lowered(
        "mw_softmax_pairs_s8",
        (In(0), Out(0), Ref("of_difference"), *passed(x.elements // 2)),
        (Table("of_difference", results[:, 0].copy(), "constants", alignment=1),),
        overlaps=elementwise(x, y),
    )


def _accepts_softmax_s8(site: Site) -> bool:
    return is_site(site, Softmax, _S8) or is_site(site, Softmax, _S8, _S16)


def _lower_log_softmax_s8(site: Site) -> Lowered:
    (x,), (y,) = site.inputs, site.outputs
    factors = log_softmax_factors(x)
    difference = factors.difference
    table = _exponentials(difference)
    return Lowered(
        "mw_log_softmax_s8",
        (
            *(In(0), Out(0), Ref("exponential")),
            *passed(*_rows(site), table.size),
            *passed(difference.multiplier, difference.shift, difference.radius),
            *passed(*factors.inverse),
        ),
        (Table("exponential", table, "constants"),),
        overlaps=elementwise(x, y),
    )


def _lower_softmax_s16(site: Site) -> Lowered:
    assert isinstance(site.op, Softmax)
    (x,), (y,) = site.inputs, site.outputs
    factor = softmax_int16_factor(x, site.op.beta)
    return Lowered(
        "mw_softmax_s16",
        (
            *(In(0), Out(0), Ref("exp"), Ref("inverse")),
            *passed(*_rows(site), *factor),
        ),
        (
            Table("exp", exp_table(), "constants"),
            Table("inverse", one_over_one_plus_x_table(), "constants"),
        ),
        overlaps=elementwise(x, y),
    )


def _lower_float(site: Site) -> Lowered:
    op = site.op
    (x,), (y,) = site.inputs, site.outputs
    count = passed(x.elements)
    match op:
        case Relu(activation=activation):
            function, numbers = "mw_relu_f32", (*count, *fixed(activation_code(activation)))
        case LeakyRelu(alpha=alpha):
            function, numbers = "mw_leaky_relu_f32", (*count, *passed(float(alpha)))
        case Logistic():
            function, numbers = "mw_logistic_f32", count
        case Tanh():
            function, numbers = "mw_tanh_elements_f32", count
        case Softmax(beta=beta):
            function, numbers = "mw_softmax_f32", passed(*_rows(site), float(beta))
        case _:
            function, numbers = "mw_log_softmax_f32", passed(*_rows(site))
    return Lowered(function, (In(0), Out(0), *numbers), overlaps=elementwise(x, y))


def _accepts_float(site: Site) -> bool:
    return is_site(site, (Relu, LeakyRelu, Logistic, Tanh, Softmax, LogSoftmax), _F32)


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("lookup_s8", "mw_lookup.h", _accepts_lookup, _lower_lookup),
    PortableKernel("relu", "mw_quantize.h", _accepts_relu, _lower_relu),
    PortableKernel(
        "softmax_pairs_s8",
        "mw_softmax_pairs_s8.h",
        _accepts_softmax_pairs,
        _lower_softmax_pairs,
    ),
    PortableKernel("softmax_s8", "mw_softmax_s8.h", _accepts_softmax_s8, _lower_softmax_s8),
    PortableKernel(
        "log_softmax_s8",
        "mw_softmax_s8.h",
        lambda s: is_site(s, LogSoftmax, _S8),
        _lower_log_softmax_s8,
    ),
    PortableKernel(
        "sigmoid_s16",
        "mw_activation_s16.h",
        lambda s: is_site(s, (Logistic, Tanh), _S16),
        _lower_sigmoid_s16,
    ),
    PortableKernel(
        "leaky_relu_s16",
        "mw_activation_s16.h",
        lambda s: is_site(s, LeakyRelu, _S16),
        _lower_leaky_s16,
    ),
    PortableKernel(
        "softmax_s16",
        "mw_activation_s16.h",
        lambda s: is_site(s, Softmax, _S16),
        _lower_softmax_s16,
    ),
    PortableKernel("activation_f32", "mw_activation_f32.h", _accepts_float, _lower_float),
)
