# SPDX-License-Identifier: MIT
"""Real inputs of the published ONNX networks, as their authors prepare them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milliwatt.ir.types import Array

_COUNT = 110


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs (the first dimension counts them) and, where there are any, labels."""

    what: str
    inputs: Array
    labels: Array | None


def keywords(data: Path) -> Samples:
    """Cepstra of Speech Commands; int8 with scale 0.5847 and zero point 83 in the file."""
    with np.load(data / "kws01" / "shared.npz") as stored:
        codes, labels = stored["mfcc_int8"], stored["label"]
    real = (codes.astype(np.float32) - 83) * np.float32(0.5847029089927673)
    return Samples("words", real, labels)


def people(data: Path) -> Samples:
    """Photographs with and without people, NCHW, 0 to 1."""
    images, labels = _photographs(data)
    return Samples("photographs", (images / 255).astype(np.float32).transpose(0, 3, 1, 2), labels)


def thumbnails(data: Path) -> Samples:
    """The same photographs averaged to 32x32, 0 to 255; no labels of CIFAR-10."""
    images, _ = _photographs(data)
    small = images.reshape(-1, 32, 3, 32, 3, 3).mean(axis=(2, 4))
    return Samples("photographs", small.astype(np.float32), None)


def sounds(data: Path) -> Samples:
    """Five frames of 128 log-mel energies of speech, in decibels: no machines, but real sound."""
    with np.load(data / "kws01" / "shared.npz") as stored:
        recordings = stored["pcm_int16"][:_COUNT]
    rows = [_log_mel(r.astype(np.float64) / 32768) for r in recordings]
    return Samples("recordings", np.array(rows, np.float32), None)


SAMPLES: dict[str, Callable[[Path], Samples]] = {
    "mlperf_tiny_onnx_int8/ad_autoencoder_int8_qdq.onnx": sounds,
    "mlperf_tiny_onnx_int8/ic_resnet8_int8_qdq.onnx": thumbnails,
    "mlperf_tiny_onnx_int8/kws_dscnn_int8_qdq.onnx": keywords,
    "mlperf_tiny_onnx_int8/vww_mobilenetv1_int8_qdq.onnx": people,
    "pruned/alibaba_ad.onnx": sounds,
    "pruned/alibaba_kws.onnx": keywords,
}
"""By file; alibaba_ic's preparation is not published."""


def _photographs(data: Path) -> tuple[Array, Array]:
    with np.load(data / "vww_coco_cc" / "shared.npz") as stored:
        return stored["image_u8"], stored["label"]


def _log_mel(signal: Array) -> Array:
    frames = np.stack([signal[i : i + 1024] for i in range(4096, 4096 + 5 * 512, 512)])
    power = np.abs(np.fft.rfft(frames * np.hanning(1024))) ** 2
    top = 2595 * np.log10(1 + 8000 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, 130) / 2595) - 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    f = np.linspace(0, 8000, 513)
    bands = np.clip(np.minimum((f - low) / (centre - low), (high - f) / (high - centre)), 0, None)
    energy = power @ (bands * 2 / (high - low)).T
    return 10 * np.log10(energy + 1e-12).reshape(640)
