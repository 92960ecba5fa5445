# SPDX-License-Identifier: MIT
"""MLPerf Tiny's int8 networks on recorded samples: equal to TFLM, and mostly right.

The samples are parts of the benchmark's own sets (keywords, persons) or what the network was
calibrated with (wake word).
"""

import numpy as np
import pytest

from milliwatt.frontend.tflite import load_tflite
from milliwatt.ir.interpret import run
from tests.models.samples import LABELS, SAMPLES
from tests.oracles.tflm import Tflm
from tests.support import shared_file

pytestmark = pytest.mark.oracle

RIGHT = {
    "kws_dscnn_int8": (273, 300),
    "sww_int8": (41, 45),
    "vww_mobilenetv1_025_96_int8": (94, 110),
}
"""For each network how many of its samples it gets right, of how many."""


@pytest.mark.parametrize("name", RIGHT)
def test_equals_tflm_on_recorded_samples(name: str) -> None:
    data = shared_file("models", "mlperf_tiny", f"{name}.tflite").read_bytes()
    graph = load_tflite(data, name)
    samples, labels = SAMPLES[name](graph.types[graph.inputs[0]]), LABELS[name]()
    tflm = Tflm(data)
    right = 0
    for sample, label in zip(samples, labels, strict=True):
        (ours,) = run(graph, [sample]).outputs
        np.testing.assert_array_equal(ours, tflm.invoke([sample])[0])
        right += int(ours.argmax()) == int(label)
    assert (right, len(samples)) == RIGHT[name]
