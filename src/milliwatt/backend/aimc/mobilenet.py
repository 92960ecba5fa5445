# SPDX-License-Identifier: MIT
"""MobileNetV2-1.0-224 as layers, from its published table, without weights.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2:
expansion t, channels c, repeats n, first stride s.
"""

from __future__ import annotations

from milliwatt.backend.aimc.layers import Kind, Layer

_BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_LAST, _CLASSES = 1280, 1000


def mobilenet_v2_layers(weight_bits: int = 8, side: int = 224) -> tuple[Layer, ...]:
    """Every layer of MobileNetV2-1.0 for `side` × `side` images, 1000 classes (300 MMAC at 224)."""
    side //= 2
    layers = [_linear("conv", "conv", 27, 32, side * side, weight_bits, 4 * side * side * 3)]
    channels = 32
    block = 0
    for expansion, outputs, repeats, first_stride in _BOTTLENECKS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            block += 1
            layers += bottleneck(
                f"b{block}", channels, outputs, expansion, stride, side, weight_bits
            )
            side //= stride
            channels = outputs
    pixels = side * side
    layers.append(
        _linear("last", "pointwise", channels, _LAST, pixels, weight_bits, channels * pixels)
    )
    layers.append(_other("pool", _LAST * pixels, _LAST))
    layers.append(_linear("classes", "dense", _LAST, _CLASSES, 1, weight_bits, _LAST))
    return tuple(layers)


def bottleneck(
    name: str, inputs: int, outputs: int, expansion: int, stride: int, side: int, weight_bits: int
) -> list[Layer]:
    """An inverted residual on a `side` × `side` map: expand, 3×3 depthwise, project, add."""
    wide, before, after = inputs * expansion, side * side, (side // stride) ** 2
    layers: list[Layer] = []
    if expansion > 1:
        layers.append(
            _linear(
                f"{name}.expand", "pointwise", inputs, wide, before, weight_bits, inputs * before
            )
        )
    macs = 9 * wide * after
    layers.append(
        Layer(
            f"{name}.depthwise",
            "depthwise",
            9,
            1,
            wide,
            after,
            weight_bits,
            macs,
            wide * before,
            wide * after,
        )
    )
    layers.append(
        _linear(f"{name}.project", "pointwise", wide, outputs, after, weight_bits, wide * after)
    )
    if stride == 1 and inputs == outputs:
        layers.append(_other(f"{name}.add", 2 * outputs * after, outputs * after))
    return layers


def _linear(
    name: str, kind: Kind, rows: int, columns: int, vectors: int, bits: int, inputs: int
) -> Layer:
    macs = rows * columns * vectors
    return Layer(name, kind, rows, columns, 1, vectors, bits, macs, inputs, columns * vectors)


def _other(name: str, inputs: int, outputs: int) -> Layer:
    return Layer(name, "other", 0, 0, 1, 0, 8, 0, inputs, outputs)
