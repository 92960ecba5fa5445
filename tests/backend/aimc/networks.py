# SPDX-License-Identifier: MIT
"""The digits network on the PCM cluster, as trained, and trained further with its noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.place import Options, place
from milliwatt.backend.aimc.placement import Placement
from milliwatt.frontend.torch import import_torch
from milliwatt.ir.types import Array
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.quant.calibrate import quantize_graph
from milliwatt.train.digits import load_digits, train_network

if TYPE_CHECKING:
    from torch import nn

MACHINE = "pcm-cluster"
EPOCHS = 60
"""Of training with the noise."""
DAY_S = 86_400.0
# The network is so small that cores would be as fast; what its noise does is the question.
_ON_ARRAYS = Options(pinned=(("conv", "arrays"), ("pointwise", "arrays"), ("dense", "arrays")))


@dataclass(frozen=True, slots=True)
class Digits:
    """A placed network, test images in its input's codes, their labels, images to calibrate on."""

    placement: Placement
    inputs: Array
    labels: Array
    calibration: Array


@cache
def plain_digits() -> Digits:
    """The demo's network."""
    return _placed(train_network(load_digits()))


@cache
def hardened_digits() -> Digits:
    """The same, trained further while its products meet the cluster's noise of a day."""
    from milliwatt.train.analogue import Chips, on_crossbars

    network = train_network(load_digits())
    twin = on_crossbars(network, Chips(load_machine(MACHINE), DAY_S))
    train_network(load_digits(), epochs=EPOCHS, network=twin)
    return _placed(network)


def _placed(network: nn.Module) -> Digits:
    import torch

    digits = load_digits()
    graph = run_pipeline(import_torch(network.eval(), (torch.zeros(1, 1, 8, 8),), "digits"))
    samples = [(image[np.newaxis].transpose(0, 2, 3, 1),) for image in digits.train_images[:100]]
    quantised = quantize_graph(graph, samples, "minmax")
    kind = quantised.types[quantised.inputs[0]]

    def codes(images: Array) -> Array:
        real = images.transpose(0, 2, 3, 1)[:, np.newaxis]
        return np.clip(np.round(real / kind.scale) + kind.zero_point, -128, 127).astype(np.int8)

    placement = place(quantised, load_machine(MACHINE), _ON_ARRAYS)
    inputs, calibration = codes(digits.test_images), codes(digits.train_images[:50])
    return Digits(placement, inputs, digits.test_labels, calibration)
