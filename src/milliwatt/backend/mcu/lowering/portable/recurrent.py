# SPDX-License-Identifier: MIT
"""Portable kernels of operators with memory."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import Arg, In, Kernel, Lowered, Out, Overlap, Ref, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import (
    constant,
    float_table,
    folded_bias,
    wide_bias,
    wide_factors,
)
from milliwatt.backend.mcu.lowering.common.shared import (
    PortableKernel,
    activation_code,
    fixed,
    is_site,
    passed,
    suffix,
)
from milliwatt.backend.mcu.lowering.portable.activation import sigmoid
from milliwatt.ir.types import Array, DType
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm
from milliwatt.quant.recurrent import LstmFactors, lstm_factors, svdf_factors

_NO_CLIP = 32768
_STATES = 13
"""Where the LSTM's operands hold the hidden state; the cell state follows."""


def _all_constant(site: Site, first: int, last: int) -> bool:
    return all(c is not None for c in site.constants[first : last + 1])


def _svdf_sizes(site: Site) -> tuple[Arg, ...]:
    """Batch, depth, units, rank, memory."""
    op = site.op
    assert isinstance(op, Svdf)
    x, _, time, bias, _ = site.inputs
    return (*fixed(x.shape[0]), *passed(x.shape[1], bias.shape[0], op.rank, time.shape[1]))


def _lower_svdf_s8(site: Site) -> Lowered:
    x, feature, time, _, state = site.inputs
    y = site.outputs[0]
    factors = svdf_factors(x, feature, time, state, y)
    w_feature, w_time = constant(site, 1), constant(site, 2)
    start = folded_bias(np.zeros(feature.shape[0], np.int64), w_feature, x.zero_point, 0)
    by_unit = w_time.reshape(y.shape[1], -1)
    return Lowered(
        f"mw_svdf_s8_{suffix(state.dtype)}",
        (
            *(In(0), In(4), Out(0), Out(1)),
            *(Ref("w_feature"), Ref("feature_bias"), Ref("w_time"), Ref("bias")),
            *_svdf_sizes(site),
            *passed(*factors.feature, state.zero_point, *state.dtype.integer_range),
            *passed(*factors.time, y.zero_point),
        ),
        (
            Table("w_feature", w_feature.reshape(-1)),
            Table("feature_bias", start.data),
            Table("w_time", w_time.reshape(-1)),
            folded_bias(constant(site, 3), by_unit, state.zero_point, 0),
        ),
        overlaps=(Overlap(4, 1),),
    )


def _lower_svdf_f32(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, Svdf)
    return Lowered(
        "mw_svdf_f32",
        (
            *(In(0), In(4), Out(0), Out(1), Ref("w_feature"), Ref("w_time"), Ref("bias")),
            *_svdf_sizes(site),
            *fixed(activation_code(op.activation)),
        ),
        (
            float_table("w_feature", constant(site, 1)),
            float_table("w_time", constant(site, 2)),
            float_table("bias", constant(site, 3)),
        ),
        overlaps=(Overlap(4, 1),),
    )


def _grouped(site: Site, first: int) -> Array:
    """Four operands, one a gate, as rows one after the other."""
    return np.concatenate([constant(site, first + gate) for gate in range(4)])


def _lstm_sizes(site: Site) -> tuple[Arg, ...]:
    """Batch, steps, depth, units; steps through x and y from row to row and in time."""
    op = site.op
    assert isinstance(op, UnidirectionalLstm)
    x, units = site.inputs[0].shape, site.inputs[_STATES].shape[1]
    depth = x[2]
    batch, steps = (x[1], x[0]) if op.time_major else (x[0], x[1])
    row, time = (1, batch) if op.time_major else (steps, 1)
    return passed(
        *(batch, steps, depth, units, row * depth, time * depth, row * units, time * units)
    )


_LSTM_POINTERS = (
    *(In(0), In(_STATES), In(_STATES + 1)),
    *(Out(0), Out(1), Out(2), Ref("w_input"), Ref("w_hidden")),
)
_LSTM_OVERLAPS = (Overlap(_STATES, 1), Overlap(_STATES + 1, 2))


def _lstm_factors(site: Site) -> LstmFactors:
    op, kinds = site.op, site.inputs
    assert isinstance(op, UnidirectionalLstm)
    return lstm_factors(
        kinds[0], kinds[1:5], kinds[5:9], kinds[_STATES], kinds[_STATES + 1], op.cell_clip
    )


