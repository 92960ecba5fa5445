# SPDX-License-Identifier: MIT
"""Kernels stored and loaded as a bit mask and the weights that are not zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from milliwatt.backend.dimc.extract import is_linear
from milliwatt.backend.dimc.layer import Layer
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import Array


def coded_bits(values: Array, bits: int, zero: int = 0) -> int:
    """Bits of the mask and of the elements other than `zero`."""
    return values.size + bits * int(np.count_nonzero(values != zero))


def coded_layers(graph: Graph, layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """The layers with their coded kernels to store and load; those that do not gain stay raw."""
    nodes = {node.outputs[0]: node for node in graph.nodes if is_linear(node)}
    return {
        name: replace(layer, stored_weight_bits=_stored_bits(graph, nodes[name].inputs[1], layer))
        for name, layer in layers.items()
    }


def _stored_bits(graph: Graph, weights: str, layer: Layer) -> int:
    coded = coded_bits(graph.constants[weights], layer.weight_bits)
    return min(coded, layer.kernels * layer.kernel_bits)
