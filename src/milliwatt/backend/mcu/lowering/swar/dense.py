# SPDX-License-Identifier: MIT
"""Fully connected layers on cores without packed multiplication."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.kernel import In, Kernel, Lowered, Out, Ref, Scratch, Site, Table
from milliwatt.backend.mcu.lowering.common.linear import constant, has_int8_parameters
from milliwatt.backend.mcu.lowering.common.shared import fixed, passed
from milliwatt.backend.mcu.lowering.portable.conv import is_pointwise
from milliwatt.backend.mcu.lowering.portable.dense import rows_overlap
from milliwatt.backend.mcu.lowering.swar.conv import conv_layer
from milliwatt.backend.mcu.lowering.swar.layout import (
    Grouped,
    Layer,
    SwarKernel,
    grouped,
    layer_of,
    rest_table,
)
from milliwatt.ir.types import Array, DType
from milliwatt.ops.conv import Conv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.quant.scaling import fully_connected_factors
from milliwatt.units import align_up, ceil_div

_CHANNELS = 4
_GROUPS = (8, 16)
_MOST_PIXELS = 2
"""Pixels of a 1x1 convolution up to which a block of four would be mostly idle."""


def dense_layer(site: Site) -> Layer | None:
    """The parameters of a fully connected layer or a 1x1 convolution."""
    if isinstance(site.op, Conv2D):
        return conv_layer(site)
    assert isinstance(site.op, FullyConnected)
    x, weights, _ = site.inputs
    factors = fully_connected_factors(x, weights, site.outputs[0], weights.shape[0])
    return layer_of(site, constant(site, 1), factors, site.op.activation)


def four_channel_words(weights: Array) -> Array:
    """weights[channels, inputs], a word for each input of every four channels: int32."""
    channels, depth = weights.shape
    filled = np.zeros((align_up(channels, _CHANNELS), depth), np.int64)
    filled[:channels] = weights
    blocks = filled.reshape(-1, _CHANNELS, depth)
    blocks[:, :3] += 128
    scaled = blocks << (8 * np.arange(_CHANNELS))[None, :, None]
    return scaled.sum(axis=1).reshape(-1).astype(np.int32)


def _grouped(weights: Array) -> Grouped | None:
    """The weights in whole groups, those that take the fewest instructions; None for odd depths."""
    depth = weights.shape[1]
    found = [grouped(weights, group) for group in _GROUPS if depth % group == 0]
    return min(found, key=_work, default=None)


def _work(groups: Grouped) -> int:
    """Roughly the instructions of a row on a Cortex-M0+."""
    channels, depth = groups.weights.shape
    per_four = 9 * depth + 20 * (depth // groups.group)
    return per_four * ceil_div(channels, _CHANNELS) + 9 * int(np.count_nonzero(groups.rest))


def _accepts_groups(site: Site) -> bool:
    """Whether groups are whole, and better than products of every byte."""
    layer = dense_layer(site) if _accepts(site) or _accepts_few_pixels(site) else None
    if layer is None:
        return False
    groups = _grouped(layer.weights)
    channels, depth = layer.weights.shape
    return groups is not None and 2 * _work(groups) < 27 * depth * ceil_div(channels, _CHANNELS)


def _lower_groups(site: Site) -> Lowered:
    layer = dense_layer(site)
    assert layer is not None
    groups = _grouped(layer.weights)
    assert groups is not None
    channels, depth = layer.weights.shape
    rows = site.inputs[0].elements // depth
    return Lowered(
        "mw_fully_connected_groups_s8_swar",
        (
            *(In(0), Out(0), Scratch(), Ref("weights"), Ref("bias"), Ref("scales"), Ref("rest")),
            *passed(rows, depth, channels),
            *layer.scale_arguments,
            *fixed(groups.group, int(groups.has_rest)),
            *layer.scale_variant,
        ),
        (
            Table("weights", four_channel_words(groups.weights)),
            *layer.tables(_CHANNELS),
            rest_table(groups),
        ),
        scratch_bytes=8 * (depth // groups.group),
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


def _accepts(site: Site) -> bool:
    return (
        isinstance(site.op, FullyConnected)
        and has_int8_parameters(site)
        and dense_layer(site) is not None
    )


def _accepts_few_pixels(site: Site) -> bool:
    return (
        isinstance(site.op, Conv2D)
        and has_int8_parameters(site)
        and is_pointwise(site)
        and site.inputs[0].elements // site.inputs[0].shape[3] <= _MOST_PIXELS
        and dense_layer(site) is not None
    )


def _lower(site: Site) -> Lowered:
    layer = dense_layer(site)
    assert layer is not None
    channels, depth = layer.weights.shape
    rows = site.inputs[0].elements // depth
    return Lowered(
        "mw_fully_connected_s8_swar",
        (
            *(In(0), Out(0), Ref("weights"), Ref("bias"), Ref("scales")),
            *passed(rows, depth, channels),
            *layer.scale_arguments,
            *layer.scale_variant,
        ),
        (
            Table("weights", four_channel_words(layer.weights[:, ::-1])),
            *layer.tables(_CHANNELS),
        ),
        overlaps=rows_overlap(rows, depth, channels, DType.INT8),
    )


_HEADER = "mw_fully_connected_s8_swar.h"

KERNELS: tuple[Kernel, ...] = (
    SwarKernel(
        "fully_connected_groups_s8_swar",
        "mw_fully_connected_groups_s8_swar.h",
        _accepts_groups,
        _lower_groups,
    ),
    SwarKernel("fully_connected_s8_swar", _HEADER, _accepts, _lower),
    SwarKernel("conv2d_1x1_few_s8_swar", _HEADER, _accepts_few_pixels, _lower),
)