def _clip(factors: LstmFactors) -> int:
    return _NO_CLIP if factors.cell_clip is None else factors.cell_clip


def _lower_lstm_s8(site: Site) -> Lowered:
    factors = _lstm_factors(site)
    w_input, w_hidden = _grouped(site, 1), _grouped(site, 5)
    x_zero, h_zero = site.inputs[0].zero_point, site.inputs[_STATES].zero_point
    no_bias = np.zeros(w_hidden.shape[0], np.int64)
    pairs = list(zip(factors.input, factors.recurrent, strict=True))
    return Lowered(
        "mw_lstm_s8",
        (
            *_LSTM_POINTERS,
            *(Ref("input_bias"), Ref("hidden_bias"), Ref("factors"), Ref("sigmoid")),
            *_lstm_sizes(site),
            *passed(*factors.forget, *factors.candidate, *factors.hidden, h_zero),
            *passed(*factors.cell_table, _clip(factors)),
        ),
        (
            Table("w_input", w_input.reshape(-1)),
            Table("w_hidden", w_hidden.reshape(-1)),
            Table("input_bias", folded_bias(_grouped(site, 9), w_input, x_zero, 0).data),
            Table("hidden_bias", folded_bias(no_bias, w_hidden, h_zero, 0).data),
            Table("factors", np.array(pairs, np.int32).reshape(-1), "constants"),
            sigmoid(),
        ),
        overlaps=_LSTM_OVERLAPS,
    )


def _lower_lstm_s16(site: Site) -> Lowered:
    factors = _lstm_factors(site)
    bias, bias_words = wide_bias(_grouped(site, 9))
    pairs = np.array(list(zip(factors.input, factors.recurrent, strict=True)), np.int64)
    table = np.stack(wide_factors(pairs[..., 0], pairs[..., 1]), axis=-1).astype(np.int32)
    return Lowered(
        "mw_lstm_s16",
        (
            *_LSTM_POINTERS,
            *(Ref("bias"), Ref("factors"), Ref("sigmoid")),
            *_lstm_sizes(site),
            *passed(*factors.forget, *factors.candidate, *factors.hidden),
            *passed(*factors.cell_table, _clip(factors)),
            *fixed(bias_words),
        ),
        (
            Table("w_input", _grouped(site, 1).reshape(-1)),
            Table("w_hidden", _grouped(site, 5).reshape(-1)),
            bias,
            Table("factors", table.reshape(-1), "constants"),
            sigmoid(),
        ),
        overlaps=_LSTM_OVERLAPS,
    )


def _lower_lstm_f32(site: Site) -> Lowered:
    op = site.op
    assert isinstance(op, UnidirectionalLstm)
    return Lowered(
        "mw_lstm_f32",
        (*_LSTM_POINTERS, Ref("bias"), *_lstm_sizes(site), *passed(float(op.cell_clip))),
        (
            float_table("w_input", _grouped(site, 1)),
            float_table("w_hidden", _grouped(site, 5)),
            float_table("bias", _grouped(site, 9)),
        ),
        overlaps=_LSTM_OVERLAPS,
    )


def _is_svdf(site: Site, dtype: DType) -> bool:
    return is_site(site, Svdf, dtype) and _all_constant(site, 1, 3)


def _is_lstm(site: Site, dtype: DType) -> bool:
    return is_site(site, UnidirectionalLstm, dtype) and _all_constant(site, 1, _STATES - 1)


KERNELS: tuple[Kernel, ...] = (
    PortableKernel("svdf_s8", "mw_svdf_s8.h", lambda s: _is_svdf(s, DType.INT8), _lower_svdf_s8),
    PortableKernel(
        "svdf_f32", "mw_svdf_f32.h", lambda s: _is_svdf(s, DType.FLOAT32), _lower_svdf_f32
    ),
    PortableKernel("lstm_s8", "mw_lstm_s8.h", lambda s: _is_lstm(s, DType.INT8), _lower_lstm_s8),
    PortableKernel(
        "lstm_s16", "mw_lstm_s16.h", lambda s: _is_lstm(s, DType.INT16), _lower_lstm_s16
    ),
    PortableKernel(
        "lstm_f32", "mw_lstm_f32.h", lambda s: _is_lstm(s, DType.FLOAT32), _lower_lstm_f32
    ),
)
