# SPDX-License-Identifier: MIT
"""A linear node as matrices, and its input as the vectors they multiply."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array
from milliwatt.ops._convolve import pad_image
from milliwatt.ops._linear import centred
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D


def matrix_of(graph: Graph, node: Node) -> Array:
    """The node's weights [groups, rows, columns], less their zero point."""
    weights = centred(graph.constants[node.inputs[1]], graph.types[node.inputs[1]])
    if isinstance(node.op, DepthwiseConv2D):
        channels = graph.types[node.inputs[0]].shape[3]
        _, down, right, outputs = weights.shape
        taps = weights.reshape(down * right, channels, outputs // channels)
        return taps.transpose(1, 0, 2)
    if isinstance(node.op, Conv2D):
        groups = graph.types[node.inputs[0]].shape[3] // weights.shape[3]
        matrix = weights.reshape(groups, weights.shape[0] // groups, -1)
        return matrix.transpose(0, 2, 1)
    return weights.T[None]


def vectors_of(graph: Graph, node: Node, x: Array) -> Array:
    """The vectors [samples · pixels, groups, rows] that meet the matrices, less the zero point.

    x is [samples, *shape]; what lies outside an image is zero.
    """
    x_type, y_type = graph.types[node.inputs[0]], graph.types[node.outputs[0]]
    values = centred(x, x_type)
    if not isinstance(node.op, Conv2D | DepthwiseConv2D):
        depth = graph.types[node.inputs[1]].shape[1]
        return values.reshape(-1, 1, depth).astype(np.float64)
    image = pad_image(values.reshape(-1, *x_type.shape[1:]), node.op.padding)
    weights = graph.types[node.inputs[1]].shape
    windows = _windows(image, (weights[1], weights[2]), node.op)
    windows = windows[:, : y_type.shape[1], : y_type.shape[2]]
    if isinstance(node.op, DepthwiseConv2D):
        groups, depth = x_type.shape[3], 1
    else:
        groups, depth = x_type.shape[3] // weights[3], weights[3]
    # [N, OH, OW, groups, depth, KH, KW] to [vectors, groups, KH · KW · depth].
    grouped = windows.reshape(*windows.shape[:3], groups, depth, weights[1], weights[2])
    ordered = grouped.transpose(0, 1, 2, 3, 5, 6, 4)
    return ordered.reshape(-1, groups, weights[1] * weights[2] * depth).astype(np.float64)


def _windows(image: Array, filter_hw: tuple[int, int], op: Conv2D | DepthwiseConv2D) -> Array:
    """Every window [N, OH, OW, C, KH, KW] of image[N, H, W, C]."""
    (down, right), (rows, columns) = op.dilation_hw, filter_hw
    reach = ((rows - 1) * down + 1, (columns - 1) * right + 1)
    view = sliding_window_view(image, reach, axis=(1, 2))
    return view[:, :: op.stride_hw[0], :: op.stride_hw[1], :, ::down, ::right]
