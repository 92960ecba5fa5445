# SPDX-License-Identifier: MIT
"""QDQ networks as C on an emulated Cortex-M4: every output byte is the reference's."""

import numpy as np
import pytest

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.run.verify import build_compiled, verify_compiled
from tests.models.onnx_samples import SAMPLES
from tests.support import needs_arm_gcc, shared_file

pytest.importorskip("onnx", reason="needs onnx: pip install onnx")
pytest.importorskip("unicorn", reason="needs unicorn: pip install unicorn")

pytestmark = [pytest.mark.emulator, needs_arm_gcc]

FILES = [name for name in SAMPLES if name.endswith("_qdq.onnx")]


@pytest.mark.parametrize("file", FILES)
def test_real_samples_on_the_core(file: str) -> None:
    graph = load_model(shared_file("models", *file.split("/")))
    shape = graph.types[graph.inputs[0]].shape
    inputs = SAMPLES[file](shared_file("data")).inputs[:3]
    if inputs.ndim == 4 and shape[-1] == 3:
        inputs = inputs if inputs.shape[-1] == 3 else inputs.transpose(0, 2, 3, 1)
    samples = [(np.ascontiguousarray(x.reshape(shape)),) for x in inputs]
    compiled = compile_graph(graph, load_target("nucleo-l4r5zi"))
    done = verify_compiled(compiled, build_compiled(compiled), samples)
    assert done.samples == 3
