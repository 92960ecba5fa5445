# SPDX-License-Identifier: MIT
"""Networks given as lists of layers, as crossbars see them."""

from __future__ import annotations

from milliwatt.backend.aimc.layers import Kind, Layer
from milliwatt.backend.dimc.layer import Layer as ListedLayer
from milliwatt.backend.dimc.workload import Workload


def listed_layers(workload: Workload) -> tuple[Layer, ...]:
    """Every layer of the list as a matrix; lists leave out operators without weights."""
    return tuple(_layer(layer) for layer in workload.layers)


def _layer(layer: ListedLayer) -> Layer:
    vectors = layer.pixels * layer.repeats
    return Layer(
        layer.name,
        _kind(layer),
        rows=layer.kernel_elements,
        columns=layer.kernels // layer.groups,
        groups=layer.groups,
        vectors=vectors,
        weight_bits=layer.weight_bits,
        macs=layer.macs,
        input_elements=layer.input_bits // layer.activation_bits,
        output_elements=layer.kernels * vectors,
    )


def _kind(layer: ListedLayer) -> Kind:
    if layer.groups > 1:
        return "depthwise" if layer.groups == layer.in_channels else "conv"
    if layer.kernel_hw != (1, 1):
        return "conv"
    return "dense" if layer.pixels == 1 else "pointwise"
