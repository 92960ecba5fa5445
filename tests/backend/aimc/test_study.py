# SPDX-License-Identifier: MIT
"""Accuracy as a distribution: on a keyword spotter, and on handwritten digits."""

from __future__ import annotations

import numpy as np
import pytest

from milliwatt.backend.aimc.crossbar import ALL_ERRORS, NO_ERRORS
from milliwatt.backend.aimc.estimate import estimate
from milliwatt.backend.aimc.load import load_machine
from milliwatt.backend.aimc.place import Options, place
from milliwatt.backend.aimc.simulate import age_chip, calibrate_chip, program_chip, run_chip
from milliwatt.backend.aimc.study import (
    AccuracyOverTime,
    AtTime,
    accuracy_over_time,
    accuracy_picture,
    markdown_table,
)
from milliwatt.errors import DataError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import run
from milliwatt.ir.types import Array
from milliwatt.passes.pipeline import run_pipeline
from tests.models.samples import LABELS, SAMPLES
from tests.support import shared_file

KWS = "kws_dscnn_int8"
YEAR_S = 31_557_600.0


def keywords(count: int) -> tuple[Graph, Array, Array]:
    """MLPerf Tiny's keyword spotter with recorded samples [count, 1, 49, 10, 1] and labels."""
    graph = run_pipeline(load_model(shared_file("models", "mlperf_tiny", f"{KWS}.tflite")))
    inputs = np.stack(SAMPLES[KWS](graph.types[graph.inputs[0]])[:count])
    return graph, inputs, LABELS[KWS]()[:count]


def test_a_keyword_spotter_without_errors_is_the_reference() -> None:
    graph, inputs, _ = keywords(5)
    placement = place(graph, load_machine("pcm-cluster"))
    chip = age_chip(program_chip(placement, 0, NO_ERRORS), YEAR_S)
    expected = [run(graph, [x]).outputs[0] for x in inputs]
    assert np.array_equal(run_chip(chip, [inputs])[0], expected)


def test_a_keyword_spotter_on_analogue_arrays() -> None:
    """Not trained for noise, it loses much; with depthwise on the arrays nearly everything."""
    graph, inputs, labels = keywords(60)
    machine = load_machine("pcm-cluster")
    engine = place(graph, machine)
    arrays = place(graph, machine, Options(pinned=(("depthwise", "arrays"),)))
    exact, noisy, diagonal = (
        accuracy_over_time(p, [inputs], labels, seeds=range(2), times_s=[1.0], errors=errors)
        .times[0]
        .mean
        for p, errors in ((engine, NO_ERRORS), (engine, ALL_ERRORS), (arrays, ALL_ERRORS))
    )
    assert exact > 0.8
    assert diagonal < noisy < exact
    assert estimate(arrays).cycles > 2 * estimate(engine).cycles
    assert any("badly" in note for note in arrays.notes)


def test_calibration_sets_every_converter() -> None:
    graph, inputs, _ = keywords(2)
    chip = program_chip(place(graph, load_machine("pcm-cluster")), 0, frozenset({"adc"}))
    calibrated = calibrate_chip(chip, [inputs])
    assert set(calibrated.full_scales) == set(chip.tiles)
    own = 10 * 8 * 255
    scales = [scale for tiles in calibrated.full_scales.values() for scale in tiles]
    assert all(scale >= 1 for scale in scales)
    assert min(scales) < own
    first, again = (run_chip(age_chip(c, 0.0), [inputs])[0].astype(int) for c in (chip, calibrated))
    assert first.shape == again.shape
    assert not np.array_equal(first, again)


@pytest.mark.slow
def test_digits_lose_accuracy_with_time() -> None:
    import torch

    from milliwatt.frontend.torch import import_torch
    from milliwatt.quant.calibrate import quantize_graph
    from milliwatt.train.digits import load_digits, train_network

    data = load_digits()
    network = train_network(data)
    graph = run_pipeline(import_torch(network, (torch.zeros(1, 1, 8, 8),), "digits"))
    samples = [(image[np.newaxis].transpose(0, 2, 3, 1),) for image in data.train_images[:100]]
    quantised = quantize_graph(graph, samples)
    kind = quantised.types[quantised.inputs[0]]
    real = data.test_images[:, np.newaxis].transpose(0, 1, 3, 4, 2)
    codes = np.clip(np.round(real / kind.scale) + kind.zero_point, -128, 127).astype(np.int8)
    kinds = ("conv", "pointwise", "depthwise", "dense")
    options = Options(pinned=tuple((k, "arrays") for k in kinds))
    placement = place(quantised, load_machine("pcm-cluster"), options)
    exact = accuracy_over_time(
        placement, [codes], data.test_labels, seeds=[0], times_s=[1.0], errors=NO_ERRORS
    )
    noisy = accuracy_over_time(
        placement, [codes], data.test_labels, seeds=range(5), times_s=[1.0, YEAR_S]
    )
    assert exact.times[0].mean > 0.97
    assert 0.85 < noisy.times[0].mean < exact.times[0].mean
    assert noisy.times[1].mean < noisy.times[0].mean
    assert noisy.times[1].std > 0


def some_result() -> AccuracyOverTime:
    times = (AtTime(1.0, (0.9, 0.8, 1.0)), AtTime(172800.0, (0.7, 0.6, 0.5)))
    return AccuracyOverTime("machine", "model", 10, times)


def test_statistics_and_table() -> None:
    result = some_result()
    assert result.times[0].mean == pytest.approx(0.9)
    assert result.times[0].std == pytest.approx(0.1)
    assert result.times[1].quantile(0.5) == pytest.approx(0.6)
    assert "| 1 s | 90.0 | 10.0 | 81.0 | 90.0 | 99.0 |" in markdown_table(result)
    assert "| 2 days | 60.0 |" in markdown_table(result)


def test_picture_is_a_png() -> None:
    picture = accuracy_picture([some_result()], reference=0.95)
    assert picture.startswith(b"\x89PNG")
    assert picture == accuracy_picture([some_result()], reference=0.95)


def test_labels_must_match_samples() -> None:
    graph, inputs, labels = keywords(2)
    placement = place(graph, load_machine("pcm-cluster"))
    with pytest.raises(DataError, match="1 labels for"):
        accuracy_over_time(placement, [inputs], labels[:1])
    with pytest.raises(DataError, match="at least one seed"):
        accuracy_over_time(placement, [inputs], labels, seeds=[])
