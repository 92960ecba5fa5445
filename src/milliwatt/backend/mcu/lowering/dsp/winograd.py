# SPDX-License-Identifier: MIT
"""3x3 convolutions of stride 1 by Winograd: F(2x2, 3x3) and F(4x4, 3x3), with the DSP instructions.

Weights are transformed here, inputs by the kernel, both by matrices scaled so that they are whole;
docs/kernels.md explains them. Sums wrap modulo 2**32, and `fits` of each form proves that what is
left of them after the last transformation does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from milliwatt.backend.mcu.kernel import (
    In,
    Kernel,
    Lowered,
    Out,
    Overlap,
    Ref,
    Scratch,
    Site,
    Table,
)
from milliwatt.backend.mcu.lowering.common.overlap import in_order
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.dsp import conv as dsp_conv
from milliwatt.backend.mcu.lowering.dsp.conv import filters_of
from milliwatt.backend.mcu.lowering.dsp.layout import (
    DspKernel,
    Filters,
    even_channels,
    scale_words,
)
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D
from milliwatt.quant.arith import activation_range, wrap_int32
from milliwatt.units import ceil_div

TILES = 4
"""Tiles whose inputs lie in scratch memory at once."""

G_2X2 = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])
"""Twice the usual transformation of weights, so that it is whole."""

G_4X4 = np.array([[6, 0, 0], [-1, -1, -1], [-1, 1, -1], [1, 2, 4], [1, -2, 4], [0, 0, 6]])
"""The usual transformation of weights, rows times 24, 6, 6, 24, 24 and 6, so that it is whole."""

LIFT_4X4 = np.full((6, 6), 128)
"""What F(4x4, 3x3) adds to a tile's inputs in the low halves of pairs: neither they nor what they
become are negative then (mw_winograd_tiles_4x4_dsp.h has the bounds)."""
LIFT_4X4[4:, 4:] += 100 * 128


@dataclass(frozen=True, slots=True)
class Form:
    """One of the algorithms: tiles of side x side outputs.

    `transform` [side + 2, 3] makes weights from 3x3 filters; `constants` finds the words of every
    channel, `fits` whether the result is exact.
    """

    side: int
    transform: Array
    constants: Callable[[Filters], Array]
    fits: Callable[[Filters], bool]

    @property
    def patch(self) -> int:
        """Inputs along a tile's side."""
        return self.side + 2

    @property
    def positions(self) -> int:
        """Numbers of a transformed tile."""
        return self.patch**2


def transformed(weights: Array, matrix: Array) -> Array:
    """G w G' of weights[channels, 3, 3, depth]: whole numbers [channels, positions, depth].

    At most 9 * 128 in size for F(2x2), 49 * 128 for F(4x4), so they fit 16 bits.
    """
    found = np.einsum("ia,jb,oabc->oijc", matrix, matrix, weights.astype(np.int64))
    return found.reshape(weights.shape[0], len(matrix) ** 2, -1)


def _reach(filters: Filters) -> int:
    """What no sum of products exceeds."""
    return 128 * int(np.abs(filters.weights).sum(axis=1).max())


def fits_2x2(filters: Filters) -> bool:
    """Whether 4 times every sum of products fits 32 bits; partial sums may wrap."""
    return 4 * _reach(filters) < 1 << 31


def fits_4x4(filters: Filters) -> bool:
    """Whether what is left of every sum of products, inputs lifted, fits 32 bits.

    576 / (f_i f_j) times a sum comes out of the last transformation modulo 2**32, where f = (1, 2,
    4, 4). Multiplied by the inverse of 9 there, it is 64 / (f_i f_j) times the sum, exactly.
    """
    f = np.array([1, 2, 4, 4])
    left = 64 // np.outer(f, f)
    lifted = np.abs(lifts(filters)).max(axis=0)
    return bool((left * (_reach(filters) + lifted)).max() < 1 << 31)


def lifts(filters: Filters) -> Array:
    """What LIFT_4X4 adds to a tile's sums of products: [channels, 4, 4]."""
    weights = filters.weights.reshape(len(filters.weights), 3, 3, -1, 4)
    taps = weights[..., :2].sum(axis=(3, 4))
    windows = sliding_window_view(LIFT_4X4, (3, 3))
    return np.einsum("cab,ijab->cij", taps, windows)


def _constants_2x2(filters: Filters) -> Array:
    """Twice the bias, multiplier and divisor."""
    scales = scale_words(filters).data.reshape(-1, 2)
    return np.column_stack([even_channels(2 * filters.bias), scales])


