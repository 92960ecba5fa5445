# SPDX-License-Identifier: MIT
"""Layers that the predictor is fitted to beside those of networks.

Random numbers of fixed seeds; sizes as small networks have them. Every kernel has some: weights of
8, 4 and 2 bits, coded and pruned, 16-bit and float activations, and all other operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from bench.kernels.alternatives import bell
from milliwatt.backend.mcu.choice.select import site_of
from milliwatt.backend.mcu.values.views import is_view
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import DType
from milliwatt.ops.activation import Softmax
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import ports_of
from tests import cases
from tests.backend.mcu.random_graphs import LARGE, random_graph
from tests.cases import linear
from tests.cases.build import Case, case, tensor, values
from tests.cases.linear import Numbers, Window
from tests.kernels.pruned import blocks, nm, pruned, unstructured
from tests.kernels.symmetric import symmetric

RELU = Activation.RELU
_LINEAR = (Conv2D, DepthwiseConv2D, FullyConnected)

CONVOLUTIONS = (
    Window((1, 25, 5, 64), 64, activation=RELU),
    Window((1, 12, 12, 16), 32, activation=RELU),
    Window((1, 6, 6, 64), 64, activation=RELU),
    Window((1, 3, 3, 128), 128, activation=RELU),
    Window((1, 10, 10, 8), 24),
    Window((1, 7, 7, 40), 18),
    Window((1, 1, 1, 96), 64),
    Window((1, 2, 3, 48), 40, activation=RELU),
    Window((1, 1, 1, 256), 40),
    Window((1, 1, 2, 64), 128, activation=RELU),
    Window((1, 1, 2, 32), 24),
    Window((1, 16, 16, 8), 8, (3, 3), padding="same", activation=RELU),
    Window((1, 8, 8, 32), 32, (3, 3), padding="same", activation=RELU),
    Window((1, 9, 9, 16), 24, (3, 3), padding="same"),
    Window((1, 16, 16, 16), 16, (3, 3), stride=(2, 2), padding="same", activation=RELU),
    Window((1, 24, 24, 3), 8, (3, 3), stride=(2, 2), padding="same", activation=RELU),
    Window((1, 25, 10, 1), 16, (10, 4), stride=(2, 2), padding="same", activation=RELU),
    Window((1, 7, 7, 24), 16, (5, 5), padding="same"),
    Window((1, 20, 1, 24), 16, (5, 1), activation=RELU),
)
DEPTHWISE = (
    Window((1, 25, 5, 64), 64, (3, 3), padding="same", activation=RELU),
    Window((1, 12, 12, 16), 16, (3, 3), padding="same", activation=RELU),
    Window((1, 16, 16, 24), 24, (3, 3), stride=(2, 2), padding="same", activation=RELU),
    Window((1, 6, 6, 128), 128, (3, 3), padding="same", activation=RELU),
    Window((1, 24, 24, 8), 8, (3, 3), padding="same", activation=RELU),
    Window((1, 3, 3, 96), 96, (3, 3), padding="same"),
    Window((1, 7, 7, 40), 40, (5, 5), padding="same", activation=RELU),
    Window((1, 14, 14, 20), 20, (7, 7), stride=(2, 2), padding="same"),
    Window((1, 20, 1, 48), 48, (5, 1), activation=RELU),
    Window((1, 16, 16, 1), 8, (3, 3), stride=(2, 2), padding="same", activation=RELU),
    Window((1, 25, 10, 1), 8, (10, 8), stride=(2, 2), padding="same", activation=RELU),
    # The whole map, which few products meet.
    Window((1, 5, 1, 48), 48, (5, 1), activation=RELU),
    Window((1, 12, 1, 64), 64, (10, 1)),
    Window((1, 6, 6, 32), 32, (6, 6)),
    # Single rows, as streams compute them.
    Window((1, 3, 48, 8), 8, (3, 3), padding=Padding(0, 0, 1, 1), activation=RELU),
    Window((1, 3, 24, 32), 32, (3, 3), padding=Padding(0, 0, 1, 1), activation=RELU),
    Window((1, 2, 12, 96), 96, (3, 3), padding=Padding(1, 0, 1, 1), activation=RELU),
    Window((1, 3, 48, 16), 16, (3, 3), stride=(2, 2), padding=Padding(0, 0, 0, 1)),
    Window((1, 3, 96, 12), 12, (3, 3), padding=Padding(0, 0, 1, 1), activation=RELU),
    Window((1, 3, 13, 48), 48, (3, 3), stride=(2, 2), padding=Padding(0, 0, 1, 1)),
)
DENSE = (
    *((1, 640, 64), (1, 128, 128), (1, 64, 10), (1, 256, 32), (1, 51, 33), (1, 200, 4)),
    *((4, 64, 32), (16, 48, 48)),
)
_PRUNED = (
    *(unstructured(0.4), unstructured(0.15), nm(2, 4), nm(1, 4)),
    *(blocks(0.5, 1, 4), blocks(0.4, 4, 4), blocks(0.3, 2, 2)),
    *(blocks(0.4, 1, 16), blocks(0.2, 1, 16), blocks(0.4, 8, 16), unstructured(0.02)),
)
_SPREADS = (1.5, 5.0, 12.0)
_PRUNED_SHAPES = 3
"""Of each operator so many shapes are pruned in every way."""

_NUMBERS = {
    DType.INT8: Numbers(),
    DType.INT16: Numbers(x_zero=0, y_zero=0, bias=DType.INT64),
    DType.FLOAT32: Numbers(),
}
FAMILIES = (
    *("average_pool_s16", "average_pool_f32", "max_pool_s8", "max_pool_s16", "max_pool_f32"),
    *("mean_s16", "mean_f32", "softmax_s8", "softmax_s16", "activation_s8", "activation_s16"),
    *("requantize", "svdf_s8_s8", "svdf_s8_s16", "svdf_f32", "lstm_s8", "lstm_s16", "lstm_f32"),
)
"""Of the tests' layers, those of operators that random graphs seldom have."""

