# SPDX-License-Identifier: MIT
"""How right answers are: with labels, without, and for autoencoders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.errors import DataError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph
from milliwatt.report.compare.candidate import Accuracy
from milliwatt.report.compare.comparison import compare
from milliwatt.report.compare.quality import (
    Samples,
    area_under_curve,
    is_autoencoder,
    metric_of,
    quality,
    quality_text,
    reference_outputs,
    reference_quality,
)
from milliwatt.report.compare.workload import load_labelled, make_workload
from tests.support import REPOSITORY, shared_file

MODEL = REPOSITORY / "examples" / "digits.mw"
IMAGES = REPOSITORY / "examples" / "digits_images.npy"


@pytest.fixture(scope="module")
def digits() -> Graph:
    return load_model(MODEL)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.load(IMAGES)[:, np.newaxis]


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.data())
def test_area_under_the_curve_counts_pairs(scores: list[int], data: st.DataObject) -> None:
    labels = np.array([0, 1, *data.draw(st.lists(st.integers(0, 1), max_size=len(scores) - 2))])
    values = np.array(scores[: len(labels)], np.float64)
    pairs = [
        1.0 if values[i] > values[j] else 0.5 if values[i] == values[j] else 0.0
        for i in range(len(labels))
        for j in range(len(labels))
        if labels[i] == 1 and labels[j] == 0
    ]
    assert area_under_curve(values, labels) == pytest.approx(sum(pairs) / len(pairs))


def test_both_kinds_are_needed() -> None:
    with pytest.raises(DataError, match="samples of both kinds"):
        area_under_curve(np.arange(3.0), np.zeros(3, int))


def test_without_labels_a_classifier_agrees(digits: Graph, images: np.ndarray) -> None:
    data = Samples(images, None)
    assert metric_of(digits, data) == "agreement"
    reference = reference_outputs(digits, data)
    assert quality(digits, data, reference, reference) == 1.0
    other = reference.copy()
    other[0] = np.roll(other[0], 1)
    assert quality(digits, data, other, reference) == pytest.approx(0.9)
    with pytest.raises(DataError, match="no reference to agree with"):
        quality(digits, data, reference)


def test_an_unlabelled_comparison(digits: Graph, images: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "unlabelled.npz"
    np.savez(path, images=images)
    workload = make_workload(digits, load_labelled(path, digits), noise_seeds=2, after_s=86400.0)
    exact, noisy = (
        row.accuracy for row in compare(workload, ("st-dimc", "pcm-cluster")).candidates
    )
    assert isinstance(exact, Accuracy)
    assert isinstance(noisy, Accuracy)
    assert (exact.metric, exact.values) == ("agreement", (1.0,))
    assert noisy.metric == "agreement"
    assert all(0.5 < value <= 1 for value in noisy.values)


@pytest.fixture(scope="module")
def autoencoder() -> Graph:
    return load_model(shared_file("models", "mlperf_tiny", "ad01_int8.tflite"))


def test_an_autoencoder_with_labels_and_without(autoencoder: Graph) -> None:
    """Its inputs are made: smooth spectra are normal, spectra of alternating bands are not."""
    assert is_autoencoder(autoencoder)
    rng = np.random.default_rng(0)
    kind = autoencoder.types[autoencoder.inputs[0]]
    smooth = np.full((10, *kind.shape), 10) + rng.integers(-3, 4, (10, *kind.shape))
    rough = smooth + 60 * (np.arange(kind.elements) % 2).reshape(kind.shape)
    inputs = np.concatenate([smooth, rough]).astype(np.int8)
    labelled = Samples(inputs, np.repeat([0, 1], 10))
    found = reference_quality(autoencoder, labelled)
    assert found.metric == "AUC"
    assert found.mean == 1.0
    swapped = reference_quality(autoencoder, replace(labelled, labels=np.repeat([1, 0], 10)))
    assert swapped.mean == 0.0
    bare = Samples(inputs, None)
    assert reference_quality(autoencoder, bare).values == (1.0,)
    exact = reference_outputs(autoencoder, bare)
    # A reconstruction that is the input itself has no error; one further away has more.
    assert quality(autoencoder, bare, exact, exact) == pytest.approx(1.0)
    worse = np.clip(exact.astype(int) + 40 * np.sign(exact - inputs.astype(int)), -128, 127)
    assert quality(autoencoder, bare, worse.astype(np.int8), exact) > 1.0
    with pytest.raises(DataError, match="held against"):
        quality(autoencoder, bare, exact)


def test_labels_of_an_autoencoder_are_two(autoencoder: Graph, tmp_path: Path) -> None:
    kind = autoencoder.types[autoencoder.inputs[0]]
    path = tmp_path / "three.npz"
    np.savez(path, x=np.zeros((3, *kind.shape), np.int8), labels=np.arange(3))
    with pytest.raises(DataError, match="the network has 2 classes"):
        load_labelled(path, autoencoder)


@pytest.mark.parametrize(
    ("values", "metric", "text"),
    [
        ((0.5,), "accuracy", "50.0%"),
        ((0.5, 0.6), "accuracy", "55.0% ± 7.1%"),
        ((0.5,), "agreement", "50.0% agree"),
        ((0.875, 0.875), "AUC", "AUC 0.875 ± 0.000"),
        ((1.5,), "reconstruction", "error × 1.50"),
    ],
)
def test_texts(values: tuple[float, ...], metric: str, text: str) -> None:
    assert quality_text(values, metric) == text  # type: ignore[arg-type]
