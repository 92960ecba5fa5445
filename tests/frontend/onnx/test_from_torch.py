# SPDX-License-Identifier: MIT
"""What PyTorch's exporter writes, shapes computed from inputs and all."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.oracles.onnx_runtime import Beside

torch = pytest.importorskip("torch", reason="needs torch: pip install torch")
pytest.importorskip("onnxscript", reason="needs onnxscript: pip install onnxscript")

pytestmark = pytest.mark.oracle

BOUND = 1e-5


class Images(torch.nn.Module):
    """Strided, depthwise and transposed convolutions, resizing, parts, means, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        self.first = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU6(),
            nn.Conv2d(8, 8, 3, 1, 1, groups=8),
            nn.Hardswish(),
        )
        self.pool, self.dense = nn.MaxPool2d(2), nn.Linear(8 * 4 * 4, 5)
        self.up, self.wide = nn.Upsample(scale_factor=2), nn.ConvTranspose2d(8, 4, 2, 2)
        self.smooth = nn.Upsample(scale_factor=2, mode="bilinear")

    def forward(self, x):
        y = self.first(x)
        a, b = y.chunk(2, 1)
        y = torch.cat([b, a], 1)
        rows = self.dense(self.pool(y).view(x.shape[0], -1))
        images = self.up(y), self.wide(y), self.smooth(y)[:, 1:3, ::2]
        padded = torch.nn.functional.pad(y, (1, 2))
        return torch.softmax(rows, 1), *images, y.mean((2, 3)), padded


class Signals(torch.nn.Module):
    """Convolutions along time with a gate, and a mean."""

    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        self.first, self.gate = nn.Conv1d(4, 8, 5, 2), nn.Conv1d(8, 8, 3, padding=1, groups=8)
        self.pool, self.dense = nn.AdaptiveAvgPool1d(1), nn.Linear(8, 3)

    def forward(self, x):
        y = torch.relu(self.first(x))
        y = y * torch.sigmoid(self.gate(y))
        return self.dense(self.pool(y).flatten(1))


@pytest.mark.parametrize(("network", "shape"), [(Images, (1, 3, 16, 16)), (Signals, (2, 4, 30))])
def test_exported(network, shape: tuple[int, ...], tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, x = network().eval(), torch.randn(shape)
    path = tmp_path / "exported.onnx"
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), path, dynamo=True, external_data=False, verbose=False)
        expected = module(x)
    both = Beside(path.read_bytes())
    compared = both.compare(both.feeds(lambda n, s, t: x.numpy()))
    assert len(compared.ours) == (len(expected) if isinstance(expected, tuple) else 1)
    for ours, theirs in zip(compared.ours, compared.theirs, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=BOUND)