_GRAPHS = 120
"""Random graphs of each type, for the operators without weights."""

LEAST_ELEMENTS = 48
"""Smaller layers than that cost next to nothing."""


def all_layers() -> Iterator[Case]:
    """Sites with a value for each input, the same at every call."""
    whole = list(_linear(DType.INT8, DType.INT8))
    yield from whole
    for weights in (DType.INT4, DType.INT2):
        yield from _linear(DType.INT8, weights)
    for i, one in enumerate(whole):
        yield bell(one, _SPREADS[i % len(_SPREADS)])
    yield from _sparse()
    for dtype in (DType.INT16, DType.FLOAT32):
        yield from _linear(dtype, DType.INT8)
    for dtype in _NUMBERS:
        yield from _random(dtype)
    for family in FAMILIES:
        yield from cases.sites(family)[::2]
    for rows, scale in ((1, 0.1), (40, 0.02), (300, 0.5)):
        x, y = (tensor((rows, 2), DType.INT8, s, -128) for s in (scale, 1 / 256))
        yield case(Softmax(1.0), [(x, values(x, np.random.default_rng(rows)))], [y])


def _linear(dtype: DType, weights: DType) -> Iterator[Case]:
    makers: Sequence[tuple[Callable[..., Case], Sequence[object]]] = (
        (linear.convolution, CONVOLUTIONS),
        (linear.depthwise, DEPTHWISE),
        (linear.dense, DENSE),
    )
    for make, shapes in makers:
        for seed, shape in enumerate(shapes):
            numbers = replace(_NUMBERS[dtype], weights=weights)
            made = make(shape, dtype, numbers, seed)
            yield symmetric(made) if weights is DType.INT8 and not dtype.is_float else made


def _sparse() -> Iterator[Case]:
    convolutions = (*CONVOLUTIONS[:_PRUNED_SHAPES], *_square()[:_PRUNED_SHAPES])
    dense = [linear.dense(size, DType.INT8, Numbers(), 1) for size in DENSE[:_PRUNED_SHAPES]]
    for one in (*(linear.convolution(w, DType.INT8, Numbers(), 1) for w in convolutions), *dense):
        for seed, prune in enumerate(_PRUNED):
            yield pruned(symmetric(one), prune, seed)


def _random(dtype: DType) -> Iterator[Case]:
    """Layers of random graphs, but those with weights."""
    for seed in range(_GRAPHS):
        graph = run_pipeline(random_graph(seed, dtype, LARGE))
        (sample,) = random_samples(ports_of(graph), 1, seed)
        seen = trace(graph, sample)
        for node in graph.nodes:
            site = site_of(graph, node)
            if not is_view(graph, node) and not isinstance(node.op, _LINEAR):
                yield site, [seen[value] for value in node.inputs]


def _square() -> list[Window]:
    return [window for window in CONVOLUTIONS if window.kernel == (3, 3)]


def is_large(layer: Case) -> bool:
    """Whether the layer is large enough to say something."""
    site, _ = layer
    return max(sum(y.elements for y in site.outputs), site.inputs[0].elements) >= LEAST_ELEMENTS
