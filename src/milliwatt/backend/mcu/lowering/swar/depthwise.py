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
from milliwatt.backend.mcu.lowering.common.linear import constant, has_int8_parameters
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.portable.conv import channel_factors
from milliwatt.backend.mcu.lowering.swar.layout import (
    Layer,
    SwarKernel,
    layer_of,
)
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.units import align_up, ceil_div

BLOCK = 4
"""Outputs of a line that are computed together."""

_UNROLLED_TAPS = 3
_MOST_SCRATCH_BYTES = 16384
_MOST_PLANE_BYTES = 4096
"""Scratch memory up to which a channel is widened whole."""


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
    def line_bytes(self) -> int:
        """Of one widened line."""
        return 4 * self.along.stride * self.list_words

    @property
    def blocks(self) -> int:
        """Of one line of outputs."""
        return ceil_div(self.along.out_size, BLOCK)

    @property
    def ring_bytes(self) -> int:
        """Scratch memory: taps and a line's blocks of two words, every line of the ring twice."""
        taps = self.along.taps * self.across.taps
        return 8 * (taps + self.blocks) + 2 * self.ring * self.line_bytes

    @property
    def plane_bytes(self) -> int:
        """Scratch memory: taps and all blocks of two words, the lines of all windows."""
        taps, across = self.along.taps * self.across.taps, self.across
        lines = (across.out_size - 1) * across.stride + self.ring
        return 8 * (taps + self.blocks * across.out_size) + lines * self.line_bytes

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
    return [Lines(horizontal, vertical, True), Lines(vertical, horizontal, False)]


def _planes(site: Site) -> list[Lines]:
    """Directions in which a channel can be widened whole."""
    return [way for way in _ways(site) if way.plane_bytes <= _MOST_PLANE_BYTES]


def _rings(site: Site) -> list[Lines]:
    """Directions in which a ring of lines fits."""
    return [way for way in _ways(site) if way.ring_bytes <= _MOST_SCRATCH_BYTES]


def _best_ring(site: Site) -> Lines:
    """The direction with the least work, among those that can be in place if any can."""
    ways = _rings(site)
    in_place = [w for w in ways if _is_in_place(site, w)]
    return min(in_place or ways, key=lambda way: way.work)


def _keeps_shape(site: Site) -> bool:
    """Whether an output has its place where the same channel's input of its pixel has."""
    x, y = site.inputs[0].shape, site.outputs[0].shape
    return x[3] == y[3] and y[1] * y[2] <= x[1] * x[2]


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
        and depthwise_layer(site) is not None
    )


def _accepts_plane(site: Site) -> bool:
    return isinstance(site.op, DepthwiseConv2D) and bool(_planes(site)) and _accepts(site)


def _accepts_ring(site: Site) -> bool:
    return isinstance(site.op, DepthwiseConv2D) and bool(_rings(site)) and _accepts(site)


def _tables(site: Site, lines: Lines, layer: Layer) -> tuple[Table, ...]:
    """Weights channel-major, each channel's line after line; the rest."""
    taps = layer.weights.reshape(-1, *site.inputs[1].shape[1:3])
    taps = taps if lines.by_rows else taps.transpose(0, 2, 1)
    return (
        Table("weights", np.ascontiguousarray(taps).astype(np.int8).reshape(-1), alignment=1),
        *layer.tables(),
        Table("offsets", lines.offsets(), "constants"),
    )


def _lower(site: Site, lines: Lines, *, plane: bool) -> Lowered:
    along, across = lines.along, lines.across
    layer = depthwise_layer(site)
    assert layer is not None
    channels, taps = layer.weights.shape
    in_place = _keeps_shape(site) if plane else _is_in_place(site, lines)
    return Lowered(
        f"mw_depthwise_conv2d_{'plane_' if plane else ''}s8_swar",
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
            *fixed(int(layer.is_plain)),
        ),
        _tables(site, lines, layer),
        scratch_bytes=lines.plane_bytes if plane else lines.ring_bytes,
        overlaps=(Overlap(0, 0, exact=True),) if in_place else (),
    )


def _lower_plane(site: Site) -> Lowered:
    return _lower(site, min(_planes(site), key=lambda way: way.work), plane=True)


def _lower_ring(site: Site) -> Lowered:
    return _lower(site, _best_ring(site), plane=False)


KERNELS: tuple[Kernel, ...] = (
    SwarKernel(
        "depthwise_conv2d_plane_s8_swar",
        "mw_depthwise_conv2d_plane_s8_swar.h",
        _accepts_plane,
        _lower_plane,
    ),
    SwarKernel(
        "depthwise_conv2d_s8_swar", "mw_depthwise_conv2d_s8_swar.h", _accepts_ring, _lower_ring
    ),
)
