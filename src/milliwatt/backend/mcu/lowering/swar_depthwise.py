# SPDX-License-Identifier: MIT
"""Depthwise convolutions on cores without packed multiplication."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
from milliwatt.backend.mcu.lowering._linear import constant
from milliwatt.backend.mcu.lowering._shared import fixed, passed
from milliwatt.backend.mcu.lowering.conv import channel_factors
from milliwatt.backend.mcu.lowering.swar_layout import (
    Layer,
    SwarKernel,
    has_int8_parameters,
    layer_of,
)
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.units import align_up, ceil_div

BLOCK = 4
"""Outputs of a line that are computed together."""

_UNROLLED_TAPS = 3
_MOST_SCRATCH_BYTES = 16384


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a depthwise convolution; steps are bytes between neighbours."""

    size: int
    step: int
    out_size: int
    out_step: int
    taps: int
    stride: int
    dilation: int
    pad: int


@dataclass(frozen=True, slots=True)
class Lines:
    """The image taken as lines: which way they run, and how many words they fill."""

    along: Axis
    across: Axis
    by_rows: bool

    @property
    def list_words(self) -> int:
        """Words of every stride-th element of a padded line: what the last block's taps read."""
        along = self.along
        reach = (along.taps - 1) * along.dilation // along.stride
        return align_up(along.out_size, BLOCK) + reach

    @property
    def ring(self) -> int:
        """Lines that a window spans."""
        return (self.across.taps - 1) * self.across.dilation + 1

    @property
    def scratch_bytes(self) -> int:
        """Taps of two words, and every line of the ring twice."""
        lines = 2 * self.ring * self.along.stride * self.list_words
        return 4 * (2 * self.along.taps * self.across.taps + lines)

    @property
    def work(self) -> int:
        """Roughly the instructions of one channel on a Cortex-M0+."""
        taps = self.along.taps * self.across.taps
        blocks = self.across.out_size * ceil_div(self.along.out_size, BLOCK)
        widened = self.across.size * (60 + 7 * self.along.size)
        return blocks * (110 + 12 * taps) + widened + 40 * self.across.out_size

    def offsets(self) -> Array:
        """Bytes from a block's first word to the word that each tap reads, line after line."""
        across = np.arange(self.across.taps) * self.across.dilation
        position = np.arange(self.along.taps) * self.along.dilation
        place, which = np.divmod(position, self.along.stride)
        words = which * self.list_words + place
        line = across * (self.along.stride * self.list_words)
        return (4 * (line[:, None] + words[None, :])).reshape(-1).astype(np.int32)


def _axes(site: Site) -> tuple[Axis, Axis]:
    """The vertical and the horizontal axis."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    _, height, width, depth = site.inputs[0].shape
    _, out_h, out_w, channels = site.outputs[0].shape
    _, kh, kw, _ = site.inputs[1].shape
    (stride_h, stride_w), (dilation_h, dilation_w) = op.stride_hw, op.dilation_hw
    steps = width * depth, out_w * channels
    vertical = Axis(height, steps[0], out_h, steps[1], kh, stride_h, dilation_h, op.padding.top)
    horizontal = Axis(width, depth, out_w, channels, kw, stride_w, dilation_w, op.padding.left)
    return vertical, horizontal


def _ways(site: Site) -> list[Lines]:
    """The directions in which lines can run."""
    vertical, horizontal = _axes(site)
    ways = [Lines(horizontal, vertical, True), Lines(vertical, horizontal, False)]
    return [w for w in ways if w.scratch_bytes <= _MOST_SCRATCH_BYTES]


def _best(site: Site) -> Lines:
    """The direction with the least work, among those that can be in place if any can."""
    ways = _ways(site)
    in_place = [w for w in ways if _is_in_place(site, w)]
    return min(in_place or ways, key=lambda way: way.work)


def _is_in_place(site: Site, lines: Lines) -> bool:
    """Whether the output may begin where the input does: no line is overwritten unwidened."""
    if site.inputs[0].shape[3] != site.outputs[0].shape[3]:
        return False
    _, height, width, _ = site.inputs[0].shape
    pixel = np.arange(site.outputs[0].shape[1] * site.outputs[0].shape[2])
    row, column = np.divmod(pixel, site.outputs[0].shape[2])
    written_during = row if lines.by_rows else column
    across = lines.across
    widened = written_during * across.stride - across.pad + lines.ring
    overwritten = pixel // width if lines.by_rows else pixel % width
    return bool(((overwritten < widened) | (pixel >= height * width)).all())


def depthwise_layer(site: Site) -> Layer | None:
    """The convolution's parameters, taps in the order of rows, columns."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    taps = constant(site, 1).reshape(-1, site.outputs[0].shape[3]).T
    return layer_of(site, taps, channel_factors(site), op.activation)


def _accepts(site: Site) -> bool:
    return (
        isinstance(site.op, DepthwiseConv2D)
        and has_int8_parameters(site)
        and site.inputs[0].shape[0] == 1
        and bool(_ways(site))
        and depthwise_layer(site) is not None
    )


def _tables(site: Site, lines: Lines, layer: Layer) -> tuple[Table, ...]:
    """Weights channel-major, each channel's line after line; the rest."""
    taps = layer.weights.reshape(-1, *site.inputs[1].shape[1:3])
    taps = taps if lines.by_rows else taps.transpose(0, 2, 1)
    return (
        Table("weights", np.ascontiguousarray(taps).astype(np.int8).reshape(-1), alignment=1),
        *layer.tables(),
        Table("offsets", lines.offsets(), "constants"),
    )


def _lower(site: Site) -> Lowered:
    lines = _best(site)
    along, across = lines.along, lines.across
    layer = depthwise_layer(site)
    assert layer is not None
    channels, taps = layer.weights.shape
    return Lowered(
        "mw_depthwise_conv2d_s8_swar",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("bias"), Ref("scales")),
            Ref("offsets"),
            *passed(channels, channels // site.inputs[0].shape[3]),
            *passed(along.size, across.size, along.step, across.step),
            *passed(along.out_size, across.out_size, along.out_step, across.out_step),
            *passed(along.stride, across.stride, along.pad, across.pad),
            *passed(lines.list_words, lines.ring, taps, site.inputs[0].zero_point),
            *layer.scale_arguments,
            *fixed(1 if taps % _UNROLLED_TAPS else _UNROLLED_TAPS),
            *layer.scale_variant,
        ),
        _tables(site, lines, layer),
        scratch_bytes=lines.scratch_bytes,
        overlaps=(Overlap(0, 0, exact=True),) if _is_in_place(site, lines) else (),
    )


KERNELS: tuple[Kernel, ...] = (
    SwarKernel("depthwise_conv2d_s8_swar", "mw_depthwise_conv2d_s8_swar.h", _accepts, _lower),
)
