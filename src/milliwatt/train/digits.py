# SPDX-License-Identifier: MIT
"""A small convolutional network for the 1,797 handwritten digits inside scikit-learn.

The images are 8x8 with grey levels 0 to 16, from the UCI set "Optical Recognition of Handwritten
Digits" (Alpaydin and Kaynak, 1998), as `sklearn.datasets.load_digits` ships them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milliwatt.errors import OptionError
from milliwatt.ir.types import Array

if TYPE_CHECKING:
    import torch

TEST_FRACTION = 0.2
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class Digits:
    """Images [N,1,8,8] float32 in 0..1 and labels [N], split by a fixed seed."""

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


def load_digits(seed: int = 0) -> Digits:
    """The digits, a fifth of each class held out for the test."""
    try:
        from sklearn.datasets import load_digits as load
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise OptionError(
            "the digits ship with scikit-learn; to install: pip install 'milliwatt[demo]'"
        ) from error
    data: Any = load()
    images = (data.images / 16.0).astype(np.float32)[:, np.newaxis]
    parts: Any = train_test_split(
        images, data.target, test_size=TEST_FRACTION, random_state=seed, stratify=data.target
    )
    train_images, test_images, train_labels, test_labels = parts
    return Digits(train_images, train_labels, test_images, test_labels)


def make_network() -> torch.nn.Module:
    """Convolution, two depthwise-separable blocks, pooling, a dense layer: 10 classes."""
    from torch import nn

    def separable(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *separable(16, 32, 2),
        *separable(32, 32, 1),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
        nn.Softmax(dim=1),
    )


def train_network(
    digits: Digits,
    *,
    epochs: int = 30,
    seed: int = 0,
    network: torch.nn.Module | None = None,
    progress: Progress | None = None,
) -> torch.nn.Module:
    """A trained network in evaluation mode; the same seed gives the same weights on a machine.

    `network` is what to train further, a sequence that ends in a softmax; None is a new one.
    `progress` is told epoch, epochs and mean loss.
    """
    import torch

    # The network is so small that a second thread costs more than it brings.
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = make_network() if network is None else network
    images, labels = torch.from_numpy(digits.train_images), torch.from_numpy(digits.train_labels)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    logits = network[:-1] if isinstance(network, torch.nn.Sequential) else network
    for epoch in range(epochs):
        network.train()
        losses: list[float] = []
        for batch in torch.randperm(len(images)).split(64):
            loss = torch.nn.functional.cross_entropy(logits(images[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        schedule.step()
        if progress is not None:
            progress(epoch + 1, epochs, float(np.mean(losses)))
    return network.eval()


def classify(network: torch.nn.Module, images: Array) -> Array:
    """The float network's class for each image [N,1,8,8]."""
    import torch

    with torch.no_grad():
        return network(torch.from_numpy(images)).argmax(dim=1).numpy()
