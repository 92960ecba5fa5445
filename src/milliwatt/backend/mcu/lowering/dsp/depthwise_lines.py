# SPDX-License-Identifier: MIT
"""Depthwise convolutions as lines: which way they run, their words, where outputs may lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.kernel import Site
from milliwatt.ir.types import Array
from milliwatt.ops.conv import DepthwiseConv2D
from milliwatt.units import ceil_div

BLOCK = 4
"""Outputs of a line that are computed together."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a depthwise convolution."""

    size: int
    out_size: int
    taps: int
    stride: int
    pad: int


@dataclass(frozen=True, slots=True)
class Lines:
    """The image taken as lines: which way they run, and how many words one fills."""

    along: Axis
    across: Axis
    by_rows: bool

    @property
    def pairs(self) -> int:
        """Pairs of taps of one filter line, as one output sees them."""
        taps = self.along.taps
        return taps // 2 + 1 if self.along.stride == 1 else ceil_div(taps, 2)

    @property
    def filter_words(self) -> int:
        """Words of the whole filter's pairs; for stride 1 they differ for even and odd outputs."""
        per_pair = 2 if self.along.stride == 1 else 1
        return self.across.taps * self.pairs * per_pair

    @property
    def line_words(self) -> int:
        """Words of one padded line: what is gathered, and what the last block reads."""
        last = (self.along.out_size - 1) // BLOCK * BLOCK
        read = (
            last // 2 + self.pairs + 1 if self.along.stride == 1 else last + BLOCK - 1 + self.pairs
        )
        return max(read, ceil_div(self.along.pad + self.along.size, 2))

    @property
    def ring_bytes(self) -> int:
        """As many lines as the filter has."""
        return 4 * self.across.taps * self.line_words


def _axes(site: Site) -> tuple[Axis, Axis]:
    """The vertical and the horizontal axis."""
    op = site.op
    assert isinstance(op, DepthwiseConv2D)
    _, height, width, _ = site.inputs[0].shape
    _, out_h, out_w, _ = site.outputs[0].shape
    _, kh, kw, _ = site.inputs[1].shape
    pads = op.padding
    vertical = Axis(height, out_h, kh, op.stride_hw[0], pads.top)
    horizontal = Axis(width, out_w, kw, op.stride_hw[1], pads.left)
    return vertical, horizontal


def find_lines(site: Site) -> list[Lines]:
    """The directions in which lines can run."""
    vertical, horizontal = _axes(site)
    ways = [Lines(horizontal, vertical, True), Lines(vertical, horizontal, False)]
    return [w for w in ways if w.along.stride in (1, 2) and w.across.stride <= w.across.taps]


def row_lines(site: Site) -> Lines:
    """The image's rows as lines."""
    vertical, horizontal = _axes(site)
    return Lines(horizontal, vertical, True)


def best_lines(site: Site) -> Lines:
    """The direction with the least work, among those that can be in place if any can."""
    ways = find_lines(site)
    in_place = [w for w in ways if is_in_place(site, w)]
    return min(in_place or ways, key=work_of_lines)


def work_of_lines(lines: Lines) -> int:
    """Roughly the instructions of one channel."""
    blocks = ceil_div(lines.along.out_size, BLOCK)
    block = lines.across.taps * (4 + 6 * lines.pairs) + 40
    gathered = lines.across.size * (20 + 3 * lines.along.size)
    return lines.across.out_size * (30 + blocks * block) + gathered


def is_in_place(site: Site, lines: Lines) -> bool:
    """Whether the output may begin where the input does: no line is overwritten ungathered."""
    if site.inputs[0].shape[3] != site.outputs[0].shape[3]:
        return False
    _, height, width, _ = site.inputs[0].shape
    gathered = lands_on_gathered(site, lines)
    return bool(gathered[: height * width].all())


def lands_on_gathered(site: Site, lines: Lines) -> Array:
    """For each output pixel whether the input's line at its place has been gathered by then.

    The image is taken to go on below its last row.
    """
    width = site.inputs[0].shape[2]
    pixel = np.arange(site.outputs[0].shape[1] * site.outputs[0].shape[2])
    row, column = np.divmod(pixel, site.outputs[0].shape[2])
    written_during = row if lines.by_rows else column
    across = lines.across
    gathered = written_during * across.stride - across.pad + across.taps
    overwritten = pixel // width if lines.by_rows else pixel % width
    return np.asarray(overwritten < gathered)
