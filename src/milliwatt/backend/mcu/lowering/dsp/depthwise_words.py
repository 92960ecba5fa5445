# SPDX-License-Identifier: MIT
"""Depthwise convolutions whose inputs meet few products, on cores with the DSP instructions."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Overlap, Ref, Site
from milliwatt.backend.mcu.lowering.common.overlap import in_order
from milliwatt.backend.mcu.lowering.common.shared import passed
from milliwatt.backend.mcu.lowering.dsp.depthwise import computes, filters_of, layer_of
from milliwatt.backend.mcu.lowering.dsp.depthwise_lines import best_lines, work_of_lines
from milliwatt.backend.mcu.lowering.dsp.layout import DspKernel
from milliwatt.ops.base import Padding
from milliwatt.ops.conv import DepthwiseConv2D

WORD_CHANNELS = 4
"""Channels computed together."""


def _accepts(site: Site) -> bool:
    """Whether the site has no padding, no dilation and less work here than by lines."""
    op = site.op
    return (
        isinstance(op, DepthwiseConv2D)
        and op.padding == Padding()
        and op.dilation_hw == (1, 1)
        and site.inputs[0].shape[3] == site.outputs[0].shape[3]
        and computes(site)
        and _work(site) < work_of_lines(best_lines(site))
    )


def _work(site: Site) -> int:
    """Roughly the instructions of one channel, as `work_of_lines` counts them."""
    _, out_h, out_w, _ = site.outputs[0].shape
    _, kh, kw, _ = site.inputs[1].shape
    return out_h * out_w * (18 + 7 * kh * kw // 2)


def _lower(site: Site) -> Lowered:
    op, x, (y,) = site.op, site.inputs[0], site.outputs
    assert isinstance(op, DepthwiseConv2D)
    _, out_h, out_w, channels = y.shape
    width = x.shape[2]
    filters = filters_of(site)
    layer = layer_of(site, filters, filters.weights.T)
    return Lowered(
        "mw_depthwise_words_s8_dsp",
        (
            *(In(0), Out(0), Ref("weights"), Ref("bias"), Ref("scales")),
            *passed(channels, width, out_h, out_w, *op.stride_hw),
            *passed(*_taps(site), layer.y_zero),
            *layer.clamp_and_form,
        ),
        layer.tables,
        overlaps=_overlaps(site),
    )


def _taps(site: Site) -> tuple[int, int, int, int]:
    """Runs of taps, taps of a run, bytes between taps, and bytes more between runs."""
    _, kh, kw, channels = site.inputs[1].shape
    width = site.inputs[0].shape[2]
    if kw == 1:
        return 1, kh, width * channels, 0
    if kw == width:
        return 1, kh * kw, channels, 0
    return kh, kw, channels, (width - kw) * channels


def _overlaps(site: Site) -> tuple[Overlap, ...]:
    """Of each pixel a word's inputs are read before its outputs are written."""
    op, x, (y,) = site.op, site.inputs[0], site.outputs
    assert isinstance(op, DepthwiseConv2D)
    _, out_h, out_w, channels = y.shape
    rows = np.arange(out_h) * op.stride_hw[0] * x.shape[2]
    pixels = (rows[:, None] + np.arange(out_w) * op.stride_hw[1]).reshape(-1, 1)
    words = np.arange(0, channels, WORD_CHANNELS)
    reads = (pixels * channels + words).reshape(-1)
    ends = np.minimum(words + WORD_CHANNELS, channels)
    written = (np.arange(len(pixels))[:, None] * channels + ends).reshape(-1)
    return in_order(np.append(reads[1:], x.size_bytes), written, y.size_bytes)


KERNELS: tuple[Kernel, ...] = (
    DspKernel("depthwise_words_s8_dsp", "mw_depthwise_words_s8_dsp.h", _accepts, _lower),
)
