# SPDX-License-Identifier: MIT
"""Inputs for networks whose own data is not at hand: photographs and sounds of other sets.

They say how far a noisy chip is from the exact network, not how good either is at its task.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.quantize import Quantize
from tests.models.samples import load
from tests.support import shared_file

BANDS, FRAMES, WINDOW, HOP, RATE_HZ = 128, 5, 1024, 512, 16_000


def photographs(kind: TensorType) -> Array:
    """Photographs of persons and of none, 96 × 96, as int8 images of a network's input size."""
    images = load("vww_coco_cc", "shared.npz")["image_u8"].astype(np.float64)
    _, height, width, _ = kind.shape
    rows, columns = images.shape[1] // height, images.shape[2] // width
    blocks = images.reshape(len(images), height, rows, width, columns, 3).mean(axis=(2, 4))
    codes = np.clip(np.rint(blocks - 128), -128, 127).astype(np.int8)
    return codes.reshape(len(images), *kind.shape)


def machine_sounds(kind: TensorType, count: int) -> Array:
    """A boiler and a washing machine as MLPerf Tiny's anomaly detector takes sounds.

    Five frames of 128 mel bands in dB: windows of 64 ms, 32 ms apart.
    """
    files = [shared_file("data", "kws_arabic", "noise", f"{n}.flac") for n in _MACHINES]
    frames = [_log_mel(_read(path)) for path in files]
    stacked = np.concatenate(
        [
            np.stack([f[i : i + FRAMES].reshape(-1) for i in range(len(f) - FRAMES + 1)])
            for f in frames
        ]
    )
    chosen = stacked[np.linspace(0, len(stacked) - 1, count).astype(int)].astype(np.float32)
    real = TensorType(kind.shape, DType.FLOAT32)
    return np.stack(
        [Quantize().reference([row.reshape(kind.shape)], [real], [kind])[0] for row in chosen]
    )


_MACHINES = ("boiler", "washing_machine")


def _read(path: Path) -> Array:
    soundfile = pytest.importorskip("soundfile", reason="needs soundfile to read .flac files")
    return soundfile.read(path)[0]


def _log_mel(sound: Array) -> Array:
    starts = range(0, len(sound) - WINDOW + 1, HOP)
    windows = np.stack([sound[i : i + WINDOW] for i in starts]) * np.hanning(WINDOW + 1)[:-1]
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    return 10 * np.log10(power @ _mel_bands().T + np.finfo(np.float64).eps)


def _mel_bands() -> Array:
    """Triangles [BANDS, WINDOW/2 + 1] of equal area, corners evenly spaced in mel (Slaney)."""
    edges = _hertz(np.linspace(0.0, _mel(RATE_HZ / 2), BANDS + 2))
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def _mel(hertz: float) -> float:
    """Linear to 1 kHz, logarithmic above: 15 mel at 1 kHz, 27 steps to 6.4 times as much."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def _hertz(mel: Array) -> Array:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))
