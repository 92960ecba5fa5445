# SPDX-License-Identifier: MIT
"""Recorded samples as the MLPerf Tiny int8 networks take them, and what they show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from milliwatt.ir.types import Array, DType, TensorType
from milliwatt.ops.quantize import Quantize
from tests.support import shared_file


def load(*parts: str) -> dict[str, Array]:
    """The arrays of one file of the shared data, or skip the calling test."""
    with np.load(shared_file("data", *parts)) as archive:
        return dict(archive)


def _keywords(kind: TensorType) -> list[Array]:
    features = load("kws01", "shared.npz")["mfcc_int8"]
    return [sample.reshape(kind.shape) for sample in features]


def _persons(kind: TensorType) -> list[Array]:
    images = load("vww_coco_cc", "shared.npz")["image_u8"].astype(np.int16) - 128
    return [image.reshape(kind.shape).astype(np.int8) for image in images]


def _wake_words(kind: TensorType) -> list[Array]:
    spectra = load("sww", "calibration_samples.npz")["specs"].astype(np.float32)
    real = TensorType(kind.shape, DType.FLOAT32)
    return [
        Quantize().reference([spectrum.reshape(kind.shape)], [real], [kind])[0]
        for spectrum in spectra
    ]


SAMPLES: dict[str, Callable[[TensorType], list[Array]]] = {
    "kws_dscnn_int8": _keywords,
    "sww_int8": _wake_words,
    "vww_mobilenetv1_025_96_int8": _persons,
}
"""For a network's name: its samples, as values of its input's type."""

LABELS: dict[str, Callable[[], Array]] = {
    "kws_dscnn_int8": lambda: load("kws01", "shared.npz")["label"],
    "sww_int8": lambda: load("sww", "calibration_samples.npz")["labels"],
    "vww_mobilenetv1_025_96_int8": lambda: load("vww_coco_cc", "shared.npz")["label"],
}
"""For a network's name: each sample's class."""