def _constants_4x4(filters: Filters) -> Array:
    """The same, then twice the biases of outputs (2, 2), (2, 3), (3, 2), (3, 3)."""
    scales = scale_words(filters).data.reshape(-1, 2)
    twice = even_channels(wrap_int32(2 * (filters.bias[:, None, None] - lifts(filters))))
    return np.column_stack([twice[:, 0, 0], scales, twice[:, 2:, 2:].reshape(-1, 4)])


F_2X2 = Form(2, G_2X2, _constants_2x2, fits_2x2)
F_4X4 = Form(4, G_4X4, _constants_4x4, fits_4x4)


def _accepts(site: Site, form: Form) -> bool:
    op = site.op
    return (
        isinstance(op, Conv2D)
        and site.inputs[1].shape[1:3] == (3, 3)
        and op.stride_hw == (1, 1)
        and site.inputs[1].shape[3] % 4 == 0
        and min(site.outputs[0].shape[1:3]) >= form.side
        and dsp_conv.accepts_conv(site)
        and form.fits(filters_of(site))
    )


def _weight_words(site: Site, filters: Filters, form: Form) -> Table:
    """For every two channels, position after position, their pairs of int16 in turn."""
    channels, _, _, depth = site.inputs[1].shape
    full = transformed(filters.weights.reshape(channels, 3, 3, depth), form.transform)
    # What one SXTB16 makes of four inputs: the first and the third, then the others.
    halves = even_channels(full).reshape(-1, 2, form.positions, depth // 4, 2, 2)
    words = (halves[..., 0, :] & 0xFFFF) | (halves[..., 1, :] << 16)
    in_turn = words.transpose(0, 2, 3, 4, 1)
    return Table("weights", np.ascontiguousarray(in_turn).astype(np.int32).reshape(-1))


def _tiles(extent: int, side: int) -> Array:
    """The first output of each tile along an axis: the last one ends with the map."""
    return np.minimum(side * np.arange(ceil_div(extent, side)), extent - side)


def overlaps(site: Site, form: Form, together: int = TILES) -> tuple[Overlap, ...]:
    """So many tiles are read, then written; those after them still read what they need."""
    op = site.op
    assert isinstance(op, Conv2D)
    _, _, width, depth = site.inputs[0].shape
    _, out_h, out_w, channels = site.outputs[0].shape
    rows, columns = _tiles(out_h, form.side), _tiles(out_w, form.side)
    top = np.maximum(rows - op.padding.top, 0)
    left = np.maximum(columns - op.padding.left, 0)
    first = ((top[:, None] * width + left[None, :]) * depth).reshape(-1)
    last = (rows[:, None] + form.side - 1) * out_w + columns[None, :] + form.side
    written = np.maximum.accumulate(last.reshape(-1) * channels)
    ends = np.minimum(np.arange(together, len(first) + together, together), len(first))
    read_after = np.append(first, np.iinfo(np.int64).max // 2)
    still_read = np.minimum.accumulate(read_after[::-1])[::-1][ends]
    return in_order(still_read, written[ends - 1], out_h * out_w * channels)


def _lower(site: Site, form: Form, function: str) -> Lowered:
    op = site.op
    assert isinstance(op, Conv2D)
    x, (y,) = site.inputs[0], site.outputs
    filters = filters_of(site)
    inputs_bytes = 2 * TILES * form.positions * x.shape[3]
    constants = form.constants(filters).astype(np.int32).reshape(-1)
    return Lowered(
        function,
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("scales")),
            *passed(*x.shape[1:], *y.shape[1:], op.padding.top, op.padding.left),
            *passed(x.zero_point, y.zero_point),
            *fixed(*activation_range(op.activation, y)),
        ),
        (_weight_words(site, filters, form), Table("scales", constants, "constants")),
        scratch_bytes=4 * 8 * form.positions + inputs_bytes + form.positions * x.shape[3],
        overlaps=overlaps(site, form),
    )


def _kernel(name: str, form: Form) -> DspKernel:
    return DspKernel(
        name,
        f"mw_{name}.h",
        lambda site: _accepts(site, form),
        lambda site: _lower(site, form, f"mw_{name}"),
    )


KERNELS: tuple[Kernel, ...] = (
    _kernel("conv2d_winograd_s8_dsp", F_2X2),
    _kernel("conv2d_winograd_4x4_s8_dsp", F_4X4),
)
